"""Posterior mean where some pixels hold a random value."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch.nn.functional as F  # noqa: N812 - the usual name
from jaxtyping import Float
from torch import Tensor

from napari_blindspot.chance import Chance
from napari_blindspot.inference.base import Prediction
from napari_blindspot.inference.turned import averaged
from napari_blindspot.noise import BlindSample, NoiseLaw

_LEAST_RANGE = 1e-6
_LOG_TWO_PI = 1.8378770664093453


@dataclass(frozen=True)
class ImpulsePosterior:
    """Posterior of a clean pixel that with probability alpha was replaced.

    The network gives `3 C` channels: means mu, logarithms of the variance of the clean value,
    and the log-odds of alpha. A pixel y was replaced with the probability
    w = (alpha / range) / (alpha / range + (1 - alpha) N(y; mu, variance)); the posterior mean
    is w mu + (1 - w) y and its variance w variance + w (1 - w) (y - mu)^2.

    Attributes
    ----------
    turns : int
        Number of mirrored and turned copies to average, 1 to 8.
    ranges : tuple of float
        Range of the data per channel, found by `calibrated`.
    margin : int
        Each pixel needs no more than the network's halo.
    """

    turns: int = 8
    ranges: tuple[float, ...] = ()
    margin: int = 0

    def moments(
        self, output: Float[Tensor, "b k *space"]
    ) -> tuple[Float[Tensor, "b c *space"], Float[Tensor, "b c *space"]]:
        """Mean and variance of the clean value."""
        mean, log_variance, _ = output.chunk(3, 1)
        return mean, log_variance.clamp(-10, 10).exp()

    def draft(self) -> ImpulsePosterior:
        """This predictor without averages: fast, for a preview."""
        return dataclasses.replace(self, turns=1)

    def calibrated(
        self,
        sample: BlindSample,
        laws: tuple[NoiseLaw, ...],  # noqa: ARG002 - the noise is not additive
    ) -> ImpulsePosterior:
        """Copy with the range of the data."""
        spread = (sample.noisy.amax(1) - sample.noisy.amin(1)).clamp_min(_LEAST_RANGE)
        return dataclasses.replace(self, ranges=tuple(spread.tolist()))

    def state(self) -> dict[str, Any]:
        """Ranges."""
        return {"ranges": list(self.ranges)}

    def restored(self, state: Mapping[str, Any]) -> ImpulsePosterior:
        """Copy with saved ranges."""
        return dataclasses.replace(self, ranges=tuple(map(float, state["ranges"])))

    def predict(
        self,
        network: Callable[..., Tensor],
        noisy: Float[Tensor, "b c *space"],
        chance: Chance,  # noqa: ARG002 - part of the contract
        *,
        with_std: bool = True,  # noqa: ARG002 - free here
    ) -> Prediction:
        """Posterior mean and standard deviation."""
        output = averaged(network, noisy, count=self.turns)
        mean, variance = self.moments(output)
        log_odds = output.chunk(3, 1)[2]
        ranges = noisy.new_tensor(self.ranges).view(1, -1, *(1,) * (noisy.ndim - 2))
        squared = (noisy - mean) ** 2
        kept = F.logsigmoid(-log_odds) - (squared / variance + variance.log() + _LOG_TWO_PI) / 2
        replaced = (F.logsigmoid(log_odds) - ranges.log() - kept).sigmoid()
        spread = replaced * variance + replaced * (1 - replaced) * squared
        return Prediction(noisy + replaced * (mean - noisy), spread.sqrt())
