"""Whether frames show the same thing again."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

_SMOOTH = 2.0
_MUCH = 2.0


def difference(frames: NDArray[Any]) -> float:
    """How much of the difference of successive frames outlives smoothing, white noise being 1.

    Parameters
    ----------
    frames : ndarray
        `(R, C, *space)`, at least two; the brightness of each may be another.

    Returns
    -------
    float
        Ratio of variances; 0 for frames that are copies of one another.

    Notes
    -----
    Two frames of a zebrafish had 1.04, photon counts of two scans 1.05. The same zebrafish, drawn
    again with noise of its own and shifted by 0, 1, 2 and 4 pixels, had 1.07, 2.8, 5.9 and 11.6.
    Noise with a correlation of 0.6 between neighbours had 5.6 without any shift.
    """
    space = tuple(range(2, frames.ndim))
    normal = frames.astype(np.float64)
    normal[~np.isfinite(normal)] = 0
    normal -= normal.mean(space, keepdims=True)
    spread = normal.std(space, keepdims=True)
    normal /= np.where(spread > 0, spread, 1)
    change = np.diff(normal, axis=0)
    smooth = ndimage.gaussian_filter(change, (0,) * (frames.ndim - 2) + (_SMOOTH,) * 2)
    before, after = (float(x.var(space).mean()) for x in (change, smooth))
    return 4 * math.pi * _SMOOTH**2 * after / before if before > 0 else 0.0


def warning(frames: NDArray[Any]) -> str:
    """What the user should know of frames `(R, C, *space)`; empty if they suit."""
    found = difference(frames)
    if found == 0:
        return "The frames are copies of one another: there is nothing to learn from them."
    if found < _MUCH:
        return ""
    return (
        "The frames differ by more than independent noise. If something moved or changed between "
        "them, it will be blurred; if only the noise is correlated between neighbours, all is well."
    )
