"""What is known about the noise of an image: values, intervals and JSON."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_blindspot.measure.correlation import LAGS, Correlation

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

CORRELATED = 0.1  # from here on a method has to take notice
_HALF = 1.96  # half of a 95 % interval in standard errors, with many tiles


@dataclass(frozen=True)
class Estimate:
    """A value and its 95 % confidence interval; the ends are NaN where they are not known."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Floats, tiles: float = math.inf) -> Estimate:
        """First value with an interval from the spread of the others, its resamples.

        `tiles` is the number of independent parts that were resampled.
        """
        value = float(values[0])
        if tiles < 2:
            return cls(value, math.nan, math.nan)
        # Few parts know their own spread badly: the quantile of t, and the lost degree of freedom.
        half = _HALF * (1 + 1.5 / tiles) / math.sqrt(1 - 1 / tiles)
        spread = half * float(values[1:].std())
        return cls(value, value - spread, value + spread)

    def scaled(self, factor: float) -> Estimate:
        """The same estimate in other units; `factor` is more than 0."""
        return Estimate(self.value * factor, self.low * factor, self.high * factor)


@dataclass(frozen=True)
class Groups:
    """Groups of pixels behind the line: mean signal, variance, and number of pixels `(G,)`."""

    signal: Floats
    variance: Floats
    count: Floats


@dataclass(frozen=True)
class ChannelNoise:
    """Noise of one channel, in grey values.

    Attributes
    ----------
    name : str
        Name of the channel, or its number.
    gain, offset : Estimate or None
        variance = gain * signal + offset; None where nothing can be told.
    variance : float
        Variance of the noise at the mean signal.
    signal : float
        Mean signal.
    dark, bright : float
        Darkest and brightest signal at which the noise was seen.
    no_noise_at : float or None
        Signal at which the line has no noise left: the lowest black level there can be.
    black_level : float or None
        Grey value without light, as given; None where it is not known.
    read_noise : Estimate or None
        Standard deviation at the black level. Without a black level: at the darkest signal, which
        the read noise cannot exceed.
    counts : bool
        Whether the values are photon counts: black level 0, and steps of one gain.
    saturated, clipped : float
        Parts of the pixels at an upper and at a lower limit, 0 to 1.
    hot, dead, not_finite : int
        Numbers of such pixels among those looked at.
    correlations : tuple of Correlation
        Of the noise along X, Y, Z and T, as far as the image has them.
    groups : Groups or None
        What the line was laid through.
    """

    name: str
    gain: Estimate | None
    offset: Estimate | None
    variance: float
    signal: float
    dark: float
    bright: float
    no_noise_at: float | None
    black_level: float | None
    read_noise: Estimate | None
    counts: bool
    saturated: float
    clipped: float
    hot: int
    dead: int
    not_finite: int
    correlations: tuple[Correlation, ...]
    groups: Groups | None

    @property
    def gain_is_known(self) -> bool:
        """Whether the interval of the gain excludes 0 and is narrower than the gain itself."""
        gain = self.gain
        return gain is not None and gain.low > 0 and gain.high - gain.low < gain.value

    @property
    def read_noise_electrons(self) -> Estimate | None:
        """Read noise in electrons, where the gain is known."""
        if self.read_noise is None or self.gain is None or not self.gain_is_known:
            return None
        return self.read_noise.scaled(1 / self.gain.value)

    def correlated(self, axis: str) -> int:
        """Largest lag along an axis up to which the noise is correlated; 0 if it is not."""
        for correlation in self.correlations:
            if correlation.axis == axis:
                return _reach(correlation)
        return 0


def _reach(correlation: Correlation) -> int:
    pairs = zip(correlation.lags, correlation.errors, strict=True)
    for lag, (value, error) in enumerate(pairs):
        if value < max(CORRELATED, 3 * error):
            return lag
    return len(correlation.lags)


@dataclass(frozen=True)
class NoiseReport:
    """Noise of an image, found without training or from the blind prediction of a model.

    Attributes
    ----------
    axes, shape : str, tuple of int
        Of the image.
    note : str
        Where the axes come from.
    pixels : int
        Pixels of each channel that were looked at.
    channels : tuple of ChannelNoise
        One entry per channel.
    model : str
        Method of the model that made the blind prediction; empty without a model.
    before : NoiseReport or None
        What the image alone tells, beside the blind prediction.
    """

    axes: str
    shape: tuple[int, ...]
    note: str
    pixels: int
    channels: tuple[ChannelNoise, ...]
    model: str = ""
    before: NoiseReport | None = None

    def as_json(self) -> dict[str, Any]:
        """The report as values that JSON has."""
        return {
            "axes": self.axes,
            "shape": list(self.shape),
            "axes_note": self.note,
            "pixels": self.pixels,
            "lags": LAGS,
            "channels": [_channel(channel) for channel in self.channels],
            "method": self.model or None,
            "before": self.before and self.before.as_json(),
        }


def _channel(channel: ChannelNoise) -> dict[str, Any]:
    values = {
        field.name: getattr(channel, field.name)
        for field in dataclasses.fields(channel)
        if field.name not in ("correlations", "groups")
    }
    values["read_noise_electrons"] = channel.read_noise_electrons
    values["gain_is_known"] = channel.gain_is_known
    values["read_noise_is_limit"] = channel.black_level is None
    plain = {name: _plain(value) for name, value in values.items()}
    plain["correlation"] = {
        c.axis: {"lags": _plain(c.lags), "errors": _plain(c.errors)} for c in channel.correlations
    }
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, Estimate):
        return {"value": _plain(value.value), "interval": [_plain(value.low), _plain(value.high)]}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value
