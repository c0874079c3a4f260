"""Variance = gain * signal + offset from noisy planes alone, with confidence intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_blindspot.measure import filters, groups
from napari_blindspot.measure.clipping import unclip
from napari_blindspot.measure.line import Line, fit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_blindspot.measure.defects import Limits
    from napari_blindspot.measure.filters import Filtered

    Floats = NDArray[np.float64]

_RESAMPLES = 200
_SMALLEST = 1e-100  # variance; its square is a number
_LEAST_GAIN = 0.02  # of the variance of strongly correlated noise behind a filter
_CHANCE = 2.0  # standard errors between two candidates that see the same
_FARTHEST = 8.0  # standard errors that a single group counts for
_TOP = 3.0  # standard deviations between a group and the level where values pile up


@dataclass(frozen=True)
class Planes:
    """One run of planes of one channel.

    Attributes
    ----------
    values : ndarray
        `(L, Y, X)`, finite.
    good : ndarray of bool
        `(L, Y, X)`, pixels that count.
    moving : bool
        Whether the planes follow one another in time.
    """

    values: Floats
    good: NDArray[np.bool_]
    moving: bool


@dataclass(frozen=True)
class Candidate:
    """One way to see the noise: a filter, the ring around it, and the flattest part of the pixels.

    An `order` of 0 stands for differences in time, `BLIND` for residuals of blind predictions.
    """

    order: int
    width: int
    flat: float


@dataclass(frozen=True)
class Fit:
    """A law with its resamples.

    Attributes
    ----------
    line : Line
        The estimate first, then the resamples, `(1 + B,)`.
    signal, variance, count : ndarray
        The groups behind the line, `(G,)`.
    candidate : Candidate
        How the noise was seen.
    tiles : int
        Tiles that were resampled.
    unclipped : bool
        Whether noise that was cut off at the lower limit was made up for.
    misfit : float
        Mean squared distance of the groups from the line in standard errors.
    """

    line: Line
    signal: Floats
    variance: Floats
    count: Floats
    candidate: Candidate
    tiles: int
    unclipped: bool
    misfit: float


BLIND = -1
# Filters of low order also with a narrow ring, which knows the signal of fine structure better.
_WIDTHS = {1: (3, 1), 2: (3, 1), 3: (3,), 4: (3,)}
_FLAT = {
    BLIND: (1.0, 0.35, 0.1),
    0: (1.0,),
    1: (1.0, 0.35),
    2: (1.0, 0.35),
    3: (0.35, 0.1),
    4: (0.35, 0.1),
}
_HIGHEST_CORRELATED = 2  # order up to which a filter passes enough of correlated noise


@dataclass(frozen=True)
class Seen:
    """What a candidate has seen of the noise, and the axes of its filter."""

    candidate: Candidate
    sums: groups.Sums
    axes: tuple[int, ...]


def observe(runs: Sequence[Planes]) -> list[Seen]:
    """All that the candidates see of the noise of one channel.

    Notes
    -----
    A high-pass filter sees the noise of a few pixels; the ring around them says how bright and
    how flat the place is. As filter and ring share no pixel, groups chosen by the ring have the
    mean variance of their mean signal, whatever the noise. Filters of higher order and flatter
    places see less structure but need more pixels.
    """
    seen: list[Seen] = []
    if not filters.active_axes(runs[0].values.shape):
        return seen
    for order, widths in _WIDTHS.items():
        passed = [list(filters.spatial(run.values, run.good, order, widths)) for run in runs]
        for width, parts in zip(widths, zip(*passed, strict=True), strict=True):
            seen += grouped(runs, parts, order, width)
    if all(run.moving and len(run.values) > 1 for run in runs):
        parts = tuple(filters.temporal(run.values, run.good, 3) for run in runs)
        seen += grouped(runs, parts, 0, 3)
    return seen


def grouped(
    runs: Sequence[Planes], parts: Sequence[Filtered], order: int, width: int
) -> list[Seen]:
    """What the candidates of one filter see: one for each choice of the flattest places."""
    if not any(len(f.index) for f in parts):
        return []
    edges = groups.level_edges(np.concatenate([f.level for f in parts]))
    count = len(edges) + 1
    members = [np.searchsorted(edges, f.level, side="right").astype(np.int16) for f in parts]
    spread = np.concatenate([f.spread for f in parts])
    limits = groups.flat_limits(np.concatenate(members), spread, count, _FLAT[order])
    added = [
        groups.add_up(part, group, count, run.values.shape, limits)
        for run, part, group in zip(runs, parts, members, strict=True)
    ]
    axes = filters.active_axes(runs[0].values.shape)
    return [
        Seen(Candidate(order, width, flat), groups.joined(sums), axes)
        for flat, sums in zip(_FLAT[order], zip(*added, strict=True), strict=True)
    ]


def estimate(
    seen: Sequence[Seen], limits: Limits, correlation: dict[int, Floats], seed: int = 0
) -> Fit | None:
    """Noise law of one channel; None where there are too few pixels.

    Parameters
    ----------
    seen : sequence of Seen
        What the candidates have seen.
    limits : Limits
        Values at which pixels pile up.
    correlation : dict
        Correlation of the noise at lags 0, 1, 2... for each axis (0 the planes, 1 Y, 2 X); an
        axis without an entry has white noise.
    seed : int
        Start of the resampling.

    Notes
    -----
    Structure can only add variance: what a candidate sees above another one counts as its error,
    beside that of chance, and the candidate with the smallest error is taken. The intervals come
    from resampling tiles of the image with replacement.
    """
    fits = []
    for one in seen:
        order = one.candidate.order
        if correlation and order > _HIGHEST_CORRELATED:
            continue
        gain = _noise_gain(one, correlation)
        scaled = groups.Sums(one.sums.count, one.sums.signal, one.sums.squared / gain)
        if scaled.count.sum() > 0:
            fits += _fit(scaled, one.candidate, limits, seed)
    return _best(fits)


def _noise_gain(one: Seen, correlation: dict[int, Floats]) -> float:
    if one.candidate.order > 0:
        return max(filters.noise_gain(one.candidate.order, one.axes, correlation), _LEAST_GAIN)
    rho = correlation.get(0, np.ones(1))
    return max(1.0 - float(rho[1]), _LEAST_GAIN) if len(rho) > 1 else 1.0


def _fit(sums: groups.Sums, candidate: Candidate, limits: Limits, seed: int) -> list[Fit]:
    """The fit of a candidate and, where pixels pile up at a lower limit, one made up for it."""
    drawn = draws(len(sums.count), seed)
    count, signal, variance = sums.resampled(drawn)
    if limits.high is not None:
        # Noise cut off at the top is smaller than it was.
        clear = signal + _TOP * np.sqrt(np.maximum(variance, 0)) < limits.high
        count = count * clear * clear[:1]
    if not count[0].sum() > 0:
        return []
    found = [_lines(count, signal, variance, candidate, len(drawn[0]), False)]
    if limits.low is not None:
        centre, before, told = unclip(signal, variance, limits.low)
        told *= told[:1]
        if (count * told)[0].sum() > 0:
            found.append(_lines(count * told, centre, before, candidate, len(drawn[0]), True))
    return found


def draws(n_tiles: int, seed: int = 0) -> Floats:
    """How often each tile counts: once in the estimate, at random in the resamples `(1 + B,)`."""
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(n_tiles, np.full(n_tiles, 1 / n_tiles), _RESAMPLES)
    return np.concatenate([np.ones((1, n_tiles)), drawn])


def _lines(
    count: Floats,
    signal: Floats,
    variance: Floats,
    candidate: Candidate,
    n_tiles: int,
    unclipped: bool,
) -> Fit:
    line = fit(count, signal, variance)
    used = count[0] > 0
    n, x, y = count[0][used], signal[0][used], variance[0][used]
    chance = np.ma.masked_array(variance[1:], count[1:] <= 0)[:, used].std(0).filled(0.0)
    error = np.sqrt(chance**2 + (0.005 * y) ** 2) + np.finfo(float).tiny
    distance = (y - line.gain[0] * x - line.offset[0]) / error
    misfit = float(np.mean(np.minimum(distance**2, _FARTHEST**2)))
    return Fit(line, x, y, n, candidate, n_tiles, unclipped, misfit)


def _best(fits: Sequence[Fit]) -> Fit | None:
    """The most precise candidate that sees no more variance than any other."""
    cut = [f for f in fits if f.unclipped]
    whole = [f for f in fits if not f.unclipped]
    if cut and _misfit(cut) < 2 * _misfit(whole) + 1:
        whole = cut
    if not whole:
        return None
    dark = max(float(f.signal.min()) for f in whole)
    bright = max(min(float(f.signal.max()) for f in whole), dark)
    levels = np.stack([[f.line.at(dark), f.line.at(bright)] for f in whole])
    return whole[int(np.argmin([_error(level, levels) for level in levels]))]


def _misfit(fits: Sequence[Fit]) -> float:
    return float(np.median([f.misfit for f in fits])) if fits else np.inf


def _error(levels: Floats, others: Floats) -> float:
    """Expected relative squared error of the variance `(2, 1 + B)` in the dark and in the light.

    It is the variance over the resamples plus the square of what lies above any of `others`
    `(N, 2, 1 + B)` by more than chance.
    """
    above = levels - others
    excess = np.maximum(above[..., 0] - _CHANCE * above[..., 1:].std(-1), 0).max(0)
    scale = np.maximum(np.median(others[..., 0], 0), _SMALLEST)
    return float(((levels[:, 1:].var(1) + excess**2) / scale**2).sum())
