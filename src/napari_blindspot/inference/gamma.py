"""Posterior of photon counts: a gamma distribution."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor

from napari_blindspot.chance import Chance
from napari_blindspot.inference.base import Prediction
from napari_blindspot.inference.posterior import corrected, fitted_curves
from napari_blindspot.inference.turned import averaged
from napari_blindspot.inference.variance_curve import VarianceCurve
from napari_blindspot.noise import BlindSample, NoiseLaw
from napari_blindspot.photons import PhotonScale

_LEAST_PHOTONS = 1e-4
_LEAST_EXCESS = 0.04


@dataclass(frozen=True)
class GammaPosterior:
    """Posterior of each pixel for Poisson counts and a gamma prior from the network.

    The network gives `2 C` channels: means, then logarithms of the total variance. In photons,
    with mean m and variance s of the prior, a count of k gives a gamma distribution of shape
    m^2 / s + k and rate m / s + 1, with the mean (m + k s / m) / (1 + s / m). The s / m of the
    prior is at least 0.04: on real counts the 90 % intervals, mean +- 1.645 standard deviations,
    held 90 to 92 % of the true pixels at 0.04, 88 to 89 % at 0.03 and 96 % at 0.1.

    Attributes
    ----------
    scale : PhotonScale
        Photons for normalised intensities, as given or as estimated before training.
    known : bool
        Whether the gain was given; otherwise the fitted noise law tells it.
    turns : int
        Number of mirrored and turned copies to average, 1 to 8.
    curves : tuple of VarianceCurve
        Found by `calibrated`, one per channel.
    margin : int
        Each pixel needs no more than the network's halo.
    """

    scale: PhotonScale
    known: bool
    turns: int = 8
    curves: tuple[VarianceCurve, ...] = ()
    margin: int = 0

    def moments(
        self, output: Float[Tensor, "b k *space"]
    ) -> tuple[Float[Tensor, "b c *space"], Float[Tensor, "b c *space"]]:
        """Mean and total variance."""
        mean, log_variance = output.chunk(2, 1)
        return mean, log_variance.clamp(-24, 10).exp()

    def draft(self) -> GammaPosterior:
        """This predictor without averages: fast, for a preview."""
        return dataclasses.replace(self, turns=1)

    def calibrated(self, sample: BlindSample, laws: tuple[NoiseLaw, ...]) -> GammaPosterior:
        """Copy with a variance curve per channel and, unless known, the fitted gain."""
        scale = self.scale if self.known else self.scale.fitted(laws)
        return dataclasses.replace(self, scale=scale, curves=fitted_curves(sample))

    def state(self) -> dict[str, Any]:
        """Scale and curves."""
        return {
            "gain": list(self.scale.gain),
            "zero": list(self.scale.zero),
            "curves": [curve.state() for curve in self.curves],
        }

    def restored(self, state: Mapping[str, Any]) -> GammaPosterior:
        """Copy with a saved scale and curves."""
        scale = PhotonScale(tuple(map(float, state["gain"])), tuple(map(float, state["zero"])))
        curves = tuple(VarianceCurve.restored(curve) for curve in state["curves"])
        return dataclasses.replace(self, scale=scale, curves=curves)

    def predict(
        self,
        network: Callable[..., Tensor],
        noisy: Float[Tensor, "b c *space"],
        chance: Chance,  # noqa: ARG002 - part of the contract
        *,
        with_std: bool = True,  # noqa: ARG002 - free here
    ) -> Prediction:
        """Posterior mean and standard deviation."""
        mean, total = self.moments(averaged(network, noisy, count=self.turns))
        m = self.scale.photons(mean).clamp_min(_LEAST_PHOTONS)
        excess = self.scale.squared(corrected(total, self.curves)) / m - 1
        excess = excess.clamp_min(_LEAST_EXCESS)
        k = self.scale.photons(noisy).clamp_min(0)
        share = excess / (1 + excess)
        estimate = m + share * (k - m)
        return Prediction(
            self.scale.intensity(estimate), self.scale.spread((estimate * share).sqrt())
        )
