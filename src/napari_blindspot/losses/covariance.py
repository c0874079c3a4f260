"""Negative log-likelihood of a multivariate Gaussian with a full covariance per pixel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from napari_blindspot.losses.base import masked_mean
from napari_blindspot.pairs import TrainingPair
from napari_blindspot.triangular import factor, log_determinant


@dataclass(frozen=True)
class CovarianceLikelihood:
    """Gaussian likelihood of all channels of a pixel together (eq. 1).

    The network gives `C + C (C + 1) / 2` channels: means, then the raw triangular factor A of
    the inverse of the total covariance, see `napari_blindspot.triangular.factor`. A pixel
    counts where the mask is 1 in its first channel.

    References
    ----------
    S. Laine et al., "Improved Self-Supervised Deep Image Denoising", 2019.
    """

    def __call__(self, network: Callable[..., Tensor], pair: TrainingPair) -> Float[Tensor, ""]:
        """Mean of |A (y - mu)|^2 / 2 - log |A|, per channel as in the other likelihoods."""
        channels = pair.target.shape[1]
        output = network(pair.input, pair.unseen)
        matrix = factor(output[:, channels:], channels)
        residual = (pair.target - output[:, :channels]).movedim(1, -1)
        whitened = (matrix @ residual[..., None])[..., 0]
        terms = (whitened**2).sum(-1) / 2 - log_determinant(matrix)
        return masked_mean(terms[:, None] / channels, pair.mask[:, :1])
