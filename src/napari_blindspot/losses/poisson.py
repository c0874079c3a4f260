"""Negative log-likelihood of photon counts under a gamma distribution of the signal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from napari_blindspot.losses.base import masked_mean
from napari_blindspot.pairs import TrainingPair
from napari_blindspot.photons import PhotonScale

_LEAST_PHOTONS = 1e-4
_LEAST_EXCESS = 1e-3


@dataclass(frozen=True)
class PoissonLikelihood:
    """Negative binomial likelihood: Poisson counts of a gamma-distributed signal.

    The network gives `2 C` channels: means, then logarithms of the total variance. In photons,
    mean m and variance m + s belong to a gamma prior of shape r = m^2 / s and rate m / s.

    Attributes
    ----------
    scale : PhotonScale
        Photons for normalised intensities.

    Notes
    -----
    The published paper approximates Poisson noise by a Gaussian of variance proportional to the
    mean. At a few photons that is wrong in the tails; the negative binomial is exact for a
    gamma prior, and as cheap. Counts that are not whole numbers, from a gain that is only
    estimated, are interpolated by the gamma function. Differences of its logarithm are taken
    in double precision, they cancel for bright pixels.
    """

    scale: PhotonScale

    def __call__(self, network: Callable[..., Tensor], pair: TrainingPair) -> Float[Tensor, ""]:
        """Mean of -log NB(photons; m, r), without the terms that do not depend on m and r."""
        mean, log_variance = network(pair.input, pair.unseen).chunk(2, 1)
        m = self.scale.photons(mean.double()).clamp_min(_LEAST_PHOTONS)
        total = self.scale.squared(log_variance.double().exp())
        excess = (total / m - 1).clamp_min(_LEAST_EXCESS)
        k = self.scale.photons(pair.target.double()).clamp_min(0)
        r = m / excess
        log_likelihood = (
            torch.lgamma(k + r)
            - torch.lgamma(r)
            + k * (m.log() - (r + m).log())
            - r * torch.log1p(excess)
        )
        return masked_mean(-log_likelihood.to(mean.dtype), pair.mask)
