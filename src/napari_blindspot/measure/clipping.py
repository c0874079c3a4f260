"""Mean and variance of Gaussian noise before it was cut off at a lower limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# Position of the mean above the limit, in standard deviations, before the cut.
_POSITION = np.linspace(-2.0, 8.0, 2001)
_DENSITY = np.exp(-(_POSITION**2) / 2) / np.sqrt(2 * np.pi)
_MEAN = _POSITION * ndtr(_POSITION) + _DENSITY
_SQUARE = (_POSITION**2 + 1) * ndtr(_POSITION) + _POSITION * _DENSITY
_STD = np.sqrt(_SQUARE - _MEAN**2)
_RATIO = _MEAN / _STD  # rises with the position
_DEEPEST = -1.0  # position from which too little is left to tell


def unclip(mean: Floats, variance: Floats, low: float) -> tuple[Floats, Floats, Floats]:
    """Mean and variance before the cut, and whether they can be told.

    Parameters
    ----------
    mean, variance : ndarray
        Of values that were cut off at `low`, any shape.
    low : float
        The lower limit.

    References
    ----------
    A. Foi, "Clipped noisy images: heteroskedastic modeling and practical denoising", Signal
    Processing 2009.
    """
    std = np.sqrt(np.maximum(variance, np.finfo(float).tiny))
    ratio = (mean - low) / std
    position = np.interp(ratio, _RATIO, _POSITION)
    free = ratio >= _RATIO[-1]
    before = np.where(free, std, std / np.interp(position, _POSITION, _STD))
    centre = np.where(free, mean, low + position * before)
    return centre, before**2, (position > _DEEPEST).astype(float)
