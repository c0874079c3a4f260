"""The noise of an image from blind predictions of its pixels: law and correlation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_blindspot.measure import filters, groups, law
from napari_blindspot.measure.correlation import LAGS, Correlation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_blindspot.measure.law import Planes, Seen

    Floats = NDArray[np.float64]

_RING = 3  # pixels around one that tell whether its place is flat
_FEWEST = 300  # pixels that tell a variance, and pairs that tell a correlation
_DARKEST = 0.1  # of the mean squared residual, below which no variance is taken to lie


@dataclass(frozen=True)
class Blind:
    """Blind predictions of one channel in a run of planes, in grey values, each `(L, Y, X)`.

    Attributes
    ----------
    mean : ndarray
        Predictions by a network that was not shown the pixel.
    hidden : ndarray of bool
        Where there is such a prediction.
    drawn, error : ndarray
        Of an image made up from the denoised one: the white noise that was added to it, and its
        true value less its blind prediction.
    """

    mean: Floats
    hidden: NDArray[np.bool_]
    drawn: Floats
    error: Floats


def observe(planes: Sequence[Planes], blind: Sequence[Blind]) -> list[Seen]:
    """What blind residuals see of the noise, for `law.estimate`.

    Notes
    -----
    A blind prediction does not know the noise of its pixel, so the squared residual is the
    variance of the noise plus the squared error of the prediction. That error is measured on an
    image with known truth and alike noise, and taken off. What is left is structure that the
    denoised image does not have; it can only add variance, and has least in flat places.
    """
    axes = filters.active_axes(planes[0].values.shape)
    if not axes:
        return []
    parts = [_residuals(*pair, axes) for pair in zip(planes, blind, strict=True)]
    if sum(len(part.index) for part in parts) < _FEWEST:
        return []
    return law.grouped(planes, parts, law.BLIND, _RING)


def _residuals(run: Planes, blind: Blind, axes: tuple[int, ...]) -> filters.Filtered:
    """Squared residuals less squared errors, grouped by the prediction, flat by the ring."""
    _, spread = filters.around(run.values, axes, 0, _RING)
    squared = (run.values - blind.mean) ** 2 - blind.error**2
    index = np.flatnonzero(usable(run, blind))
    kept = [a.ravel()[index] for a in (squared, run.values, blind.mean, spread)]
    return filters.Filtered(kept[0], kept[1], kept[2], kept[3], index)


def usable(run: Planes, blind: Blind) -> NDArray[np.bool_]:
    """Pixels with a blind prediction, far enough from those that tell nothing."""
    if run.good.all():
        return blind.hidden
    size = (1, 2 * _RING + 1, 2 * _RING + 1)
    clear = ndimage.minimum_filter(run.good, size, mode="constant", cval=True)
    return np.asarray(clear & blind.hidden)


def correlations(
    planes: Sequence[Planes], blind: Sequence[Blind], along: str, line: tuple[float, float]
) -> list[Correlation]:
    """Correlation of blind residuals beyond that of white noise, along X, Y and `along`.

    Parameters
    ----------
    planes, blind : sequence of Planes, sequence of Blind
        Noisy values and predictions.
    along : str
        Axis on which the planes follow one another: T, Z, or empty.
    line : tuple of float
        Gain and offset of the noise, by which bright and dark pixels are made alike.

    Notes
    -----
    The prediction of a pixel holds noise of its neighbours, so residuals of white noise are
    correlated, too. By how much is measured on the image with known truth, and taken off.
    """
    scaled = [_scaled(*pair, line) for pair in zip(planes, blind, strict=True)]
    places = {"X": 2, "Y": 1} | ({along: 0} if along else {})
    found = (_along(axis, place, scaled) for axis, place in places.items())
    return [correlation for correlation in found if correlation.lags]


@dataclass(frozen=True)
class _Scaled:
    """Residuals, those of the image with known truth, and the noise drawn for it, unit variance."""

    real: Floats
    made: Floats
    drawn: Floats
    usable: NDArray[np.bool_]

    @property
    def power(self) -> Floats:
        """Variance of the noise, pixel by pixel; the mean is 1."""
        return np.asarray(self.real**2 - (self.made - self.drawn) ** 2)

    def product(self, before: tuple[slice, ...], after: tuple[slice, ...]) -> Floats:
        """Covariance of pairs of pixels, beyond that of white noise."""
        white = self.made[before] * self.made[after] - self.drawn[before] * self.drawn[after]
        return np.asarray(self.real[before] * self.real[after] - white)


def _scaled(run: Planes, blind: Blind, line: tuple[float, float]) -> _Scaled:
    residual = run.values - blind.mean
    variance = line[0] * blind.mean + line[1]
    # A line that falls below 0 somewhere must not make pixels there infinitely important.
    least = max(_DARKEST * float(np.mean(residual**2)), np.finfo(float).tiny)
    noise = np.sqrt(np.maximum(variance, least))
    return _Scaled(
        residual / noise,
        (blind.drawn + blind.error) / noise,
        blind.drawn / noise,
        usable(run, blind),
    )


def _along(axis: str, place: int, runs: Sequence[_Scaled]) -> Correlation:
    """Correlation at the lags that have enough pairs of pixels."""
    power = [_sums(run.power, run.usable) for run in runs]
    lags, errors = [], []
    for lag in range(1, LAGS + 1):
        pairs = [_pairs(run, place, lag) for run in runs if run.real.shape[place] > lag]
        if sum(float(count.sum()) for count, _ in pairs) < _FEWEST or len(pairs) < len(runs):
            break
        values = _ratios(pairs, power)
        lags.append(float(values[0]))
        errors.append(float(values[1:].std()))
    return Correlation(axis, tuple(lags), tuple(errors))


def _pairs(run: _Scaled, place: int, lag: int) -> tuple[Floats, Floats]:
    whole = (slice(None),) * place
    before, after = (*whole, slice(None, -lag)), (*whole, slice(lag, None))
    product = np.zeros_like(run.real)
    both = np.zeros_like(run.usable)
    product[before] = run.product(before, after)
    both[before] = run.usable[before] & run.usable[after]
    return _sums(product, both)


def _sums(values: Floats, usable: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Number and sum of the usable values in each tile of the planes."""
    tile, count = groups.tiles(values.shape)
    index = np.flatnonzero(usable)
    places = tile[index % len(tile)]
    numbers = np.asarray(np.bincount(places, minlength=count), np.float64)
    total = np.bincount(places, values.ravel()[index], minlength=count)
    return numbers, np.asarray(total, np.float64)


def _ratios(
    pairs: Sequence[tuple[Floats, Floats]], power: Sequence[tuple[Floats, Floats]]
) -> Floats:
    """Mean product over mean power, of all tiles and of resampled ones."""
    columns = [
        np.concatenate(column) for rows in (pairs, power) for column in zip(*rows, strict=True)
    ]
    drawn = law.draws(len(columns[0]))
    n_pairs, product, n_power, total = (drawn @ column for column in columns)
    mean = total / np.maximum(n_power, 1)
    return np.asarray(product / np.maximum(n_pairs, 1) / np.maximum(mean, np.finfo(float).tiny))
