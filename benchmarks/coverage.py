"""How many true pixels lie within the 90 % interval of laine19 on real photon counts.

    python benchmarks/coverage.py

The interval is the posterior mean and 1.645 posterior standard deviations on both sides.
"""

from __future__ import annotations

import images
import numpy as np
import tifffile

import napari_blindspot.api

RUNS = ((1, "30s"), (40, "60s"))  # frames, budget
DEVIATIONS = 1.645  # of a normal distribution, 90 % lie within so many on both sides


def inside(frames: int, budget: str) -> float:
    """Part of the pixels of the denoised frames whose interval holds the truth."""
    folder = images.DATA / "photon_hazelnut"
    noisy = tifffile.imread(folder / "noisy_lowlight_T40.tif")[:frames]
    truth = tifffile.imread(folder / "gt_lowlight_total_div40.tif")
    result = napari_blindspot.api.denoise(
        noisy,
        method="laine19",
        likelihood="poisson",
        budget=budget,
        axes="TYX",
        with_std=True,
    )
    assert result.std is not None
    return float(np.mean(np.abs(result.image - truth) <= DEVIATIONS * result.std))


def main() -> None:
    for frames, budget in RUNS:
        print(f"{frames:2} frames, {budget}: {100 * inside(frames, budget):.1f} %", flush=True)


if __name__ == "__main__":
    main()
