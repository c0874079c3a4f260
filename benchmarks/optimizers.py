"""Muon against AdamW: the same method, seconds and seed, each with its own learning rate.

    OMP_NUM_THREADS=1 python benchmarks/optimizers.py                  half an hour
    OMP_NUM_THREADS=1 python benchmarks/optimizers.py --methods n2v --budget 60s
    python benchmarks/optimizers.py --table-only                       from the kept figures

A volume, which is large for the steps that there is time for, and a scene with fine structure, both
simulated. The rates of AdamW are those that were chosen for it by experiment when it was the
default. `express` begins without its pretrained start, with which it uses AdamW.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import images
import tables
from images import BenchmarkImage
from papers import DOCUMENT

from napari_blindspot import api

IMAGES = {"planaria_30": "planaria", "filaments_30": "simulated", "nuclei_3": "simulated"}
# Learning rate of AdamW, by method.
RATES = {
    "express": 0.004,
    "n2v": 0.001,
    "n2v2": 0.001,
    "struct_n2v": 0.001,
    "laine19": 0.004,
    "blind2grad": 0.003,
    "self2self": 0.004,
    "self2self_plus": 0.004,
    "mgrconv": 0.004,
    "noise2self": 0.001,
    "noise2fast": 0.001,
    "neighbor2neighbor": 0.001,
    "blind2unblind": 0.001,
    "zs_n2n": 0.001,
}


def measure(set_name: str, image: BenchmarkImage, method: str, optimizer: str, budget: str) -> None:
    """Denoise and keep the figure."""
    values: dict[str, Any] = {"optimizer": optimizer}
    if optimizer == "adam":
        values["learning_rate"] = RATES[method]
    if method == "express":
        values["prior"] = False
    began = time.perf_counter()
    axes = "ZYX"[-image.noisy.ndim :]
    found = api.denoise(image.noisy, method=method, budget=budget, axes=axes, **values).image
    seconds, figure = time.perf_counter() - began, image.psnr(found)
    row = f"{method} {optimizer} {budget}"
    tables.add("optimizers", tables.Row(set_name, image.name, row, round(figure, 3), seconds))
    print(f"{image.name} {row}: {figure:.2f} dB in {seconds:.0f} s", flush=True)


def table(budget: str) -> str:
    """One line per method: what AdamW has on each image, and what Muon has."""
    cells = {(row.image, row.method): row.psnr for row in tables.read("optimizers")}
    heads = [f"{image}, {name}" for image in IMAGES for name in ("AdamW", "Muon", "gain")]
    lines = [["method", *heads], ["---", *["---:"] * len(heads)]]
    gains: list[list[float]] = [[] for _ in IMAGES]
    for method in RATES:
        line = [method]
        for image, gained in zip(IMAGES, gains, strict=True):
            pair = [cells.get((image, f"{method} {name} {budget}")) for name in ("adam", "muon")]
            if pair[0] is None or pair[1] is None:
                line += ["–"] * 3
            else:
                gained.append(pair[1] - pair[0])
                line += [f"{pair[0]:.2f}", f"{pair[1]:.2f}", f"{gained[-1]:+.2f}"]
        lines.append(line)
    means = (["", "", f"{sum(g) / len(g):+.2f}" if g else "–"] for g in gains)
    lines.append(["**mean**", *(cell for cells in means for cell in cells)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--methods", nargs="+", choices=list(RATES), default=list(RATES))
    parser.add_argument("--images", nargs="+", choices=list(IMAGES), default=list(IMAGES))
    parser.add_argument("--budget", default="30s")
    parser.add_argument("--table-only", action="store_true", help="measure nothing")
    options = parser.parse_args()
    if not options.table_only:
        sets = list(dict.fromkeys(IMAGES[name] for name in options.images))
        for set_name, image in images.load(sets):
            if image.name in options.images:
                for method in options.methods:
                    for optimizer in ("adam", "muon"):
                        measure(set_name, image, method, optimizer, options.budget)
    tables.write_between_markers(DOCUMENT, "optimizers", table(options.budget))


if __name__ == "__main__":
    main()
