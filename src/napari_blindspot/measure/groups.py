"""Pixels of like signal, counted for each tile of the image, so that tiles can be resampled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_blindspot.measure.filters import Filtered

    Floats = NDArray[np.float64]

_LEVELS = 24
_SMALLEST = 150  # pixels of a group
_SAMPLE = 1 << 18  # pixels by which limits are chosen
_TILES = 100  # that a small image is cut into, about
_EDGES = (8, 64)  # smallest and largest edge of a tile


@dataclass(frozen=True)
class Sums:
    """Sums over the pixels of each tile and group, `(tiles, groups)`."""

    count: Floats
    signal: Floats
    squared: Floats

    def resampled(self, weights: Floats) -> tuple[Floats, Floats, Floats]:
        """Count, mean signal and mean square of each group, `(B, groups)`.

        `weights` `(B, tiles)` says how often each tile is drawn.
        """
        count = weights @ self.count
        n = np.maximum(count, 1e-9)
        return count, weights @ self.signal / n, weights @ self.squared / n


def joined(sums: Sequence[Sums]) -> Sums:
    """Sums of several runs, their tiles one after the other; the groups are the same."""
    return Sums(
        *(
            np.concatenate([getattr(one, name) for one in sums])
            for name in ("count", "signal", "squared")
        )
    )


def tiles(shape: tuple[int, ...]) -> tuple[NDArray[np.intp], int]:
    """Number of the tile of each pixel of a plane, flattened, and how many tiles there are.

    The planes `(L, Y, X)` of a run share their tiles.
    """
    edge = int(np.clip(np.sqrt(shape[1] * shape[2] / _TILES), *_EDGES))
    rows, columns = (np.arange(length) // edge for length in shape[1:])
    across = int(columns[-1]) + 1
    return (rows[:, None] * across + columns).ravel(), (int(rows[-1]) + 1) * across


def level_edges(levels: Floats) -> Floats:
    """Limits of the groups: half equally populated, half equally spaced.

    The background and the few bright pixels of a sparse image both get groups.
    """
    if len(levels) == 0:
        return np.zeros(0)
    ordered = np.sort(levels[:: -(-len(levels) // _SAMPLE)])
    fewest = _SMALLEST * len(ordered) / len(levels)
    places = np.linspace(0, len(ordered) - 1, _LEVELS).astype(int)
    edges = np.unique([*ordered[places], *np.linspace(ordered[0], ordered[-1], _LEVELS)])
    cuts, start = [], 0
    for edge, place in zip(edges[1:-1], np.searchsorted(ordered, edges[1:-1]), strict=True):
        if place - start >= fewest and len(ordered) - place >= fewest:
            cuts.append(edge)
            start = place
    return np.array(cuts)


def flat_limits(
    groups: NDArray[np.int16], spread: Floats, count: int, parts: Sequence[float]
) -> Floats:
    """Spread of the surroundings up to which the flattest part of each group lies.

    Returns an array `(len(parts), count)`; a part of 1 has no limit.
    """
    limits = np.full((len(parts), count), np.inf)
    step = -(-len(groups) // (4 * _SAMPLE))
    groups, spread = groups[::step], spread[::step]
    order = np.argsort(groups, kind="stable")
    bounds = np.searchsorted(groups[order], np.arange(count + 1))
    for group in range(count):
        members = spread[order[bounds[group] : bounds[group + 1]]]
        least = min(1.0, _SMALLEST / max(len(members) * step, 1))
        for place, part in enumerate(parts):
            if part < 1 and len(members):
                limits[place, group] = np.quantile(members, max(part, least))
    return limits


def add_up(
    filtered: Filtered,
    groups: NDArray[np.int16],
    n_groups: int,
    shape: tuple[int, ...],
    limits: Floats,
) -> list[Sums]:
    """Sums of `squared` and `signal` over tiles and groups, for each row of `limits`."""
    tile, n_tiles = tiles(shape)
    place = tile[filtered.index % len(tile)] * n_groups + groups
    found = []
    for limit in limits:
        flat = slice(None) if np.isinf(limit).all() else filtered.spread <= limit[groups]
        sums = [
            np.bincount(
                place[flat], None if a is None else a[flat], minlength=n_tiles * n_groups
            ).reshape(n_tiles, n_groups)
            for a in (None, filtered.signal, filtered.squared)
        ]
        found.append(Sums(*(a.astype(float) for a in sums)))
    return found
