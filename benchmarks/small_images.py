"""What becomes of a small image when a network learns for long, and when it ends by itself.

    OMP_NUM_THREADS=1 python benchmarks/small_images.py           more than an hour
    python benchmarks/small_images.py --methods n2v laine19
    python benchmarks/small_images.py --table-only                from the kept figures

The middle 192 x 192 pixels of a confocal and of a simulated image: 2,400 steps ask for each pixel
as often as 17,000 steps do on 512 x 512 pixels. Every figure is a training of its own, whose
learning rate falls to zero with its last step; the same seed gives the same figure, whatever else
the machine does.
"""

from __future__ import annotations

import argparse
import time

import images
import tables
from ablations import middle
from papers import DOCUMENT

from napari_blindspot import api, methods
from napari_blindspot.events import Step
from napari_blindspot.quality import psnr

IMAGES = ("fish", "nuclei_10")
STEPS = (600, 2400)
OTHERS = ("express", "zs_n2n", "self2self")  # that do not end by themselves
_RESULTS = "small_images"


def settling() -> list[str]:
    """Names of the methods that can end by themselves, but for those that need repeats."""
    found = {name: method() for name, method in methods.available().items()}
    return [n for n, method in found.items() if hasattr(method, "settles") and not method.repeats]


def chosen() -> list[images.BenchmarkImage]:
    """The images, cut to their middle."""
    every = [*images.fmd(), *images.simulated()]
    return [one for name in IMAGES for one in every if one.name == name]


def measure(method: str, image: images.BenchmarkImage, steps: int, *, settles: bool) -> None:
    """Denoise and keep the figure with the steps that were done, unless it is there."""
    label = f"{method} {steps}{' settles' * settles}"
    if any((row.image, row.method) == (image.name, label) for row in tables.read(_RESULTS)):
        return
    values = {"settles": 0} if method in settling() and not settles else {}
    done = []
    began = time.perf_counter()
    found = api.denoise(
        middle(image.noisy),
        method=method,
        budget=f"{steps}steps",
        device="cpu",
        progress=lambda event: done.append(event.step) if isinstance(event, Step) else None,
        **values,
    ).image
    seconds = time.perf_counter() - began
    figure = psnr(found, middle(image.truth), image.data_range)
    row = tables.Row("small", image.name, label, figure, seconds, str(max(done)))
    tables.add(_RESULTS, row)
    print(f"{image.name} {label}: {figure:.2f} dB, {row.detail} steps, {seconds:.0f} s", flush=True)


def table() -> str:
    """One line per method; for each image the PSNR after fixed steps, and where it ended."""
    kept = {(row.method, row.image): row for row in tables.read(_RESULTS)}
    names = list(dict.fromkeys(method.split()[0] for method, _ in kept))
    heads = [*(f"{steps:,} steps" for steps in STEPS), "ends by itself", "after"]
    lines = [["method", *(f"{image}, {head}" for image in IMAGES for head in heads)]]
    lines.append(["---", *["---:"] * (len(lines[0]) - 1)])
    for name in names:
        cells = []
        for image in IMAGES:
            fixed = (kept.get((f"{name} {steps}", image)) for steps in STEPS)
            cells += [f"{row.psnr:.2f}" if row else "–" for row in fixed]
            own = kept.get((f"{name} {STEPS[-1]} settles", image))
            cells += [f"{own.psnr:.2f}", own.detail] if own else ["–", "–"]
        lines.append([name, *cells])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--methods", nargs="+", default=[*settling(), *OTHERS])
    parser.add_argument("--table-only", action="store_true")
    options = parser.parse_args()
    if not options.table_only:
        for name in options.methods:
            for image in chosen():
                if name not in OTHERS:
                    measure(name, image, STEPS[-1], settles=True)
                for steps in STEPS:
                    measure(name, image, steps, settles=False)
    tables.write_between_markers(DOCUMENT, "small_images", table())


if __name__ == "__main__":
    main()
