"""The noise of one channel: defects, then the law and the correlation, one by the other."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_blindspot.measure import blind, correlation, defects, law
from napari_blindspot.measure.report import CORRELATED, ChannelNoise, Estimate, Groups

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_blindspot.measure.blind import Blind
    from napari_blindspot.measure.correlation import Correlation
    from napari_blindspot.measure.line import Line
    from napari_blindspot.measure.sampling import Run

    Floats = NDArray[np.float64]

_ROUNDING = 1 / 12  # variance of rounding to whole numbers
_COUNTS = 0.25  # by which a gain may differ from the step between counts


@dataclass(frozen=True)
class Channel:
    """Pixels of one channel.

    Attributes
    ----------
    name : str
        Name or number.
    index : int
        Place among the channels of the runs.
    runs : sequence of Run
        All that is looked at.
    across : sequence of Run
        Further planes, along the second stacking axis.
    dtype : numpy.dtype
        Type of the image.
    blind : sequence of Blind or None
        Blind predictions of the runs, where a model has made them.
    """

    name: str
    index: int
    runs: Sequence[Run]
    across: Sequence[Run]
    dtype: np.dtype[Any]
    blind: Sequence[Blind] | None = None


def measure(channel: Channel, black_level: float | None) -> ChannelNoise:
    """Noise of one channel."""
    finite = [np.isfinite(run.planes[channel.index]) for run in channel.runs]
    values = np.concatenate(
        [run.planes[channel.index][ok] for run, ok in zip(channel.runs, finite, strict=True)]
    )
    limits = defects.find_limits(values, channel.dtype)
    prepared = [_prepare(run, channel.index) for run in channel.runs]
    planes = [p for p, _ in prepared]
    quantum = defects.quantum(values)
    seen = law.observe(planes) if channel.blind is None else blind.observe(planes, channel.blind)
    piles = limits
    if limits.low is not None and not any(
        defects.is_cut_off(p.values, limits.low, quantum) for p in planes
    ):
        piles = dataclasses.replace(limits, low=None)
    found = law.estimate(seen, piles, {})
    correlations = _correlations(channel, planes, found)
    strong = _significant(correlations, channel.runs[0].along)
    if strong and channel.blind is None:
        found = law.estimate(seen, piles, strong) or found
    counted = [int(sum(c[i] for _, c in prepared)) for i in range(2)]
    facts = {
        "name": channel.name,
        "signal": float(values.astype(np.float64).mean()) if len(values) else math.nan,
        "saturated": limits.high_part,
        "clipped": limits.low_part,
        "hot": counted[0],
        "dead": counted[1],
        "not_finite": int(sum((~ok).sum() for ok in finite)),
        "correlations": tuple(correlations),
    }
    if found is None or len(values) == 0:
        return _unknown(facts, values, black_level)
    return _known(facts, found, black_level, quantum)


def _prepare(run: Run, index: int) -> tuple[law.Planes, tuple[int, int]]:
    """Planes without unusable pixels, and the numbers of hot and dead ones."""
    pixels = run.planes[index]
    finite = np.isfinite(pixels)
    values = pixels.astype(np.float64)
    if not finite.all():
        usual = float(np.median(values[finite])) if finite.any() else 0.0
        values = np.where(finite, values, usual)
    hot, dead = defects.find_hot(values, ~finite)
    good = finite & ~hot & ~dead
    return law.Planes(values, good, run.along == "T"), (int(hot.sum()), int(dead.sum()))


def _correlations(
    channel: Channel, planes: Sequence[law.Planes], found: law.Fit | None
) -> list[Correlation]:
    if found is None or not found.variance.max() > 0:
        return []
    gain, offset = float(found.line.gain[0]), float(found.line.offset[0])
    if channel.blind is not None:
        return blind.correlations(planes, channel.blind, channel.runs[0].along, (gain, offset))
    result = correlation.in_plane(planes, gain, offset)
    along = channel.runs[0].along
    if along:
        result += correlation.between_planes(planes, along, gain, offset)
    if channel.across:
        others = [_prepare(run, channel.index)[0] for run in channel.across]
        result += correlation.between_planes(others, channel.across[0].along, gain, offset)
    return result


def _significant(correlations: Sequence[Correlation], along: str) -> dict[int, Floats]:
    """Correlations that the law has to take notice of, by the axes of planes `(L, Y, X)`."""
    found = {c.axis: c for c in correlations}
    strong = {a for a, c in found.items() if abs(c.lags[0]) > max(CORRELATED, 3 * c.errors[0])}
    axes = "YX" if strong & {"Y", "X"} else ""
    axes += "T" if along == "T" and "T" in strong else ""
    place = {"T": 0, "Y": 1, "X": 2}
    return {place[axis]: np.array([1.0, *found[axis].lags]) for axis in axes}


def _unknown(facts: dict[str, Any], values: Floats, black_level: float | None) -> ChannelNoise:
    low, high = (float(values.min()), float(values.max())) if len(values) else (math.nan, math.nan)
    return ChannelNoise(
        **facts,
        gain=None,
        offset=None,
        variance=math.nan,
        dark=low,
        bright=high,
        no_noise_at=None,
        black_level=black_level,
        read_noise=None,
        counts=False,
        groups=None,
    )


def _known(
    facts: dict[str, Any], found: law.Fit, black_level: float | None, quantum: float
) -> ChannelNoise:
    line = found.line
    # One level of the signal tells the variance there, and nothing of a gain.
    gain, offset = (
        Estimate.of(values, found.tiles) if len(found.signal) > 1 else None
        for values in (line.gain, line.offset)
    )
    dark, bright = float(found.signal.min()), float(found.signal.max())
    counts = _are_counts(line, quantum)
    black = 0.0 if counts and black_level is None else black_level
    # Whole numbers hold the variance of rounding, unless every photon is a whole number itself.
    rounding = _ROUNDING * quantum**2 if quantum and not counts else 0.0
    variance = line.at(dark if black is None else black) - rounding
    crossing = -float(line.offset[0]) / gain.value if gain and gain.value > 0 else None
    return ChannelNoise(
        **facts,
        gain=gain,
        offset=offset,
        variance=max(float(line.at(facts["signal"])[0]), 0.0),
        dark=dark,
        bright=bright,
        no_noise_at=crossing,
        black_level=black,
        read_noise=_root(Estimate.of(variance, found.tiles)),
        counts=counts,
        groups=Groups(found.signal, found.variance, found.count),
    )


def _root(squared: Estimate) -> Estimate:
    roots = (math.sqrt(max(v, 0.0)) for v in (squared.value, squared.low, squared.high))
    return (
        Estimate(*roots)
        if math.isfinite(squared.low)
        else Estimate(math.sqrt(max(squared.value, 0.0)), math.nan, math.nan)
    )


def _are_counts(line: Line, quantum: float) -> bool:
    """Whether the step between values is the gain and the noise vanishes at 0."""
    gain = float(line.gain[0])
    if quantum <= 0 or gain <= 0:
        return False
    return abs(gain / quantum - 1) < _COUNTS and abs(float(line.offset[0])) < gain * quantum / 4
