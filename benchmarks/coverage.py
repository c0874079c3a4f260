"""How many true pixels lie within the 90 % interval that a method gives.

    OMP_NUM_THREADS=1 python benchmarks/coverage.py              a quarter of an hour
    python benchmarks/coverage.py --methods express --images nuclei_10 --budget 1000steps
    python benchmarks/coverage.py --table-only                   from the kept figures

The interval is the denoised value and 1.645 standard deviations on both sides. Beside it stands the
root mean square error as a part of the root mean square standard deviation: 1 is what it should be,
more is an uncertainty that is too small.

The truth of a measured image is the mean of 4 to 50 frames. It holds a fourth to a fiftieth of the
noise of one, which is known by the law that the method fits, and is added to the variance here. The
specimen of the confocal images moved while they were taken, so their truth is aligned first
(`truths.py`).
"""

from __future__ import annotations

import argparse
import time

import images
import numpy as np
import tables
from papers import DOCUMENT
from truths import aligned

from napari_blindspot import api, methods

METHODS = ("express", "laine19")
SCENES = ("nuclei_10", "nuclei_30", "filaments_10", "filaments_30", "tissue_10", "tissue_30")
CONFOCAL = ("BPAE_G", "fish", "mice", "BPAE_B", "BPAE_R")
FRAMES = {"hazelnut_low": 40, "hazelnut_frame": 4, **dict.fromkeys(CONFOCAL, 50)}  # of the truth
IMAGES = (*SCENES, "planaria_30", *FRAMES)
SETS = ["simulated", "hazelnut", "fmd", "planaria"]
DEVIATIONS = 1.645  # of a normal distribution, 90 % lie within so many on both sides
BUDGET = "250steps"  # of the table
_RESULTS = "coverage"


def measure(method: str, image: images.BenchmarkImage, budget: str) -> None:
    """Denoise and keep the part inside and the ratio, unless they are there."""
    label = f"{method} {budget}"
    if any((row.image, row.method) == (image.name, label) for row in tables.read(_RESULTS)):
        return
    began = time.perf_counter()
    result = api.denoise(image.noisy, method=method, budget=budget, device="cpu", with_std=True)
    assert result.std is not None
    truth = aligned(image).truth if image.name in CONFOCAL else image.truth
    law, error = result.noise[0], result.image - truth
    noise = np.maximum(law.gain * truth + law.offset, law.floor) / FRAMES.get(image.name, np.inf)
    inside = float(np.mean(error**2 <= DEVIATIONS**2 * (result.std**2 + noise)))
    ratio = float(np.sqrt(np.mean(error**2 - noise) / np.mean(result.std**2)))
    seconds, detail = time.perf_counter() - began, f"{inside:.4f} {ratio:.3f}"
    row = tables.Row("coverage", image.name, label, image.psnr(result.image), seconds, detail)
    tables.add(_RESULTS, row)
    print(f"{image.name} {label}: {100 * inside:.1f} %, error {ratio:.2f} of it", flush=True)


def table() -> str:
    """One line per image; for each method the part inside, and error by standard deviation."""
    kept = {(row.image, row.method): row.detail.split() for row in tables.read(_RESULTS)}
    heads = [head for name in METHODS for head in (f"{name}, inside", f"{name}, error / deviation")]
    lines = [["image", *heads], ["---", *["---:"] * len(heads)]]
    for image in IMAGES:
        found = [kept.get((image, f"{name} {BUDGET}")) for name in METHODS]
        figures = [map(float, x) if x else None for x in found]
        cells = [_cells(*x) if x else ("–", "–") for x in figures]
        lines.append([image, *(cell for pair in cells for cell in pair)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cells(inside: float, ratio: float) -> tuple[str, str]:
    return f"{100 * inside:.1f} %", f"{ratio:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    able = [name for name, method in methods.available().items() if method.has_std]
    parser.add_argument("--methods", nargs="+", choices=able, default=METHODS)
    parser.add_argument("--images", nargs="+", choices=IMAGES, default=IMAGES)
    parser.add_argument("--budget", default=BUDGET)
    parser.add_argument("--table-only", action="store_true", help="measure nothing")
    options = parser.parse_args()
    if not options.table_only:
        for _, image in images.load(SETS):
            for name in options.methods if image.name in options.images else ():
                measure(name, image, options.budget)
    tables.write_between_markers(DOCUMENT, "coverage", table())


if __name__ == "__main__":
    main()
