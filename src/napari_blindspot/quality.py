"""How close a denoised image is to the truth."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_blindspot.params import InputError

Image = NDArray[np.number[Any]]


def psnr(result: Image, truth: Image, data_range: float) -> float:
    """Peak signal-to-noise ratio of two images on the same intensity scale.

    Parameters
    ----------
    result, truth : ndarray
        Images of the same shape, any number type, same units.
    data_range : float
        The peak, in the units of the images: 255 for 8-bit images.

    Returns
    -------
    float
        ``10 log10(data_range**2 / mean squared error)`` in dB; infinite for equal images.

    Raises
    ------
    InputError
        If the shapes differ or `data_range` is not above 0.
    """
    _check(result, truth)
    if not data_range > 0:
        raise InputError(f"data_range={data_range} is not allowed; use a number above 0.")
    error = float(np.mean((result.astype(np.float64) - truth.astype(np.float64)) ** 2))
    return 10 * math.log10(data_range**2 / error) if error > 0 else math.inf


def affine_psnr(result: Image, truth: Image) -> float:
    """PSNR after the best scale and offset of `result`, for images on different scales.

    Parameters
    ----------
    result, truth : ndarray
        Images of the same shape, any number type.

    Returns
    -------
    float
        PSNR in dB of ``a * result + b`` with the least-squares `a` and `b`; the peak is the 99.9
        percentile minus the minimum of the truth.

    Raises
    ------
    InputError
        If the shapes differ or the truth is constant.

    Notes
    -----
    Never put it in one column with `psnr`: it forgives any error of scale and offset.
    """
    _check(result, truth)
    peak = float(np.percentile(truth, 99.9)) - float(truth.min())
    if peak <= 0:
        raise InputError("The truth is constant; affine PSNR needs a truth with some contrast.")
    x = result.astype(np.float64) - result.mean(dtype=np.float64)
    y = truth.astype(np.float64) - truth.mean(dtype=np.float64)
    energy = float(np.sum(x * x))
    slope = float(np.sum(x * y)) / energy if energy > 0 else 0.0
    return psnr(slope * x, y, peak)


def ssim(result: Image, truth: Image, data_range: float) -> float:
    """Mean structural similarity with a Gaussian window of 1.5 pixels (Wang et al. 2004).

    Parameters
    ----------
    result, truth : ndarray
        Images `(Y, X)` or volumes `(Z, Y, X)` of the same shape, each axis 11 pixels or more.
    data_range : float
        The peak, in the units of the images.

    Returns
    -------
    float
        At most 1, which only equal images reach.

    Raises
    ------
    InputError
        If the shapes differ, an axis is too short, or `data_range` is not above 0.
    """
    from skimage.metrics import structural_similarity

    _check(result, truth)
    if not data_range > 0:
        raise InputError(f"data_range={data_range} is not allowed; use a number above 0.")
    if min(truth.shape) < 11:
        raise InputError(f"Shape {truth.shape} is too small for SSIM; use 11 pixels per axis.")
    return float(
        structural_similarity(  # type: ignore[no-untyped-call]
            result.astype(np.float64),
            truth.astype(np.float64),
            data_range=data_range,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
    )


def _check(result: Image, truth: Image) -> None:
    if result.shape != truth.shape:
        raise InputError(
            f"The result has shape {result.shape}, the truth {truth.shape}; use equal shapes."
        )
