"""Axes in another order, without those of length 1 or with more of them, and nothing copied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

# The stored axis that each shown axis is, or None for one of length 1 that is not stored.
Order: TypeAlias = tuple[int | None, ...]


def arranged(array: npt.NDArray[Any], order: Order) -> npt.NDArray[Any]:
    """View of an array with its axes in `order`; axes left out have length 1."""
    kept = sorted(axis for axis in order if axis is not None)
    narrow = array.squeeze(tuple(set(range(array.ndim)) - set(kept)))
    turned = narrow.transpose([kept.index(axis) for axis in order if axis is not None])
    return turned[tuple(np.newaxis if axis is None else slice(None) for axis in order)]


@dataclass(frozen=True, eq=False)
class Arranged:
    """Pixels that are read region by region, with their axes in another order.

    Attributes
    ----------
    data : array-like
        Anything with `shape`, `dtype` and slicing.
    order : tuple of int or None
        Axis of `data` that each axis shown here is, or None for one of length 1.
    """

    data: Any
    order: Order

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        return tuple(1 if axis is None else self.data.shape[axis] for axis in self.order)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Data type as it is stored."""
        stored: np.dtype[Any] = np.dtype(self.data.dtype)
        return stored

    def __getitem__(self, region: Any) -> npt.NDArray[Any]:
        spans = (slice(None),) * len(self.order) if region is ... else region
        stored = [slice(None)] * len(self.data.shape)
        for axis, span in zip(self.order, spans, strict=True):
            if axis is not None:
                stored[axis] = span
        pixels = arranged(np.asarray(self.data[tuple(stored)]), self.order)
        added = zip(self.order, spans, strict=True)
        return pixels[tuple(span if axis is None else slice(None) for axis, span in added)]
