"""Negative log-likelihood of a Gaussian with predicted mean and variance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from napari_blindspot.losses.base import masked_mean
from napari_blindspot.pairs import TrainingPair


@dataclass(frozen=True)
class GaussianLikelihood:
    """Heteroscedastic Gaussian likelihood, per channel.

    The network gives `2 C` channels: means, then logarithms of the total variance (of signal
    and noise together).

    References
    ----------
    D. A. Nix and A. S. Weigend, "Estimating the mean and variance of the target probability
    distribution", 1994.
    """

    def __call__(self, network: Callable[..., Tensor], pair: TrainingPair) -> Float[Tensor, ""]:
        """Mean of ((y - mu)^2 / variance + log variance) / 2 over the masked pixels."""
        mean, log_variance = network(pair.input, pair.unseen).chunk(2, 1)
        log_variance = log_variance.clamp(-14, 10)
        terms = (pair.target - mean) ** 2 * (-log_variance).exp() + log_variance
        return masked_mean(terms / 2, pair.mask)
