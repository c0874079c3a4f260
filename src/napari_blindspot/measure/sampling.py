"""Which planes of an image are looked at: all of a small one, an even choice of a large one."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from napari_blindspot.io.base import Volume

BUDGET = 1 << 21  # pixels of each channel that are looked at
RUN = 8  # consecutive planes, enough for lag 5
_BLOCK, _STACKED_BLOCK = 512, 256  # edges of what is read of a larger plane
# Steps of an additive recurrence that fills four dimensions evenly.
_STEPS = np.array([0.8567, 0.7339, 0.6287, 0.5386])


@dataclass(frozen=True)
class Run:
    """Consecutive planes at one place of an image.

    Attributes
    ----------
    planes : ndarray
        `(C, L, Y, X)` in the units of the image.
    along : str
        Axis on which the planes follow one another: T, Z, or empty for a single plane.
    """

    planes: NDArray[Any]
    along: str


def stacking_axes(volume: Volume) -> str:
    """Axes longer than 1 on which planes follow one another, T before Z."""
    return "".join(letter for letter in "TZ" if _length(volume, letter) > 1)


def runs(volume: Volume, along: str, budget: int = BUDGET) -> Iterator[Run]:
    """Runs of planes along an axis, spread evenly over the image.

    Parameters
    ----------
    volume : Volume
        The image; only the chosen regions are read.
    along : str
        T, Z, or empty if the image is one plane.
    budget : int
        Pixels per channel, exceeded only by the first run.
    """
    deep = min(RUN, _length(volume, along)) if along else 1
    blocks = _blocks(_length(volume, "Y"), _length(volume, "X"), budget // deep, bool(along))
    size = max(math.prod(s.stop - s.start for s in block) for block in blocks)
    starts = {letter: [slice(i, i + 1) for i in range(_length(volume, letter))] for letter in "TZ"}
    total = _length(volume, "T") * _length(volume, "Z") * size * len(blocks)
    if along:
        length = _length(volume, along)
        run = length if total <= budget else min(RUN, length)
        starts[along] = [slice(i, i + run) for i in range(0, length - run + 1, run)]
        size *= run
    places = list(itertools.product(starts["T"], starts["Z"], blocks))
    for t, z, block in _even(places, max(budget // size, 1), starts, blocks):
        region = {"T": t, "Z": z, "Y": block[0], "X": block[1]}
        yield Run(_read(volume, region, along), along)


def _even(
    places: list[Any], count: int, starts: dict[str, list[slice]], blocks: list[Any]
) -> list[Any]:
    """At most `count` places, spread evenly along every axis."""
    if count >= len(places):
        return places
    sizes = np.array([len(starts["T"]), len(starts["Z"]), len(blocks)])
    steps = (0.5 + np.arange(2 * count)[:, None] * _STEPS[:3]) % 1
    index = np.ravel_multi_index(tuple((steps * sizes).astype(int).T), tuple(sizes))
    chosen = list(dict.fromkeys(index.tolist()))[:count]
    return [places[i] for i in sorted(chosen)]


def _blocks(rows: int, columns: int, whole: int, stacked: bool) -> list[tuple[slice, slice]]:
    """Parts of a plane that are read at a time: all of it up to `whole` pixels."""
    if rows * columns <= whole:
        return [(slice(0, rows), slice(0, columns))]
    block = _STACKED_BLOCK if stacked else _BLOCK
    ranges = [
        [slice(i, min(i + edge, n)) for i in range(0, max(n - edge // 2, 1), edge)]
        for n, edge in (
            (rows, _edge(rows, columns, block)),
            (columns, _edge(columns, rows, block)),
        )
    ]
    return list(itertools.product(*ranges))


def _edge(length: int, other: int, block: int) -> int:
    """Edge of a block along an axis; longer where the other axis is short."""
    return min(length, block * max(1, block // other))


def _read(volume: Volume, region: dict[str, slice], along: str) -> NDArray[Any]:
    pixels = volume.read(tuple(region.get(letter, slice(None)) for letter in volume.axes))
    stacked = "".join(letter for letter in "TZ" if letter in volume.axes)
    if along:
        stacked = stacked.replace(along, "") + along
    order = [volume.axes.index(letter) for letter in volume.axes if letter in "CS"]
    order += [volume.axes.index(letter) for letter in stacked + "YX"]
    rows, columns = (pixels.shape[volume.axes.index(letter)] for letter in "YX")
    planes = pixels.shape[volume.axes.index(along)] if along else 1
    return pixels.transpose(order).reshape(-1, planes, rows, columns)


def _length(volume: Volume, letter: str) -> int:
    return volume.shape[volume.axes.index(letter)] if letter in volume.axes else 1
