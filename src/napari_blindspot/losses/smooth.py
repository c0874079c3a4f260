"""Absolute error of hidden pixels, and the total variation of the completed image."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from napari_blindspot.chance import mixed
from napari_blindspot.losses.base import masked_mean
from napari_blindspot.pairs import TrainingPair

_LEAST = 1e-8  # under the root, whose slope has no limit at 0


@dataclass(frozen=True)
class SmoothError:
    """Mean absolute or squared error, and a weight times the variation of the denoised image.

    Attributes
    ----------
    weight : float
        Of the smoothness. 0: the network is called once, and only hidden pixels are looked at.
    branches : int
        Passes in which every pixel is hidden once, 2 or more.
    power : int
        1 for the absolute error, 2 for the squared error.

    Notes
    -----
    The first pass is that of the pair, the others hide what was visible in it, dealt out by
    numbers made from the mask. The error counts in the first pass, where the pair says which
    pixels do; the variation is that of all passes together.

    References
    ----------
    X. Liao et al., "Asymmetric Mask Scheme for Self-Supervised Real Image Denoising", ECCV 2024
    (eqs. 4, 9 and 10).
    """

    weight: float = 0.0
    branches: int = 2
    power: int = 1

    def __call__(self, network: Callable[..., Tensor], pair: TrainingPair) -> Float[Tensor, ""]:
        """Loss of a network with as many output channels as the target."""
        unseen = pair.unseen
        first = network(pair.input, unseen)
        error = masked_mean((first - pair.target).abs() ** self.power, pair.mask)
        if not self.weight:
            return error
        denoised = first * unseen
        for hidden in others(unseen, self.branches):
            rest = hidden.to(first)
            denoised = denoised + rest * network(pair.target * (1 - rest), rest)
        return error + self.weight * total_variation(denoised)


def others(
    mask: Float[Tensor, "b c *space"], branches: int
) -> Iterator[Bool[Tensor, "b c *space"]]:
    """What is hidden in the passes after the first: every pixel outside the mask once."""
    visible = mask[:, :1] == 0
    places = torch.arange(visible.numel(), device=mask.device).view(visible.shape)
    # The sum is another one for every mask, so that the deal is, too.
    code = mixed(places + mixed((places * visible).sum())) & 0xFFFFFF
    for turn in range(branches - 1):
        yield (visible & (code % (branches - 1) == turn)).expand_as(mask)


def total_variation(image: Float[Tensor, "b c y x"]) -> Float[Tensor, ""]:
    """Mean length of the gradient: differences to the next pixel along Y and X."""
    corner = image[..., :-1, :-1]
    down, right = image[..., 1:, :-1] - corner, image[..., :-1, 1:] - corner
    return (down**2 + right**2 + _LEAST).sqrt().mean()
