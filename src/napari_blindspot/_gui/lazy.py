"""Pixels that are read where they are looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


def sliceable(pixels: Any) -> Any:
    """Pixels of which a slice is a view, or is read when it is asked for: numpy or dask."""
    if isinstance(pixels, np.ndarray):
        return pixels
    import dask.array as da

    if isinstance(pixels, da.Array):
        return pixels
    # Plane by plane, as a viewer looks at them.
    chunks = (1,) * (len(pixels.shape) - 2) + tuple(pixels.shape[-2:])
    return da.from_array(  # type: ignore[no-untyped-call]
        _Read(pixels), chunks=chunks, asarray=False, meta=np.empty(0, pixels.dtype)
    )


@dataclass(frozen=True, eq=False)
class _Read:
    """Pixels that give arrays when they are sliced, whatever else they are."""

    pixels: Any

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.pixels.shape)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        dtype: np.dtype[Any] = np.dtype(self.pixels.dtype)
        return dtype

    def __getitem__(self, index: Any) -> Any:
        return np.asarray(self.pixels[index])
