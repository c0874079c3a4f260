"""Every method of ours on real noise, with the same budget.

    python benchmarks/methods.py                                  60 s each: about three hours
    python benchmarks/methods.py --methods amsnet --sets widefield --budget 300s
    python benchmarks/methods.py --table-only                     from the kept figures

The confocal images of FMD and the simulated volumes by PSNR, the channels of the wide-field pair by
affine PSNR: these are not to be compared. Rows of `classical.py` that are there stand above.
Seconds are wall time of training and denoising; set OMP_NUM_THREADS to the number of cores that a
row shall have.
"""

from __future__ import annotations

import argparse

import images
import numpy as np
import tables
from peers import ROOT, measure_ours

from napari_blindspot import methods

SETS = ("fmd", "widefield", "planaria")
CLASSICAL = ("noisy", "gaussian", "bm3d")
BUDGETS = ("60s", "300s")  # of which the tables have rows, besides the one that is given
# Methods that need repeated frames have no place among those of a single image.
KNOWN = [name for name, method in methods.available().items() if not method().repeats]


def table(set_name: str, rows: list[str]) -> str:
    """One line per method: PSNR of every image, the mean, and seconds per image."""
    kept = [row for file in ("classical", "ours") for row in tables.read(file)]
    cells = {(row.method, row.image): row for row in kept if row.set == set_name}
    names = list(dict.fromkeys(image for _, image in cells))
    lines = [["method", *names, "mean, dB", "s per image"], ["---", *["---:"] * (len(names) + 2)]]
    for row in rows:
        found = [cells[row, name] for name in names if (row, name) in cells]
        if len(found) == len(names):
            mean, seconds = (np.mean([getattr(x, f) for x in found]) for f in ("psnr", "seconds"))
            figures = (f"{x.psnr:.2f}" for x in found)
            lines.append([row, *figures, f"{mean:.2f}", f"{seconds:.0f}"])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    parser.add_argument("--methods", nargs="+", choices=KNOWN, default=KNOWN)
    parser.add_argument("--budget", default="60s")
    parser.add_argument("--table-only", action="store_true", help="measure nothing")
    options = parser.parse_args()
    if not options.table_only:
        for name in options.methods:
            for set_name, image in images.load(list(options.sets)):
                measure_ours(set_name, image, f"{name}-{options.budget}")
    budgets = dict.fromkeys((*BUDGETS, options.budget))
    rows = [*CLASSICAL, *(f"{name}-{budget}" for name in KNOWN for budget in budgets)]
    for set_name in SETS:
        text = table(set_name, rows)
        print(f"\n{set_name}\n{text}")
        tables.write_between_markers(ROOT / "docs" / "benchmarks.md", f"methods_{set_name}", text)


if __name__ == "__main__":
    main()
