"""Negative log-likelihood of pixels of which some hold a random value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from jaxtyping import Float
from torch import Tensor

from napari_blindspot.losses.base import masked_mean
from napari_blindspot.pairs import TrainingPair

_LEAST_RANGE = 1e-6
_LOG_TWO_PI = 1.8378770664093453


@dataclass(frozen=True)
class ImpulseLikelihood:
    """Mixture of the clean value and a value drawn evenly from the range of the data.

    With probability alpha a pixel holds a random value, else its clean one, which the network
    predicts as a Gaussian. The network gives `3 C` channels: means, logarithms of the variance
    of the clean value, and, constant over the image, the log-odds of alpha.

    Notes
    -----
    The range is that of the batch. The published paper puts one Gaussian with the mixture's
    mean and variance in place of the mixture; the mixture itself costs the same, tells
    impulses from edges and makes alpha identifiable. All channels of a pixel are replaced
    together in the paper; here each has its own impulses, as hot pixels and cosmic rays do.

    References
    ----------
    S. Laine et al., "High-Quality Self-Supervised Deep Image Denoising", NeurIPS 2019.
    """

    def __call__(self, network: Callable[..., Tensor], pair: TrainingPair) -> Float[Tensor, ""]:
        """Mean of -log(alpha / range + (1 - alpha) N(y; mu, variance))."""
        mean, log_variance, log_odds = network(pair.input, pair.unseen).chunk(3, 1)
        log_variance = log_variance.clamp(-10, 10)
        squared = (pair.target - mean) ** 2 * (-log_variance).exp()
        kept = F.logsigmoid(-log_odds) - (squared + log_variance + _LOG_TWO_PI) / 2
        replaced = F.logsigmoid(log_odds) - _range(pair.target).log()
        return masked_mean(-torch.logaddexp(kept, replaced), pair.mask)


def _range(values: Float[Tensor, "b c *space"]) -> Float[Tensor, "1 c *ones"]:
    """Range of each channel over the batch."""
    axes = (0, *range(2, values.ndim))
    spread = values.amax(axes, keepdim=True) - values.amin(axes, keepdim=True)
    return spread.clamp_min(_LEAST_RANGE)
