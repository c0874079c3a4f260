"""Pairs of neighbours inside cells of 2 x 2 pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from napari_blindspot.pairs import TrainingPair


@dataclass(frozen=True)
class Exchanged:
    """The target of each pixel is its neighbour in the row of its cell.

    A network that saw whole patches would learn to shift them: the loss must thin them out first,
    `losses.DiagonalPair` does.

    References
    ----------
    Y. Mansour and R. Heckel, "Zero-Shot Noise2Noise: Efficient Image Denoising without any Data",
    CVPR 2023.
    """

    hides: ClassVar[bool] = False

    def sample(
        self,
        noisy: Float[Tensor, "b c *space"],
        generator: torch.Generator,  # noqa: ARG002 - part of the contract
    ) -> TrainingPair:
        """Pair of patches, whose lengths in Y and X are even, and their exchanged copies."""
        return TrainingPair(noisy, exchanged(noisy, -1), torch.ones_like(noisy))


@dataclass(frozen=True)
class RandomNeighbours:
    """In each cell one pixel and one of its neighbours in row or column, drawn at random.

    The mask is 1 at the pixel to be shown, where the target holds its neighbour, and -1 at the
    neighbour: a loss can find both in what a network makes of the patch. All channels share the
    choice; each plane of a volume has its own.

    References
    ----------
    T. Huang, S. Li, X. Jia, H. Lu and J. Liu, "Neighbor2Neighbor: Self-Supervised Denoising from
    Single Noisy Images", CVPR 2021.
    """

    hides: ClassVar[bool] = False

    def sample(
        self, noisy: Float[Tensor, "b c *space"], generator: torch.Generator
    ) -> TrainingPair:
        """Pair for patches whose lengths in Y and X are even."""
        *lead, height, width = noisy.shape
        cells = (lead[0], 1, *lead[2:], height // 2, width // 2)
        chosen = torch.randint(4, cells, generator=generator).to(noisy.device)
        in_row = torch.randint(2, cells, generator=generator).to(noisy.device) == 1
        partner = torch.where(in_row, chosen ^ 1, chosen ^ 2)
        mask = noisy.new_zeros((lead[0], 1, *noisy.shape[2:]))
        for place in range(4):
            corner = (chosen == place).to(noisy) - (partner == place).to(noisy)
            mask[..., place // 2 :: 2, place % 2 :: 2] = corner
        along = in_row.repeat_interleave(2, -1).repeat_interleave(2, -2)
        target = torch.where(along, exchanged(noisy, -1), exchanged(noisy, -2))
        return TrainingPair(noisy, target, mask.expand_as(noisy))


def exchanged(x: Float[Tensor, "b c *space"], axis: int) -> Float[Tensor, "b c *space"]:
    """Each pixel in the place of its neighbour along an axis in its cell."""
    return x.index_select(axis, torch.arange(x.shape[axis], device=x.device) ^ 1)
