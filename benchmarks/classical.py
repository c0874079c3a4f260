"""Denoisers that need no network, on the images of `images.py`.

    python benchmarks/classical.py                     all sets, all methods
    python benchmarks/classical.py --sets fmd --methods gaussian bm3d

Run it in the environment that `peers.py` makes, with the package on the path, or through
`peers.py`. The figures go to `results/classical.json`.

Methods: `noisy` (nothing done); `gaussian` (blur with the sigma that is best by the truth, which
no user has: a line to stay above); `nlm` and `wavelet` (scikit-image, parameters calibrated
without truth by J-invariance); `nlm_vst`, `wavelet_vst`, `bm3d` (the same and BM3D, on the
variance-stabilised image, see `anscombe.py`). The package `bm3d` is licensed for non-commercial
use only: napari-blindspot itself never imports it.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import images
import numpy as np
import tables
from anscombe import Image, estimate_law
from images import BenchmarkImage
from scipy import ndimage
from skimage.restoration import calibrate_denoiser, denoise_nl_means, denoise_wavelet

Outcome = tuple[Image, str]
Denoiser = Callable[[Image], Outcome]


def best_gaussian(image: BenchmarkImage) -> Outcome:
    """Gaussian blur with the sigma of highest PSNR."""
    sigmas = np.geomspace(0.3, 8.0, 40)
    noisy = image.noisy.astype(float)
    blurred = [ndimage.gaussian_filter(noisy, sigma) for sigma in sigmas]
    figures = [image.psnr(result) for result in blurred]
    best = int(np.argmax(figures))
    return blurred[best], f"sigma {sigmas[best]:.2f}"


def calibrated_nlm(noisy: Image) -> Outcome:
    """Non-local means; strength and patch size calibrated."""
    grid = {
        "h": np.array([0.4, 0.6, 0.8, 1.0, 1.3]) * _noise_level(noisy),
        "patch_size": [5, 7],
        "patch_distance": [7],
        "fast_mode": [True],
    }
    return _calibrated(noisy, denoise_nl_means, grid, ("h", "patch_size"))


def calibrated_wavelet(noisy: Image) -> Outcome:
    """Wavelet thresholding; wavelet, threshold rule and noise level calibrated."""
    grid = {
        "sigma": np.array([0.5, 0.7, 1.0, 1.4, 2.0]) * _noise_level(noisy),
        "wavelet": ["db2", "sym4", "bior4.4"],
        "method": ["BayesShrink", "VisuShrink"],
        "rescale_sigma": [True],
    }
    return _calibrated(noisy, denoise_wavelet, grid, ("sigma", "wavelet", "method"))


def bm3d_white(noisy: Image) -> Outcome:
    """BM3D for white noise of standard deviation 1."""
    from bm3d import bm3d

    low, extent = noisy.min(), np.ptp(noisy)
    return bm3d((noisy - low) / extent, 1 / extent) * extent + low, ""


def stabilised(noisy: Image, denoiser: Denoiser) -> Outcome:
    """`denoiser` between the generalised Anscombe transform and its unbiased inverse."""
    law = estimate_law(noisy)
    result, detail = denoiser(law.stabilise(noisy))
    return law.invert(result), f"gain {law.gain:.3g} offset {law.offset:.3g} {detail}".strip()


METHODS: dict[str, Callable[[BenchmarkImage], Outcome]] = {
    "noisy": lambda image: (image.noisy.astype(float), ""),
    "gaussian": best_gaussian,
    "nlm": lambda image: _in_unit_range(image.noisy.astype(float), calibrated_nlm),
    "wavelet": lambda image: _in_unit_range(image.noisy.astype(float), calibrated_wavelet),
    "nlm_vst": lambda image: stabilised(
        image.noisy.astype(float), lambda stable: _in_unit_range(stable, calibrated_nlm)
    ),
    "wavelet_vst": lambda image: stabilised(
        image.noisy.astype(float), lambda stable: _in_unit_range(stable, calibrated_wavelet)
    ),
    "bm3d": lambda image: stabilised(image.noisy.astype(float), bm3d_white),
}


def measure(set_name: str, image: BenchmarkImage, method: str) -> tables.Row:
    """Row of one method on one image."""
    start = time.perf_counter()
    result, detail = METHODS[method](image)
    seconds = time.perf_counter() - start
    figure = image.psnr(result)
    return tables.Row(set_name, image.name, method, round(figure, 3), round(seconds, 2), detail)


def _calibrated(
    noisy: Image, denoiser: Callable[..., Image], grid: dict[str, Any], shown: Iterable[str]
) -> Outcome:
    with warnings.catch_warnings():
        # scikit-image warns of wavelet levels that a small image cannot have, and lowers them.
        warnings.simplefilter("ignore", UserWarning)
        chosen = calibrate_denoiser(noisy, denoiser, grid)
        keywords = chosen.keywords["denoiser_kwargs"]
        result = denoiser(noisy, **keywords)
    text = (
        f"{key} {keywords[key]:.3g}" if key in {"h", "sigma"} else str(keywords[key])
        for key in shown
    )
    return result, " ".join(text)


def _in_unit_range(noisy: Image, denoiser: Denoiser) -> Outcome:
    # scikit-image's wavelets clip to -1 ... 1.
    low, extent = noisy.min(), np.ptp(noisy)
    result, detail = denoiser((noisy - low) / extent)
    return result * extent + low, detail


def _noise_level(noisy: Image) -> float:
    kernel = np.outer([1, -2, 1], [1, -2, 1]) / 6
    return float(ndimage.convolve(noisy, kernel).std())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", nargs="+", choices=list(images.SETS), default=list(images.SETS))
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(METHODS))
    options = parser.parse_args()
    for set_name, image in images.load(options.sets):
        for method in options.methods:
            row = measure(set_name, image, method)
            tables.add("classical", row)
            print(
                f"{row.image:16} {method:12} {row.psnr:6.2f} dB {row.seconds:6.1f} s  {row.detail}"
            )


if __name__ == "__main__":
    main()
