"""Posterior mean where the network has learned the noise as well."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from napari_blindspot.chance import Chance
from napari_blindspot.inference.base import Prediction, Uncalibrated
from napari_blindspot.inference.posterior import LEAST_SIGNAL, noise_variance, posterior
from napari_blindspot.inference.turned import averaged
from napari_blindspot.noise import NoiseLaw


@dataclass(frozen=True)
class JointPosterior(Uncalibrated):
    """Gaussian posterior (eq. 3) with the noise from the network's own numbers.

    The network gives `4 C` channels: means, logarithms of the variance of the signal, and,
    constant over the image, logarithms of the gain and of the variance without light. There is
    nothing to calibrate.

    Attributes
    ----------
    zero : tuple of float
        Normalised intensity without light, per channel.
    signal_dependent : bool
        Whether the gain counts, or only the constant variance.
    turns : int
        Number of mirrored and turned copies to average, 1 to 8.
    margin : int
        Each pixel needs no more than the network's halo.
    """

    zero: tuple[float, ...]
    signal_dependent: bool = True
    turns: int = 8
    margin: int = 0

    def laws(self, output: Float[Tensor, "b k *space"]) -> tuple[NoiseLaw, ...]:
        """The learned noise of each channel."""
        _, _, log_gain, log_dark = output.chunk(4, 1)
        gains = log_gain[0].flatten(1)[:, 0].exp().tolist()
        darks = log_dark[0].flatten(1)[:, 0].exp().tolist()
        if not self.signal_dependent:
            gains = [0.0] * len(darks)
        rows = zip(gains, darks, self.zero, strict=True)
        return tuple(NoiseLaw(gain, dark - gain * zero, dark) for gain, dark, zero in rows)

    def moments(
        self, output: Float[Tensor, "b k *space"]
    ) -> tuple[Float[Tensor, "b c *space"], Float[Tensor, "b c *space"]]:
        """Mean and total variance."""
        mean, log_signal, _, _ = output.chunk(4, 1)
        noise = noise_variance(self.laws(output), mean)
        return mean, log_signal.clamp(-14, 10).exp() + noise

    def draft(self) -> JointPosterior:
        """This predictor without averages: fast, for a preview."""
        return dataclasses.replace(self, turns=1)

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
        mean, total = self.moments(output)
        laws = self.laws(output)
        return posterior(noisy, mean, total, laws, (LEAST_SIGNAL,) * len(laws))
