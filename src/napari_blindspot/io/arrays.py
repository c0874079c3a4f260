"""An array in memory as a volume."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_blindspot.axes import guess_axes
from napari_blindspot.io.base import Volume
from napari_blindspot.params import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def as_volume(image: ArrayLike, axes: str | None = None) -> Volume:
    """Array as a volume, its axes guessed if not given.

    Raises
    ------
    InputError
        If the array holds no real numbers or the axes do not fit its shape.
    """
    array = np.asarray(image)
    if array.dtype.kind not in "biuf":
        raise InputError(f"dtype={array.dtype} cannot be denoised; use integers or floats.")
    if axes is None:
        axes = guess_axes(array.shape)
        return Volume(array, axes, note=f"axes {axes} guessed from shape {array.shape}")
    return Volume(array, axes, note=f"axes {axes.upper()} as given")
