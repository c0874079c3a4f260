"""PSNR against steps of training: what is a matter of time, and what is not.

    OMP_NUM_THREADS=1 python benchmarks/by_steps.py                     hours
    python benchmarks/by_steps.py --rows blind2grad-25 --steps 400 1600
    python benchmarks/by_steps.py --rows blind2grad-25 --set '{"mask": "bernoulli"}'
    python benchmarks/by_steps.py --table-only                          from the kept figures

The middle 192 x 192 pixels of a photograph of BSD68 with Gaussian noise on the scale 0 to 255, each
figure a training of its own, for the learning rate falls to zero with its last step. The same seed
gives the same figure, whatever else the machine does.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import numpy as np
import tables
from ablations import middle
from papers import DOCUMENT, noisy_photograph, photographs

from napari_blindspot import api
from napari_blindspot.quality import psnr

ROWS = ("blind2grad-25", "self2self-25", "blind2unblind-25", "noise2self-25", "n2v-25")


def measure(row: str, image: str, steps: int, values: dict[str, Any]) -> None:
    """Denoise and keep the figure, unless it is there."""
    label = " ".join([row, *(f"{k}={v}" for k, v in values.items()), str(steps)])
    if any((kept.image, kept.method) == (image, label) for kept in tables.read("by_steps")):
        return
    method, sigma = row.rsplit("-", 1)
    clean = dict(photographs("BSD68", 68))[image]
    noisy = middle(noisy_photograph(image, clean, float(sigma)))
    began = time.perf_counter()
    budget = f"{steps}steps"
    found = api.denoise(noisy, method=method, budget=budget, device="cpu", **values).image
    seconds = time.perf_counter() - began
    figure = psnr(np.clip(found, 0, 255), middle(clean), 255.0)
    tables.add("by_steps", tables.Row("BSD68", image, label, figure, seconds))
    print(f"{image} {label}: {figure:.2f} dB in {seconds:.0f} s", flush=True)


def table() -> str:
    """One line per image and row, one column per number of steps."""
    found: dict[tuple[str, str], dict[int, float]] = {}
    for kept in tables.read("by_steps"):
        row, steps = kept.method.rsplit(" ", 1)
        found.setdefault((kept.image, row), {})[int(steps)] = kept.psnr
    columns = sorted({steps for points in found.values() for steps in points})
    lines = [["image", "row", *(f"{steps} steps" for steps in columns)]]
    lines.append(["---", "---", *["---:"] * len(columns)])
    for (image, row), points in found.items():
        figures = (f"{points[steps]:.2f}" if steps in points else "–" for steps in columns)
        lines.append([image, row, *figures])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", nargs="+", default=ROWS)
    parser.add_argument("--image", default="test003")
    parser.add_argument("--steps", nargs="+", type=int, default=[400, 1600, 6400])
    parser.add_argument("--set", type=json.loads, default={}, help="parameters, as JSON")
    parser.add_argument("--table-only", action="store_true")
    options = parser.parse_args()
    if not options.table_only:
        for steps in options.steps:
            for row in options.rows:
                measure(row, options.image, steps, options.set)
    tables.write_between_markers(DOCUMENT, "papers_steps", table())


if __name__ == "__main__":
    main()
