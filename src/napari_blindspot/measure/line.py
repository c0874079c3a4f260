"""A line through the mean and variance of groups of pixels, for all resamples at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_ROUNDS = 15
_MISFIT = 0.01  # by which a camera may differ from a straight line, relative
_LEAST = 0.003  # of a variance, as a part of the mean variance
_EXCESS = 2.0  # above the line in standard deviations, from where a group is held for structure


@dataclass(frozen=True)
class Line:
    """Lines variance = gain * signal + offset, one for each resample: `(B,)`."""

    gain: Floats
    offset: Floats

    def at(self, signal: float) -> Floats:
        """Variance at a signal, of every resample."""
        return self.gain * signal + self.offset


def fit(
    count: Floats,
    signal: Floats,
    variance: Floats,
    *,
    misfit: float = _MISFIT,
    least_gain: float = -np.inf,
    rare: bool = True,
) -> Line:
    """Robust weighted lines.

    Parameters
    ----------
    count, signal, variance : ndarray
        Pixels, mean signal and mean variance of each group, `(B, G)`; a group with a count of 0
        is left out.
    misfit : float
        By which a camera may differ from a straight line, relative.
    least_gain : float
        Smallest gain that there can be.
    rare : bool
        Whether groups so dark that photons are rare tell the less.

    Notes
    -----
    The weight of a group is the inverse variance of its variance: that of Gaussian noise, that of
    rare photons in the dark, and the misfit, so that many pixels do not decide all. Groups above
    the line count less, for structure adds to the variance and never takes from it.
    """
    used = count > 0
    n = np.where(used, count, 1.0)
    level = (variance * count).sum(1, keepdims=True) / np.maximum(count.sum(1, keepdims=True), 1)
    fitted, trust = np.where(used, variance, level), used.astype(float)
    gain, offset = np.zeros_like(level), level
    for _ in range(_ROUNDS):
        spread = fitted**2 * (2 / n + misfit**2) + rare * fitted * gain**2 / n
        spread += (_LEAST * level) ** 2 + np.finfo(float).tiny
        gain, offset = _weighted(signal, variance, trust / spread, least_gain)
        fitted = np.maximum(gain * signal + offset, 1e-3 * level)
        excess = (variance - fitted) / np.sqrt(spread)
        trust = used / np.maximum(excess / _EXCESS, 1) ** 2
    return Line(gain[:, 0], offset[:, 0])


def _weighted(x: Floats, y: Floats, weights: Floats, least: float) -> tuple[Floats, Floats]:
    total = np.maximum(weights.sum(1, keepdims=True), np.finfo(float).tiny)
    weights = weights / total
    centre, level = ((weights * a).sum(1, keepdims=True) for a in (x, y))
    spread = (weights * (x - centre) ** 2).sum(1, keepdims=True)
    product = (weights * (x - centre) * (y - level)).sum(1, keepdims=True)
    slope = np.divide(product, spread, out=np.zeros_like(product), where=spread > 0)
    slope = np.maximum(slope, least)
    return slope, level - slope * centre
