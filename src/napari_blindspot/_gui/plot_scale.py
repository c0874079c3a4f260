"""From losses to heights in a plot, and the losses that are worth a label. No Qt."""

from __future__ import annotations

import math
from collections.abc import Sequence

_MOST_TICKS = 4
_LEAST = 1e-280
_ROUND = (1.0, 2.0, 5.0)


class Scale:
    """Logarithmic where all values are above 0, which log-likelihoods need not be.

    Parameters
    ----------
    values : sequence of float
        What is to be shown; at least one.
    """

    def __init__(self, values: Sequence[float]) -> None:
        low, high = min(values), max(values)
        self.is_log = low > 0
        start, end = self._warped(low), self._warped(high)
        room = 0.05 * (end - start) or 0.05 * abs(end) or 0.05
        self._start, self._end = start - room, end + room

    def height(self, value: float) -> float:
        """Height of a value, 0 to 1 for those that the scale was made for."""
        return (self._warped(value) - self._start) / (self._end - self._start)

    def ticks(self) -> list[float]:
        """Two to four round values within the scale."""
        low, high = self._unwarped(self._start), self._unwarped(self._end)
        decades = self._end - self._start if self.is_log else 0.0
        ticks = _decades(low, high) if decades >= 1 else []
        return ticks if len(ticks) > 1 else _even(low, high)

    def _warped(self, value: float) -> float:
        if not self.is_log:
            return value
        return math.log10(max(value, _LEAST))

    def _unwarped(self, place: float) -> float:
        return 10.0**place if self.is_log else place


def _decades(low: float, high: float) -> list[float]:
    """Powers of ten, thinned, or with 2 and 5 between them where there are few."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    powers = range(first, last + 1)
    for factors in (_ROUND, (1.0, 3.0), (1.0,)):
        ticks = [m * 10.0**p for p in powers for m in factors if low <= m * 10.0**p <= high]
        if len(ticks) <= _MOST_TICKS:
            return ticks
    return ticks[:: -(-len(ticks) // _MOST_TICKS)]


def _even(low: float, high: float) -> list[float]:
    """Round values at equal distances."""
    raw = (high - low) / _MOST_TICKS
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (*_ROUND, 10.0) if m * power >= raw)
    first, last = math.ceil(low / step), math.floor(high / step)
    return [step * k for k in range(first, last + 1)]
