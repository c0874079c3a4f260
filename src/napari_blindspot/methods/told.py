"""What a method is told of the noise before it has seen any image: laws, counts, correlation."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_blindspot.methods.base import Spec
    from napari_blindspot.noise import NoiseLaw

    Along = tuple[tuple[float, ...], tuple[float, ...]]

_WHITE: Along = ((0.0, 0.0), (0.0, 0.0))
_LEAST_VARIANCE = 0.02  # as a part of the variance at the mean of the data
_CORRELATED = 0.15  # at a distance of one pixel, from where on noise counts as such
_MOST_CORRELATED = 0.85
_ALIKE = 0.15  # difference between the axes up to which both have that of their mean
_LEAST_SEEN = 0.1  # of the variance
_CUT_OFF = (0.08, -0.03)  # more than that at lag 1 and less at lag 2 tells of high frequencies only
_NARROWEST, _STEP, _STEPS, _REACH = 0.3, 0.02, 29, 6  # blurs in pixels; wider ones look alike
_LEAST_POWER = 0.004


@dataclass(frozen=True)
class Told:
    """Noise of each channel, in normalised units.

    Attributes
    ----------
    laws : tuple of NoiseLaw
        With a smallest variance that is not 0.
    counted : tuple of bool
        Whether a channel holds photon counts, whose law is exact.
    along : pair of tuple of float
        Correlation of the noise at lags of 1 and 2 pixels along Y and X.
    """

    laws: tuple[NoiseLaw, ...]
    counted: tuple[bool, ...]
    along: Along = _WHITE

    @property
    def is_white(self) -> bool:
        """Whether the noise of neighbours is independent."""
        return self.along == _WHITE


def told_of(spec: Spec, *, neighbours: bool) -> Told:
    """The noise as it was estimated, that of photon counts exactly.

    `neighbours` is whether its correlation matters, which it can for a single channel. The law that
    was estimated from differences between neighbours is then put right.
    """
    from napari_blindspot.noise import NoiseLaw, seen_by_estimate

    laws = spec.noise or (NoiseLaw(0.0, 0.1, 0.1),) * spec.channels
    along = _along(spec) if neighbours and spec.channels == 1 else _WHITE
    if along != _WHITE:
        law = laws[0].scaled(1 / max(seen_by_estimate(along), _LEAST_SEEN))
        return Told((floored(law),), (False,), along)
    counted = tuple(_is_counted(spec, c, law) for c, law in enumerate(laws))
    known = tuple(
        _poisson(spec, c) if counts else floored(law)
        for c, (law, counts) in enumerate(zip(laws, counted, strict=True))
    )
    return Told(known, counted)


def floored(law: NoiseLaw) -> NoiseLaw:
    """The law without a variance near 0, which no pixel of a finite sample has for certain."""
    # The mean of the data is 0 in normalised units.
    return dataclasses.replace(law, floor=max(law.floor, _LEAST_VARIANCE * law.offset))


def _along(spec: Spec) -> Along:
    """Correlation along Y and X, where it is strong along one of them at least."""
    if not spec.along:
        return _WHITE
    y, x = spec.along[0]
    if abs(y[0] - x[0]) <= _ALIKE:
        y = x = tuple((a + b) / 2 for a, b in zip(y, x, strict=True))
    y, x = _told(y), _told(x)
    return (y, x) if max(y[0], x[0]) >= _CORRELATED else _WHITE


def _told(lags: Sequence[float]) -> tuple[float, float]:
    """Correlation at lags of 1 and 2 along an axis, within what the network has learned."""
    one, two = lags[:2]
    if one > _CUT_OFF[0] and two < _CUT_OFF[1]:
        one, two = _of_a_blur(lags)
    return min(max(one, 0.0), _MOST_CORRELATED), max(two, 0.0)


def _of_a_blur(lags: Sequence[float]) -> tuple[float, float]:
    """Correlation at lags of 1 and 2 of the blurred noise with the same highest frequencies.

    Where an image has structure up to high frequencies, the correlation is known of these alone:
    it lacks what is shared over longer distances, and is negative there. A Gaussian blur is found
    by the ratio of the powers at three quarters of the highest frequency and at it.
    """
    wanted = _ratio(lags)
    blurred = [_blurred(_NARROWEST + step * _STEP) for step in range(_STEPS)]
    _, best = min((abs(_ratio(each) - wanted), index) for index, each in enumerate(blurred))
    return blurred[best][0], blurred[best][1]


def _blurred(sigma: float) -> list[float]:
    """Correlation of white noise behind a Gaussian at lags of 1, 2..."""
    line = [math.exp(-(d**2) / (2 * sigma**2)) for d in range(-_REACH, _REACH + 1)]
    lags = [sum(a * b for a, b in zip(line, line[k:], strict=False)) for k in range(_REACH)]
    return [lag / lags[0] for lag in lags[1:]]


def _ratio(lags: Sequence[float]) -> float:
    """Power at three quarters of the highest frequency over that at the highest."""
    lower, highest = (
        1 + sum(2 * lag * math.cos(k * part * math.pi) for k, lag in enumerate(lags, 1))
        for part in (0.75, 1.0)
    )
    return lower / max(highest, _LEAST_POWER)


def _is_counted(spec: Spec, channel: int, law: NoiseLaw) -> bool:
    from napari_blindspot.photons import are_counts

    quantum = spec.quantum[channel] if spec.quantum else 0.0
    return are_counts(law, quantum, -spec.mean[channel] / spec.std[channel])


def _poisson(spec: Spec, channel: int) -> NoiseLaw:
    """Law of photon counts, for which the smallest variance is that of a tenth of a photon."""
    from napari_blindspot.noise import NoiseLaw

    mean, std, gain = spec.mean[channel], spec.std[channel], spec.quantum[channel]
    return NoiseLaw(gain, gain * mean / std, 0.1 * gain**2)
