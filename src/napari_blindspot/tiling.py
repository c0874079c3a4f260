"""Tiles with a halo, so that the tiled prediction equals the untiled one.

A network with pooling looks at its input in blocks of `divisor` pixels, so every tile begins and
ends on a block. The halo is at least the network's receptive-field radius; where a tile meets the
border of the image it ends there, and the network sees the same border as without tiles.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_blindspot.networks.base import Network

Slices = tuple[slice, ...]


@dataclass(frozen=True)
class Tile:
    """One tile.

    Attributes
    ----------
    read : tuple of slice
        What the network is shown: the core with its halo.
    core : tuple of slice
        What the tile contributes to the result.
    crop : tuple of slice
        The core inside `read`.
    """

    read: Slices
    core: Slices
    crop: Slices


def padding(shape: Sequence[int], divisor: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """Padding at the far ends that makes `shape` a multiple of `divisor`."""
    return tuple((0, -n % d) for n, d in zip(shape, divisor, strict=True))


def pad_reflected(array: NDArray[np.float32], divisor: Sequence[int]) -> NDArray[np.float32]:
    """Array with its last axes reflected at the far ends to multiples of `divisor`."""
    leading = array.ndim - len(divisor)
    return _reflected(array, padding(array.shape[leading:], divisor))


def widened(array: NDArray[np.float32], least: Sequence[int]) -> NDArray[np.float32]:
    """Array with those of its last axes that are shorter than `least` reflected to that length."""
    leading = array.ndim - len(least)
    sides = zip(array.shape[leading:], least, strict=True)
    return _reflected(array, tuple((0, max(low - n, 0)) for n, low in sides))


def shown_to(network: Network, array: NDArray[np.float32]) -> NDArray[np.float32]:
    """Array with a shape that suits a network.

    A blind network takes any shape, and fills it up with zeros: a reflection would show pixels near
    the end their own value.
    """
    return array if network.is_blind else pad_reflected(array, network.divisor)


def _reflected(
    array: NDArray[np.float32], ends: tuple[tuple[int, int], ...]
) -> NDArray[np.float32]:
    widths = ((0, 0),) * (array.ndim - len(ends)) + ends
    # numpy repeats the reflection for axes shorter than the padding; a single pixel has none.
    safe = all(n > 1 or not any(w) for n, w in zip(array.shape, widths, strict=True))
    return np.pad(array, widths, mode="reflect" if safe else "symmetric")


def tiles(
    shape: Sequence[int], size: Sequence[int], halo: Sequence[int], divisor: Sequence[int]
) -> list[Tile]:
    """Tiles that cover `shape` exactly once.

    Parameters
    ----------
    shape : sequence of int
        Spatial shape, multiples of `divisor`.
    size : sequence of int
        Largest tile to show to the network, halo included.
    halo, divisor : sequence of int
        Receptive-field radius and block size of the network per axis.

    Raises
    ------
    ValueError
        If `shape` is not a multiple of `divisor`.
    """
    if any(n % d for n, d in zip(shape, divisor, strict=True)):
        raise ValueError(
            f"shape {tuple(shape)} is not a multiple of {tuple(divisor)}; pad it first."
        )
    axes = [_intervals(*values) for values in zip(shape, size, halo, divisor, strict=True)]
    return [_tile(combination) for combination in itertools.product(*axes)]


def halved(
    tile: Tile, shape: Sequence[int], halo: Sequence[int], divisor: Sequence[int]
) -> tuple[Tile, Tile] | None:
    """Two tiles with the core of one, cut across its longest axis; None if it is but a block."""
    blocks = [(s.stop - s.start) // d for s, d in zip(tile.core, divisor, strict=True)]
    sides = [b * d if b > 1 else 0 for b, d in zip(blocks, divisor, strict=True)]
    axis = max(range(len(sides)), key=sides.__getitem__)
    if sides[axis] == 0:
        return None
    core = tile.core[axis]
    middle = core.start + blocks[axis] // 2 * divisor[axis]
    parts = (slice(core.start, middle), slice(middle, core.stop))
    first, second = (
        around((*tile.core[:axis], part, *tile.core[axis + 1 :]), shape, halo, divisor)
        for part in parts
    )
    return first, second


def around(core: Slices, shape: Sequence[int], halo: Sequence[int], divisor: Sequence[int]) -> Tile:
    """Tile with a given core, which begins and ends on blocks of `divisor` or at the border."""
    reach = [_whole_blocks(h, d) for h, d in zip(halo, divisor, strict=True)]
    rows = zip(core, reach, shape, strict=True)
    return _tile([_interval(s.start, s.stop, h, n) for s, h, n in rows])


def _whole_blocks(halo: int, divisor: int) -> int:
    return math.ceil(halo / divisor) * divisor


def _intervals(length: int, size: int, halo: int, divisor: int) -> list[tuple[slice, slice, slice]]:
    """Read, core and crop intervals along one axis."""
    if length <= size:
        whole = slice(0, length)
        return [(whole, whole, whole)]
    halo = _whole_blocks(halo, divisor)
    core = max((size - 2 * halo) // divisor, 1) * divisor
    return [
        _interval(start, min(start + core, length), halo, length)
        for start in range(0, length, core)
    ]


def _interval(start: int, stop: int, halo: int, length: int) -> tuple[slice, slice, slice]:
    first, last = max(start - halo, 0), min(stop + halo, length)
    return slice(first, last), slice(start, stop), slice(start - first, stop - first)


def _tile(intervals: Sequence[tuple[slice, slice, slice]]) -> Tile:
    read, core, crop = zip(*intervals, strict=True)
    return Tile(tuple(read), tuple(core), tuple(crop))
