"""Where the truth of the confocal images lies, and what it is worth there.

    OMP_NUM_THREADS=1 python benchmarks/truths.py      two minutes

The truth is the mean of 50 frames, of which the noisy image is one, and the specimen moved and
bleached meanwhile. `aligned` moves the truth to where the frame is, and gives it its brightness;
the table has the PSNR of some results against both.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import images
import numpy as np
import tables
from classical import best_gaussian
from numpy.typing import NDArray
from papers import DOCUMENT
from scipy.ndimage import shift
from scipy.optimize import minimize

from napari_blindspot import api

_RESULTS = "truths"
_BUDGET = "250steps"
_STEP = 0.5  # pixels, at first
_LINES = ("noisy", "gaussian", f"express {_BUDGET}")


@dataclass(frozen=True)
class Aligned:
    """A truth where the noisy image is, and how it came there.

    Attributes
    ----------
    truth : ndarray
        Moved, and with the brightness of the noisy image.
    moved : tuple of float
        Pixels down and to the right.
    factor : float
        By which it is brighter now.
    """

    truth: NDArray[np.float64]
    moved: tuple[float, float]
    factor: float


def aligned(image: images.BenchmarkImage) -> Aligned:
    """The truth after the shift, the factor and the offset of the smallest squared error."""
    noisy, truth = image.noisy.astype(float), image.truth.astype(float)

    def matched(moved: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
        there = shift(truth, moved, order=3, mode="nearest")
        factor, offset = np.polyfit(there.ravel(), noisy.ravel(), 1)
        return factor * there + offset, float(factor)

    def missed(moved: NDArray[np.float64]) -> float:
        return float(np.mean((noisy - matched(moved)[0]) ** 2))

    corners = np.array([(0.0, 0.0), (_STEP, 0.0), (0.0, _STEP)])
    options = {"initial_simplex": corners, "xatol": 0.005, "fatol": 1e-9}
    down, right = minimize(missed, corners[0], method="Nelder-Mead", options=options).x
    there, factor = matched(np.array([down, right]))
    return Aligned(there, (float(down), float(right)), factor)


def measure(image: images.BenchmarkImage) -> None:
    """Keep the PSNR against both truths, and the shift with the factor."""
    if any(row.image == image.name for row in tables.read(_RESULTS)):
        return
    found = aligned(image)
    there = replace(image, truth=found.truth)
    express = api.denoise(image.noisy, method="express", budget=_BUDGET, device="cpu").image
    for method in _LINES:
        results = {
            "noisy": (image.noisy, image.noisy),
            "gaussian": (best_gaussian(image)[0], best_gaussian(there)[0]),
        }.get(method, (express, express))
        before, after = image.psnr(results[0]), there.psnr(results[1])
        detail = f"{found.moved[0]:.3f} {found.moved[1]:.3f} {found.factor:.4f} {after:.4f}"
        tables.add(_RESULTS, tables.Row("fmd", image.name, method, before, 0.0, detail))
        print(f"{image.name} {method}: {before:.2f}, aligned {after:.2f} dB; {detail}", flush=True)


def table() -> str:
    """One line per image."""
    kept = {(row.image, row.method): row for row in tables.read(_RESULTS)}
    heads = [head for name in _LINES for head in (name, "aligned")]
    lines = [["image", "down", "right", "factor", *heads]]
    lines.append(["---", *["---:"] * (len(lines[0]) - 1)])
    for image in dict.fromkeys(name for name, _ in kept):
        rows = [kept[image, name] for name in _LINES]
        down, right, factor, _ = map(float, rows[0].detail.split())
        cells = [(row.psnr, float(row.detail.split()[-1])) for row in rows]
        figures = [f"{value:.2f}" for pair in cells for value in pair]
        lines.append([image, f"{down:+.2f}", f"{right:+.2f}", f"{factor:.3f}", *figures])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    for image in images.fmd():
        measure(image)
    tables.write_between_markers(DOCUMENT, "truths", table())


if __name__ == "__main__":
    main()
