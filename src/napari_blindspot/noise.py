"""The noise law: variance = gain * signal + offset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from napari_blindspot.measure.line import Line, fit
from napari_blindspot.measure.report import Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SMALLEST = 1e-12
_LEAST_SIGNAL = 0.01  # as a part of the variance of the data
_DRAWS = 200


@dataclass(frozen=True)
class NoiseLaw:
    """Poisson-Gaussian noise of one channel.

    Attributes
    ----------
    gain : float
        Variance per unit of signal, at least 0 (grey values per photo-electron).
    offset : float
        Variance at signal 0: read noise squared less gain times the camera's grey-value
        offset; it may be negative.
    floor : float
        Smallest variance in the data, that of their darkest pixels; more than 0.

    References
    ----------
    A. Foi et al., "Practical Poissonian-Gaussian Noise Modeling and Fitting for Single-Image
    Raw-Data", IEEE TIP 2008.
    """

    gain: float
    offset: float
    floor: float = _SMALLEST

    def variance(self, signal: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
        """Variance of the noise at a signal; at least `floor`."""
        return (self.gain * signal + self.offset).clamp_min(max(self.floor, _SMALLEST))

    def scaled(self, factor: float) -> NoiseLaw:
        """The law of a variance so many times as large."""
        return NoiseLaw(factor * self.gain, factor * self.offset, factor * self.floor)

    def normalised(self, mean: float, std: float) -> NoiseLaw:
        """The law for the intensities `(x - mean) / std`."""
        offset = (self.offset + self.gain * mean) / std**2
        return NoiseLaw(self.gain / std, offset, self.floor / std**2)

    def denormalised(self, mean: float, std: float) -> NoiseLaw:
        """The law in the units of the input; the inverse of `normalised`."""
        gain = self.gain * std
        return NoiseLaw(gain, self.offset * std**2 - gain * mean, self.floor * std**2)


@dataclass(frozen=True)
class LawInterval:
    """95 % confidence intervals, lower and upper end, of the gain and the offset of a law."""

    gain: tuple[float, float]
    offset: tuple[float, float]


@dataclass(frozen=True)
class FittedLaw:
    """A law, and what chance could have made of it.

    Attributes
    ----------
    law : NoiseLaw
        The law, in the units of the sample.
    line : Line or None
        Its line first, then those through groups as another exposure might have had them;
        None where there were too few pixels.
    """

    law: NoiseLaw
    line: Line | None

    def interval(self, mean: float, std: float) -> LawInterval | None:
        """The interval in the units of the input, for a sample of `(x - mean) / std`."""
        if self.line is None:
            return None
        gain = self.line.gain * std
        gains, offsets = Estimate.of(gain), Estimate.of(self.line.offset * std**2 - gain * mean)
        return LawInterval((gains.low, gains.high), (offsets.low, offsets.high))


def noise_to_signal(laws: Sequence[NoiseLaw]) -> float:
    """Ratio of the mean variances of noise and signal, for laws in normalised units.

    The signal has at least 0.01 of the variance of the data. Without laws the ratio is 0.
    """
    if not laws:
        return 0.0
    # The data have a mean of 0 and a variance of 1 in normalised units.
    noise = sum(max(law.offset, law.floor) for law in laws) / len(laws)
    return noise / max(1 - noise, _LEAST_SIGNAL)


@dataclass(frozen=True)
class BlindPatches:
    """Patches of which some pixels are predicted without being seen, in normalised units.

    Attributes
    ----------
    noisy, mean : Tensor
        Measured values and predictions `(B, C, *space)`.
    hidden : Tensor
        `(B, C, *space)`, 1 where a prediction is blind, else 0.
    network : callable or None
        What predicted them, if it has learned from these data.
    """

    noisy: Float[Tensor, "b c *space"]
    mean: Float[Tensor, "b c *space"]
    hidden: Float[Tensor, "b c *space"]
    network: Callable[..., Tensor] | None = None


@dataclass(frozen=True)
class BlindSample:
    """Pixels predicted without being seen, in normalised units.

    Attributes
    ----------
    noisy, mean : Tensor
        Measured values and their blind predictions `(C, P)`.
    variance : Tensor or None
        Predicted total variance `(C, P)`, where the method has one.
    visible : Tensor or None
        Predictions `(C, P)` by a network that saw the pixels too.
    patches : BlindPatches or None
        Some of the patches that the pixels come from.
    repeats : float
        How often a pixel of the image is in the sample, on average.
    """

    noisy: Float[Tensor, "c p"]
    mean: Float[Tensor, "c p"]
    variance: Float[Tensor, "c p"] | None
    visible: Float[Tensor, "c p"] | None = None
    patches: BlindPatches | None = None
    repeats: float = 0.0


def fit_noise_law(sample: BlindSample) -> tuple[NoiseLaw, ...]:
    """Noise law of each channel from blind predictions.

    Parameters
    ----------
    sample : BlindSample
        Measured values and predictions that never saw them.

    Returns
    -------
    tuple of NoiseLaw
        One law per channel, in the units of the sample.

    Notes
    -----
    A blind prediction b is independent of the noise of its pixel y, so the squared residual is
    the noise variance plus the squared error of the prediction. With a visible prediction m the
    product (y - b) (y - m) takes the place of the square: if m is the posterior mean, its
    expectation is the noise variance alone, because the error of m is orthogonal to b and
    Tweedie's formula gives the covariance of m and the noise. On simulated cameras of gain 2,
    with 10 to 100 photons in the brightest pixel, the squares led to gains of 2.1 to 2.5, the
    products to 1.9 to 2.1.

    Pixels are grouped by predicted signal; in each group only those with the smallest predicted
    variance are used, where there is one. The selection never looks at the measured value, so
    it does not bias the residual. The line is fitted to all groups alike, weighted by the inverse
    sampling variance of a variance, 2 variance^2 / n, and a misfit of 10 % (no camera is
    exactly linear, and else the background alone would decide), with repeated re-weighting
    against groups that lie above it, which hold structure. Saturated groups are left out.

    References
    ----------
    M. Khademi et al., "Self-supervised Poisson-Gaussian Denoising", WACV 2021.
    """
    return tuple(fitted.law for fitted in fit_with_chance(sample, 0))


def fit_with_chance(sample: BlindSample, draws: int = _DRAWS) -> tuple[FittedLaw, ...]:
    """`fit_noise_law` with `draws` further lines of each channel, for its intervals.

    Notes
    -----
    The mean of each group is drawn from a normal distribution of its standard error, and the line
    is fitted anew. A sample with repeats knows less than as many different pixels: with r repeats
    the squared error is 1 + r times as large. Groups that scatter about the line by more than
    their errors have larger ones. What structure adds to all groups alike is not in the intervals.
    """
    nothing = [None] * len(sample.mean)
    variances = nothing if sample.variance is None else sample.variance
    visible = sample.mean if sample.visible is None else sample.visible
    channels = zip(sample.noisy, sample.mean, visible, variances, strict=True)
    grouped = (_grouped(*channel) for channel in channels)
    return tuple(_fit_line(groups, sample.repeats, draws) for groups in grouped)


def estimate_noise_law(samples: Float[Tensor, "n c *space"]) -> tuple[NoiseLaw, ...]:
    """Noise law of each channel from the noisy samples alone, without a network.

    The mean of a pixel's neighbours stands for the blind prediction; its own noise is
    subtracted, and the spread of the neighbours tells where there is structure.
    """
    offsets = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if dy or dx]
    core = (slice(None), slice(None)) + (slice(1, -1),) * 2
    shifted = torch.stack([samples.roll(offset, (-2, -1))[(..., *core[2:])] for offset in offsets])
    mean, spread = shifted.mean(0), shifted.var(0)
    noisy = mean + (samples[(..., *core[2:])] - mean) / (1 + 1 / len(offsets)) ** 0.5
    noisy, mean, spread = (x.movedim(1, 0).flatten(1) for x in (noisy, mean, spread))
    return fit_noise_law(BlindSample(noisy, mean, spread))


def seen_by_estimate(along: tuple[Sequence[float], Sequence[float]]) -> float:
    """Part of the variance of correlated noise that `estimate_noise_law` finds.

    `along` is the correlation at lags of 1, 2... along Y and X; across the axes they are
    multiplied.
    """
    rho_y, rho_x = ([1.0, *lags[:2]] for lags in along)
    places = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    weight = np.array([1.0 if place == (0, 0) else -1 / 8 for place in places])
    between = [[rho_y[abs(a - c)] * rho_x[abs(b - d)] for c, d in places] for a, b in places]
    return float(weight @ np.array(between) @ weight) / (1 + 1 / 8)


_GROUPS = 48
_SMALLEST_GROUP = 40
_FLATTEST = 0.35
_MISFIT = 0.1  # by which a camera may differ from a straight line, relative
_NORMAL = 1.4826  # standard deviations in a median absolute deviation


def _grouped(noisy: Tensor, mean: Tensor, visible: Tensor, variance: Tensor | None) -> Tensor:
    """Rows of signal, variance, its standard error, and number of pixels."""
    noisy, mean, visible = (x.double().cpu() for x in (noisy, mean, visible))
    unsaturated = _unsaturated(noisy, mean)
    noisy, mean, visible = (x[unsaturated] for x in (noisy, mean, visible))
    if variance is not None:
        variance = variance.double().cpu()[unsaturated]
    groups = [
        _measure((noisy - mean)[members] * (noisy - visible)[members], mean[members])
        for members in _groups(mean, variance)
    ]
    if not groups:
        squared = float(((noisy - mean) ** 2).mean()) if len(noisy) else 0.0
        groups = [(0.0, squared, 0.0, 0.0)]
    return torch.tensor(groups, dtype=torch.float64)


def _unsaturated(noisy: Tensor, mean: Tensor) -> Tensor:
    """Pixels far enough below a level at which values pile up."""
    top = noisy.max()
    below = noisy < top
    if len(noisy) - int(below.sum()) < 1e-3 * len(noisy) or int(below.sum()) < _SMALLEST_GROUP:
        return torch.ones_like(below)
    kept = mean < top - 2 * (noisy - mean)[below].std()
    return kept if int(kept.sum()) >= _SMALLEST_GROUP else torch.ones_like(below)


def _groups(mean: Tensor, variance: Tensor | None) -> list[Tensor]:
    """Indices of the flattest pixels in each interval of the predicted signal."""
    if len(mean) == 0:
        return []
    order = mean.argsort()
    # Half of the edges are equally populated, half equally spaced: the background and the few
    # bright pixels of a sparse image both get groups.
    quantiles = mean[order[torch.linspace(0, len(mean) - 1, _GROUPS // 2).long()]]
    edges = torch.cat([quantiles, torch.linspace(float(mean.min()), float(mean.max()), _GROUPS)])
    cuts = torch.searchsorted(mean[order], torch.unique(edges)).tolist()
    groups = []
    start = 0
    for stop in [*cuts[1:], len(mean)]:
        if stop - start >= _SMALLEST_GROUP / (1 if variance is None else _FLATTEST):
            groups.append(_flattest(order[start:stop], variance))
            start = stop
    return groups


def _flattest(members: Tensor, variance: Tensor | None) -> Tensor:
    if variance is None:
        return members
    count = int(len(members) * _FLATTEST)
    return members[variance[members].argsort()[:count]]


def _measure(squared: Tensor, mean: Tensor) -> tuple[float, float, float, float]:
    """Mean signal, variance, its error, and number of pixels of a group, without outliers."""
    for _ in range(2):
        squared = squared[squared.abs() <= 36 * squared.abs().mean()]
    error = float(squared.std()) / len(squared) ** 0.5
    return float(mean.mean()), float(squared.mean()), error, float(len(squared))


def _fit_line(groups: Tensor, repeats: float, draws: int) -> FittedLaw:
    """Weighted line through the groups, gain at least 0, and as many through groups by chance."""
    signal, variance, error, count = groups.numpy().T
    if not count.any():
        return FittedLaw(NoiseLaw(0.0, float(variance[0])), None)
    line = _line(count, signal, variance[None])
    gain, offset = float(line.gain[0]), float(line.offset[0])
    darkest = gain * float(signal.min()) + offset
    law = NoiseLaw(gain, offset, max(darkest, float(variance.min() / 4), _SMALLEST))
    if not draws:
        return FittedLaw(law, line)
    error = error * (1 + repeats) ** 0.5
    distance = np.abs(variance - gain * signal - offset) / np.maximum(error, _SMALLEST)
    error = error * max(_NORMAL * float(np.median(distance)), 1.0)
    chance = error * np.random.default_rng(0).standard_normal((draws, len(error)))
    drawn = _line(count, signal, np.concatenate([variance[None], variance + chance]))
    return FittedLaw(law, drawn)


def _line(
    count: NDArray[np.float64], signal: NDArray[np.float64], variance: NDArray[np.float64]
) -> Line:
    counts, signals = (np.broadcast_to(a, variance.shape) for a in (count, signal))
    return fit(counts, signals, variance, misfit=_MISFIT, least_gain=0.0, rare=False)
