"""Posterior mean by a visible pass and similar patches, variance by what a pass does with noise."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from napari_blindspot.chance import Chance
from napari_blindspot.inference.base import Prediction
from napari_blindspot.inference.posterior import noise_variance
from napari_blindspot.inference.response import WHITE, Along, noise_passed, own_slope, reach
from napari_blindspot.inference.similar import REACH, similar_filtered
from napari_blindspot.inference.turned import each_turned
from napari_blindspot.noise import BlindPatches, BlindSample, NoiseLaw

_NUDGE = 0.3
_PER_TURN = 3.0
_PIXELS = 20_000  # of patches on which the variance is put right, at least one of them
_UNSEEN = 1.25  # the error as a multiple of what hidden pixels show of it
_USUAL = (0.8, 0.4)  # mean and spread of the factor before any pixel is seen
_FACTORS = (0.25, 4.0)
_EXPECTED = (0.5, 0.3)  # mean and spread of the weight before any pixel is seen


@dataclass(frozen=True)
class Tweedie:
    """Mean of the network over turned copies of the image, then of similar patches.

    The variance is that of Tweedie's formula, and that of the noise which comes through, as large
    as hidden pixels show it to be.

    Attributes
    ----------
    turns : int
        Number of mirrored and turned copies to average, 1 to 8.
    similar : bool
        Whether the filter over similar patches may be used.
    laws : tuple of NoiseLaw
        Noise of each channel; empty until calibrated.
    weights : tuple of float
        Weight of the filter over similar patches for each channel, 0 to 1; none at all until
        calibrated.
    along : tuple of tuple of float
        Correlation of the noise at lags of 1 and 2 along Y and X.
    scale : tuple of float
        Factor of the variance for each channel; none where nothing was trained.

    Notes
    -----
    For Gaussian noise of variance v the posterior mean m(y) and the posterior variance of a
    pixel obey var = v dm/dy (second-order Tweedie formula). The derivative of a pixel's output
    with respect to its own input is measured by nudging the pixels of a sparse grid, neighbours
    in opposite directions, for every phase of the grid.

    No network is the posterior mean. In flat places the derivative is 0 or less, though a wide blur
    of the noise is left in the result, and after a training it is too small everywhere. So the
    variance that the result has under other noise of the same law is added: the mean square change
    by a little noise of random signs, scaled up. What the network gets wrong by itself shows in
    part in what it makes of turned copies, whose variance counts three times.

    The sum has the right shape and an uncertain size. Hidden pixels tell the size without the law
    of the noise n: for the posterior mean m and a blind prediction b of the same pixel y = x + n,
    x - m is orthogonal to m - b, n is independent of b, and E[n m] is the mean variance by
    Tweedie's formula, so E[(y - m)(m - b)] is, too. Of a network it is less than its squared error,
    by a factor of 1.0 to 1.4 on images whose truth is known (250 and 2,000 steps), and is
    multiplied by 1.25. The factor is 0.8 +- 0.4 before any pixel is seen. It is not found where
    nothing was trained, to save the time.

    Part of the true pixels within the 90 % interval after 250 steps, and root mean square error as
    a part of the deviation, by the derivative alone, with what comes through, and put right. Truths
    are aligned with their images, and their own noise is added. The last of each three is that of
    `benchmarks/coverage.py`; the script of the others, which weighed by the noise where it aligned,
    is not kept:

    ============== ==== ==== ========= ========== ==== ==========
    image          own  sum  put right own, error sum  put right
    ============== ==== ==== ========= ========== ==== ==========
    nuclei_10      0.25 0.95 0.94      1.40       0.93 1.01
    nuclei_30      0.38 0.96 0.95      1.02       0.76 0.86
    filaments_10   0.34 0.97 0.95      1.15       0.81 0.95
    filaments_30   0.34 0.98 0.97      1.00       0.74 0.85
    tissue_10      0.15 0.82 0.89      3.95       1.20 0.98
    tissue_30      0.35 0.86 0.90      2.23       1.13 1.03
    hazelnut_low   0.66 0.83 0.89      1.69       1.10 1.19
    hazelnut_frame 0.91 0.92 0.93      1.13       0.86 0.96
    BPAE_G         0.79 0.91 0.89      1.32       1.00 1.08
    fish           0.82 0.91 0.91      1.46       1.00 0.98
    mice           0.79 0.87 0.89      1.25       0.90 0.86
    BPAE_B         0.81 0.88 0.88      1.36       1.05 1.17
    BPAE_R         0.81 0.89 0.84      1.20       0.91 1.14
    ============== ==== ==== ========= ========== ==== ==========

    The derivative is measured at every fourth pixel and smoothed. That costs less than 0.01 of
    the mean log-likelihood of an error, and 24 passes do in place of 48.

    The filtered image is no better than the network's everywhere: where a specimen does not
    repeat itself, it can lose 0.3 dB. Hidden pixels tell how far to follow it, whatever their
    noise: with the blind prediction b, the image with b in the hidden places filtered to f, and
    the measured y of variance v, the weight w is the mean of its posterior for residuals
    y - b - w (f - b) of variance v, and w = 0.5 +- 0.3 before.

    References
    ----------
    H. Manor and T. Michaeli, "On the Posterior Distribution in Denoising: Application to
    Uncertainty Quantification", ICLR 2024.
    """

    turns: int = 8
    similar: bool = True
    laws: tuple[NoiseLaw, ...] = ()
    weights: tuple[float, ...] = ()
    along: Along = WHITE
    scale: tuple[float, ...] = ()

    @property
    def margin(self) -> int:
        """Pixels beyond the network's halo that a result depends on."""
        return max(reach(self.along), REACH if any(self.weights) else 0)

    def moments(
        self, output: Float[Tensor, "b c *space"]
    ) -> tuple[Float[Tensor, "b c *space"], None]:
        """The output is the mean."""
        return output, None

    def draft(self) -> Tweedie:
        """This predictor without averages and similar patches: fast, for a preview."""
        return dataclasses.replace(self, turns=1, similar=False)

    def calibrated(
        self,
        sample: BlindSample,
        laws: tuple[NoiseLaw, ...],
    ) -> Tweedie:
        """This predictor with the fitted noise, and what hidden pixels tell of it."""
        patches = sample.patches
        weights = filter_weights(patches, laws) if patches and self.similar else ()
        told = dataclasses.replace(self, laws=tuple(laws), weights=weights, scale=())
        if not patches or patches.network is None:
            return told
        return dataclasses.replace(told, scale=told.variance_scale(patches))

    def state(self) -> dict[str, Any]:
        """The noise laws, the weights and the factors of the variance."""
        laws = [dataclasses.asdict(law) for law in self.laws]
        return {"laws": laws, "weights": list(self.weights), "scale": list(self.scale)}

    def restored(self, state: Mapping[str, Any]) -> Tweedie:
        """This predictor with a saved `state`."""
        laws = tuple(NoiseLaw(**law) for law in state["laws"])
        weights, scale = tuple(state["weights"]), tuple(state.get("scale", ()))
        return dataclasses.replace(self, laws=laws, weights=weights, scale=scale)

    def predict(
        self,
        network: Callable[..., Tensor],
        noisy: Float[Tensor, "b c *space"],
        chance: Chance,
        *,
        with_std: bool = True,
    ) -> Prediction:
        """Denoised batch with its posterior standard deviation."""
        turned = self._turned(network, noisy)
        mean = turned.mean(0)
        std = self._variance(network, noisy, turned, chance).sqrt() if with_std else None
        if any(self.weights):
            weights = _by_channel(self.weights, mean)
            mean = torch.lerp(mean, similar_filtered(noisy, mean, self.laws), weights)
        return Prediction(mean, std)

    def variance_scale(self, patches: BlindPatches) -> tuple[float, ...]:
        """Factor of the variance of each channel that hidden pixels support."""
        network = patches.network
        if network is None:
            raise ValueError("These patches do not know the network that predicted them.")
        count = max(_PIXELS // patches.noisy[0, 0].numel(), 1)
        noisy, blind, hidden = (x[:count] for x in (patches.noisy, patches.mean, patches.hidden))
        with torch.no_grad():
            seen = network(noisy)
            chance = Chance(0, (0,) * (noisy.ndim - 2))
            expected = self._variance(network, noisy, self._turned(network, noisy), chance)
        shown = _UNSEEN * (noisy - seen) * (seen - blind)
        channels = zip(*(x.unbind(1) for x in (shown, expected, hidden > 0)), strict=True)
        return tuple(_factor(s[where], e[where]) for s, e, where in channels)

    def _turned(
        self, network: Callable[..., Tensor], noisy: Float[Tensor, "b c *space"]
    ) -> Float[Tensor, "n b c *space"]:
        """What the network makes of turned copies; noise that differs along Y and X stays so."""
        y, x = self.along
        return each_turned(network, noisy, count=self.turns, upright=y != x)

    def _variance(
        self,
        network: Callable[..., Tensor],
        noisy: Float[Tensor, "b c *space"],
        turned: Float[Tensor, "n b c *space"],
        chance: Chance,
    ) -> Float[Tensor, "b c *space"]:
        noise = noise_variance(self.laws, turned.mean(0))
        nudge = _NUDGE * noise.sqrt()
        variance = noise * own_slope(network, noisy, nudge, chance, self.along)
        variance += noise_passed(network, noisy, nudge, chance, self.along) / _NUDGE**2
        if len(turned) > 1:
            variance += _PER_TURN * turned.var(0)
        return variance * _by_channel(self.scale, variance) if self.scale else variance


def _by_channel(values: Sequence[float], like: Tensor) -> Tensor:
    return like.new_tensor(values).view(-1, *(1,) * (like.ndim - 2))


def _factor(shown: Float[Tensor, "p"], expected: Float[Tensor, "p"]) -> float:
    """Posterior mean of the ratio of both, for a normal distribution before."""
    usual, spread = _USUAL
    total = float(expected.sum())
    if len(shown) < 2 or total <= 0:
        return usual
    ratio = float(shown.sum()) / total
    error = float(shown.std()) * math.sqrt(len(shown)) / total
    share = spread**2 / (spread**2 + error**2)
    least, most = _FACTORS
    return min(max(usual + share * (ratio - usual), least), most)


def filter_weights(patches: BlindPatches, laws: Sequence[NoiseLaw]) -> tuple[float, ...]:
    """Weight of the filter over similar patches for each channel, by hidden pixels."""
    hidden = patches.hidden > 0
    shown = torch.where(hidden, patches.mean, patches.noisy)
    change = torch.where(hidden, similar_filtered(shown, patches.mean, laws) - patches.mean, 0)
    missing = patches.noisy - patches.mean
    scaled = change / noise_variance(laws, patches.mean)
    axes = (0, *range(2, change.ndim))
    seen, precision = (scaled * missing).sum(axes), (scaled * change).sum(axes)
    known = 1 / _EXPECTED[1] ** 2
    best = (seen + known * _EXPECTED[0]) / (precision + known)
    return tuple(best.clamp(0, 1).tolist())
