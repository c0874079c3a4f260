"""Pixels that tell nothing about the noise: not finite, piled up at a limit, or hot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PILE = 2  # times as many pixels as at the levels beside it
_FEWEST = 10
_ABOVE = 8.0  # standard deviations from which a lone pixel is held for hot
_PLACES = np.linspace(0, 1, 33)[1:-1]  # of the brightness of the surroundings
_CUT = 4.0  # times as many at the lowest value as photons would have there
_RARE = 6.0  # photons that a dark pixel may have by chance
_LEVELS = 32
_SOME = 4096  # different values, up to which they have a step
_SAMPLE = 1 << 18  # pixels that the noise is taken from
_EIGHT = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], bool)


@dataclass(frozen=True)
class Limits:
    """Values at which pixels pile up, and the parts of the pixels there.

    Attributes
    ----------
    low, high : float or None
        Lower and upper limit, None where there is no pile.
    low_part, high_part : float
        Parts of the pixels at the limits, 0 to 1.
    """

    low: float | None
    high: float | None
    low_part: float
    high_part: float


def find_limits(values: NDArray[Any], dtype: np.dtype[Any]) -> Limits:
    """Limits of finite `values` `(N,)` that came in the type `dtype`."""
    levels, counts = np.unique(values, return_counts=True)
    if len(levels) < 3:
        return Limits(None, None, 0.0, 0.0)
    low, high = _is_pile(counts), _is_pile(counts[::-1])
    if dtype.kind in "iu":
        high = high or levels[-1] == np.iinfo(dtype).max
    return Limits(
        float(levels[0]) if low else None,
        float(levels[-1]) if high else None,
        float(counts[0] / len(values)) if low else 0.0,
        float(counts[-1] / len(values)) if high else 0.0,
    )


def _is_pile(counts: NDArray[np.integer[Any]]) -> bool:
    """Whether the first level has many more pixels than the next three."""
    return bool(counts[0] >= _FEWEST and counts[0] > _PILE * counts[1:4].max())


def quantum(values: NDArray[Any]) -> float:
    """Largest step of which all `values` `(N,)` are multiples; 0 if they are not whole numbers."""
    levels = np.unique(values).astype(np.float64)
    if not np.array_equal(levels, np.rint(levels)) or np.abs(levels).max(initial=0) > 2**52:
        return 0.0
    return float(np.gcd.reduce(levels.astype(np.int64)))


def is_cut_off(planes: NDArray[np.float64], low: float, step: float) -> bool:
    """Whether values `(L, Y, X)` that pile up at `low` are noise cut off there, not rare photons.

    Where the light is even, Poisson counts 0, 1 and 2 have frequencies with 2 p0 p2 = p1**2. Of
    noise that was cut off, the lowest value has far more. `step` is the step between values.
    """
    if step <= 0 or min(planes.shape[1:]) < 5:
        return True
    around = (25 * ndimage.uniform_filter(planes, (0, 5, 5)) - planes) / 24
    edges = np.unique(np.quantile(around.ravel()[:: -(-around.size // _SAMPLE)], _PLACES))
    places = np.searchsorted(edges, around.ravel())
    counts = [
        np.bincount(places[planes.ravel() == low + level * step], minlength=len(edges) + 1)
        for level in range(3)
    ]
    p0, p1, p2 = (c.astype(float) for c in counts)
    return bool((2 * p0 * p2).sum() > _CUT * (p1**2).sum())


def find_hot(planes: NDArray[np.float64], bad: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels far above (hot) or below (dead) all their neighbours but one.

    Parameters
    ----------
    planes : ndarray
        `(L, Y, X)`, finite.
    bad : ndarray of bool
        `(L, Y, X)`, pixels known to be unusable.

    Returns
    -------
    ndarray of bool
        `(2, L, Y, X)`: hot and dead pixels.

    Notes
    -----
    The noise is taken from the data, at the level of the neighbours; six gains are added to it,
    for the rare photons of a dark background are not hot. A bright neighbour is allowed, two are
    not: spots and filaments that a microscope has imaged are no outliers.
    """
    found = np.zeros((2, *planes.shape), bool)
    if min(planes.shape[1:]) < 3:
        return found
    around = _neighbours(planes)
    deviation = planes - around
    noise, gain = _spread(around[~bad], deviation[~bad])
    spread = noise(around)
    for sign, out in ((1, found[0]), (-1, found[1])):
        places = np.argwhere((sign * deviation > _ABOVE * spread) & ~bad)
        least = _ABOVE / 2 * spread[tuple(places.T)] + _RARE * max(gain, _step(planes))
        out[tuple(places.T)] = _stand_out(planes, places, sign) > least
    return found


def _neighbours(planes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of the eight neighbours."""
    boxes: NDArray[np.float64] = ndimage.uniform_filter(planes, (0, 3, 3), mode="reflect")
    return (9 * boxes - planes) / 8


def _spread(level: NDArray[np.float64], deviation: NDArray[np.float64]) -> tuple[Any, float]:
    """Standard deviation of the noise as a function of the level, and roughly its gain."""
    step = -(-len(level) // _SAMPLE) if len(level) else 1
    level, deviation = level[::step], deviation[::step]
    if len(level) == 0:
        return np.zeros_like, 0.0
    order = np.argsort(level)
    groups = [g for g in np.array_split(order, min(_LEVELS, len(order) // 64 + 1)) if len(g)]
    centres = np.array([level[g].mean() for g in groups])
    parts = [np.abs(deviation[g]) for g in groups]
    # Without its largest 0.5 % a group is not widened by what is looked for.
    limits = [np.quantile(part, 0.995) for part in parts]
    variances = np.array([np.mean(p[p <= q] ** 2) for p, q in zip(parts, limits, strict=True)])
    rise = np.diff(variances[[0, -1]])[0] / max(np.diff(centres[[0, -1]])[0], 1e-300)
    spreads = np.sqrt(variances)
    return lambda at: np.interp(at, centres, spreads), max(float(rise), 0.0)


def _stand_out(
    planes: NDArray[np.float64], places: NDArray[np.intp], sign: int
) -> NDArray[np.float64]:
    """How far the pixels at `places` `(N, 3)` exceed all but one of their eight neighbours."""
    if len(places) == 0:
        return np.zeros(0)
    padded = np.pad(planes, ((0, 0), (1, 1), (1, 1)), mode="symmetric")
    shifts = np.argwhere(_EIGHT)
    plane, row, column = places.T
    around = np.stack([sign * padded[plane, row + dy, column + dx] for dy, dx in shifts])
    second = np.sort(around, axis=0)[-2]
    return np.asarray(sign * planes[plane, row, column] - second)


def _step(planes: NDArray[np.float64]) -> float:
    """Step between neighbouring values where they are few, as those of counts are."""
    levels = np.unique(planes.ravel()[:: -(-planes.size // _SAMPLE)])
    return float(np.median(np.diff(levels))) if 1 < len(levels) <= _SOME else 0.0
