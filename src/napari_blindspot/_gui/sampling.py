"""A few values of a large or lazy array, read from places spread over it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_blindspot.io.base import Region

_PLACES = 5
_VALUES = 1_000_000


def spread(shape: Sequence[int], n_values: int = _VALUES) -> list[Region]:
    """A few parts of planes, spread over an image.

    Parameters
    ----------
    shape : sequence of int
        Lengths of the axes; the last two are those of a plane.
    n_values : int
        Number of pixels in all of them together, at most.

    Returns
    -------
    list of tuple of slice
        At most five regions: whole planes where they are small enough, else a window of each.
    """
    *outer, height, width = (int(length) for length in shape)
    n_planes, most = math.prod(outer), n_values // _PLACES
    if height * width <= most:
        planes = np.unique(np.linspace(0, n_planes - 1, _PLACES).round().astype(int))
        windows = [(slice(0, height), slice(0, width))] * len(planes)
    else:
        planes = np.linspace(0, n_planes - 1, _PLACES).round().astype(int)
        windows = [_window((height, width), most, number) for number in range(_PLACES)]
    places = (np.unravel_index(plane, outer) if outer else () for plane in planes)
    return [
        (*(slice(int(index), int(index) + 1) for index in place), *window)
        for place, window in zip(places, windows, strict=True)
    ]


def _window(plane: tuple[int, int], most: int, number: int) -> tuple[slice, slice]:
    """One of the windows of a large plane: the first in the middle, the others off it."""
    down, right = ((0.5, 0.5), (0.1, 0.3), (0.3, 0.9), (0.7, 0.1), (0.9, 0.7))[number]
    height = min(plane[0], max(math.isqrt(most), most // plane[1]))
    width = min(plane[1], most // height)
    top, left = int((plane[0] - height) * down), int((plane[1] - width) * right)
    return slice(top, top + height), slice(left, left + width)


def sample_of(pixels: Any) -> NDArray[np.float64]:
    """Values of the parts that `spread` chooses, without those that are not finite."""
    values = [np.asarray(pixels[part], np.float64).ravel() for part in spread(pixels.shape)]
    joined = np.concatenate(values)
    return joined[np.isfinite(joined)]
