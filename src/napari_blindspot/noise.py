"""The noise law: variance = gain * signal + offset."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

_SMALLEST = 1e-12


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
        Smallest variance that the data support, more than 0.

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

    def normalised(self, mean: float, std: float) -> NoiseLaw:
        """The law for the intensities `(x - mean) / std`."""
        offset = (self.offset + self.gain * mean) / std**2
        return NoiseLaw(self.gain / std, offset, self.floor / std**2)

    def denormalised(self, mean: float, std: float) -> NoiseLaw:
        """The law in the units of the input; the inverse of `normalised`."""
        gain = self.gain * std
        return NoiseLaw(gain, self.offset * std**2 - gain * mean, self.floor * std**2)


@dataclass(frozen=True)
class BlindSample:
    """Pixels predicted without being seen, in normalised units.

    Attributes
    ----------
    noisy, mean : Tensor
        Measured values and their blind predictions `(C, P)`.
    variance : Tensor or None
        Predicted total variance `(C, P)`, where the method has one.
    """

    noisy: Float[Tensor, "c p"]
    mean: Float[Tensor, "c p"]
    variance: Float[Tensor, "c p"] | None


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
    A blind prediction is independent of the noise of its pixel, so the squared residual is the
    noise variance plus the squared error of the prediction. Pixels are grouped by predicted
    signal; in each group only those with the smallest predicted variance are used, where the
    error of the prediction is least. The selection never looks at the measured value, so it
    does not bias the residual. The line is fitted to all groups alike, weighted by the inverse
    sampling variance of a variance, 2 variance^2 / n, and a misfit of 10 % (no camera is
    exactly linear, and else the background alone would decide), with repeated re-weighting
    against groups that lie above it, which hold structure. Saturated groups are left out.

    References
    ----------
    M. Khademi et al., "Self-supervised Poisson-Gaussian Denoising", WACV 2021.
    """
    variances = sample.variance if sample.variance is not None else [None] * len(sample.mean)
    return tuple(
        _fit_channel(noisy, mean, variance)
        for noisy, mean, variance in zip(sample.noisy, sample.mean, variances, strict=True)
    )


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
    flat = [x.movedim(1, 0).flatten(1) for x in (noisy, mean, spread)]
    return fit_noise_law(BlindSample(*flat))


_GROUPS = 48
_SMALLEST_GROUP = 40
_FLATTEST = 0.35
_MISFIT = 0.1  # by which a camera may differ from a straight line, relative
_EXCESS = 2.0  # above the line in standard deviations, from where a group is held for structure


def _fit_channel(noisy: Tensor, mean: Tensor, variance: Tensor | None) -> NoiseLaw:
    noisy, mean = noisy.double().cpu(), mean.double().cpu()
    unsaturated = _unsaturated(noisy, mean)
    noisy, mean = noisy[unsaturated], mean[unsaturated]
    if variance is not None:
        variance = variance.double().cpu()[unsaturated]
    groups = [
        _measure(noisy[members] - mean[members], mean[members])
        for members in _groups(mean, variance)
    ]
    if not groups:
        return NoiseLaw(0.0, float(((noisy - mean) ** 2).mean()) if len(noisy) else 0.0)
    return _fit_line(torch.tensor(groups, dtype=torch.float64))


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


def _measure(residual: Tensor, mean: Tensor) -> tuple[float, float, float]:
    """Mean signal, variance and number of pixels of a group, without outliers."""
    squared = residual**2
    for _ in range(2):
        squared = squared[squared <= 36 * squared.mean()]
    return float(mean.mean()), float(squared.mean()), float(len(squared))


def _fit_line(groups: Tensor) -> NoiseLaw:
    """Weighted line through (signal, variance, count) rows, gain at least 0."""
    signal, variance, count = groups.T
    level = variance.median().clamp_min(_SMALLEST)
    floor = float(variance.min() / 2)
    spread = (2 / count + _MISFIT**2).sqrt()
    fitted, trust = variance.clamp_min(level * 1e-3), torch.ones_like(variance)
    gain, offset = 0.0, float(level)
    for _ in range(20):
        weights = trust / (fitted * spread) ** 2
        gain, offset = _line(signal, variance, weights)
        fitted = (gain * signal + offset).clamp_min(level * 1e-3)
        excess = (variance / fitted - 1) / spread
        trust = 1 / excess.div(_EXCESS).clamp_min(1) ** 2
    return NoiseLaw(gain, offset, max(floor, _SMALLEST))


def _line(x: Tensor, y: Tensor, weights: Tensor) -> tuple[float, float]:
    weights = weights / weights.sum()
    centre, level = (weights * x).sum(), (weights * y).sum()
    spread = (weights * (x - centre) ** 2).sum()
    slope = (weights * (x - centre) * (y - level)).sum() / spread if spread > 0 else spread * 0
    slope = slope.clamp_min(0)
    return float(slope), float(level - slope * centre)
