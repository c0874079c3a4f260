"""Every other pixel is hidden, as on a checkerboard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from napari_blindspot.lattice import cross_mean
from napari_blindspot.pairs import TrainingPair


@dataclass(frozen=True)
class Checkerboard:
    """Hides the odd pixels of each YX plane behind the mean of their four neighbours.

    Odd are those whose coordinates have an odd sum. As patches begin anywhere and are mirrored at
    random, each pixel of an image is hidden in half of its patches.

    References
    ----------
    J. Lequyer, R. Philip, A. Sharma, W.-H. Hsu and L. Pelletier, "A fast blind zero-shot
    denoiser", Nature Machine Intelligence 2022.
    """

    hides: ClassVar[bool] = True

    def sample(
        self,
        noisy: Float[Tensor, "b c *space"],
        generator: torch.Generator,  # noqa: ARG002 - part of the contract
    ) -> TrainingPair:
        """Pair in which the odd pixels are hidden."""
        y, x = (torch.arange(n, device=noisy.device) for n in noisy.shape[-2:])
        odd = ((y[:, None] + x) % 2).to(noisy).expand_as(noisy)
        return TrainingPair(torch.lerp(noisy, cross_mean(noisy), odd), noisy, odd)
