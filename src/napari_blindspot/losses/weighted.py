"""Squared error weighted by a power of the noise variance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from napari_blindspot.filters import gaussian
from napari_blindspot.losses.base import masked_mean
from napari_blindspot.noise import NoiseLaw
from napari_blindspot.pairs import TrainingPair

_SIGMA = 1.3


@dataclass(frozen=True)
class WeightedSquaredError:
    """Squared error times (variance / variance at signal 0) to the power of `-power`.

    Between the plain squared error (power 0), which bright and noisy pixels decide, and the
    Gaussian likelihood (power 1), which the dark background decides. The loss is in units of the
    noise variance.

    Attributes
    ----------
    laws : tuple of NoiseLaw
        Noise of each channel; the variance is that at a local average of the input.
    power : float
        0 to 1.
    """

    laws: tuple[NoiseLaw, ...]
    power: float

    def __call__(self, network: Callable[..., Tensor], pair: TrainingPair) -> Float[Tensor, ""]:
        """Loss of a network with as many output channels as the target."""
        error = (network(pair.input, pair.unseen) - pair.target) ** 2
        return masked_mean(error * self._weights(pair.input), pair.mask)

    def _weights(self, noisy: Float[Tensor, "b c *space"]) -> Float[Tensor, "b c *space"]:
        level = gaussian(noisy, _SIGMA)
        weights = noisy.new_empty(noisy.shape)
        for channel, law in enumerate(self.laws):
            unit = law.variance(level.new_zeros(()))
            relative = law.variance(level[:, channel]) / unit
            weights[:, channel] = relative ** (-self.power) / unit
        return weights
