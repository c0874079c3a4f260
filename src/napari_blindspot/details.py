"""Masks that hide details less often than flat parts of an image."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from napari_blindspot.chance import mixed


@dataclass(frozen=True)
class DualMask:
    """Probability with which each pixel is hidden, in view of an intermediate result.

    Attributes
    ----------
    rate : float
        Part of all pixels that is hidden.
    thresholds : tuple of float
        Distance between the noisy and the intermediate image from which on a pixel is a detail,
        per channel.
    share : float
        Rate of the details as a part of the rate of all pixels, 0 to 1.
    most : float
        Largest rate of the flat pixels.
    apart : bool
        Whether each channel has details and hidden pixels of its own; else details of one channel
        are enough for all.

    References
    ----------
    B. Song et al., "Blind2Grad: Blind detail-preserving denoising via zero-shot with gradient
    regularized loss", AIMS Mathematics 2025 (eqs. 3.1 to 3.3).
    """

    rate: float
    thresholds: tuple[float, ...]
    share: float
    most: float
    apart: bool = False

    def details(
        self, noisy: Float[Tensor, "b c *space"], current: Float[Tensor, "b c *space"]
    ) -> Bool[Tensor, "b k *space"]:
        """Pixels of which the intermediate result differs."""
        limits = noisy.new_tensor(self.thresholds).view(1, -1, *(1,) * (noisy.ndim - 2))
        details = (noisy - current).abs() >= limits
        return details if self.apart else details.any(1, keepdim=True)

    def probability(
        self, details: Bool[Tensor, "b k *space"], fraction: float | None = None
    ) -> Float[Tensor, "b k *space"]:
        """Probability of being hidden; `fraction` is the part of details, else it is counted."""
        part = float(details.float().mean()) if fraction is None else fraction
        rare = self.share * self.rate
        often = min((self.rate - part * rare) / max(1 - part, 1e-6), self.most)
        return torch.where(details, rare, often)


def thinned(mask: Float[Tensor, "b c *space"], kept: Float[Tensor, "b k *space"]) -> Tensor:
    """A mask of which each pixel stays with the probability `kept`, of each channel or of all.

    The choice follows from the mask of the first channel: other masks, other choices.
    """
    bits = mask[:, :1].flatten() > 0
    codes = mixed(torch.arange(len(bits), device=mask.device))
    seed = int(codes[bits].sum())
    chance = torch.rand(kept.shape, generator=torch.Generator().manual_seed(seed))
    return mask * (chance.to(kept) < kept)
