"""Re-visible loss: what a network makes of seen pixels helps to learn the hidden ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from napari_blindspot.losses.base import masked_mean
from napari_blindspot.pairs import TrainingPair


@dataclass(frozen=True)
class RevisibleError:
    """Error of blind and visible prediction together, and of the blind one alone.

    Attributes
    ----------
    visible : float
        Weight lambda of the visible prediction, for which no gradient is followed.
    blind : float
        Weight eta of the blind prediction alone.

    Notes
    -----
    The sum is divided by (1 + lambda)^2 + eta, so that a larger lambda does not make longer
    gradients, which the training loop would cut off.

    References
    ----------
    Z. Wang, J. Liu, G. Li and H. Han, "Blind2Unblind: Self-Supervised Image Denoising with Visible
    Blind Spots", CVPR 2022.
    """

    visible: float
    blind: float = 1.0

    def __call__(self, network: Callable[..., Tensor], pair: TrainingPair) -> Float[Tensor, ""]:
        """Mean of (h + lambda f - (1 + lambda) y)^2 + eta (h - y)^2 at the hidden pixels."""
        hidden = network(pair.input, pair.unseen) - pair.target
        with torch.no_grad():
            seen = network(pair.target) - pair.target
        terms = (hidden + self.visible * seen) ** 2 + self.blind * hidden**2
        return masked_mean(terms, pair.mask) / ((1 + self.visible) ** 2 + self.blind)
