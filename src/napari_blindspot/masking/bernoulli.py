"""Bernoulli sampling: every pixel is hidden with the same probability."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from napari_blindspot.pairs import TrainingPair


@dataclass(frozen=True)
class Bernoulli:
    """Hides pixels at random; the loss counts where they are hidden.

    Attributes
    ----------
    rate : float
        Part of the pixels that are hidden, more than 0 and less than 1.
    apart : bool
        Whether each channel has pixels of its own that are hidden, as in the paper; else the same.

    Notes
    -----
    Hidden pixels are 0, the mean of the data in normalised units. A network that is told the
    mask can leave them out altogether.

    References
    ----------
    Y. Quan, M. Chen, T. Pang and H. Ji, "Self2Self With Dropout: Learning Self-Supervised
    Denoising From Single Image", CVPR 2020.
    """

    rate: float
    apart: bool = False

    hides: ClassVar[bool] = True

    def sample(
        self, noisy: Float[Tensor, "b c *space"], generator: torch.Generator
    ) -> TrainingPair:
        """Pair with freshly hidden pixels."""
        shape = noisy.shape if self.apart else (len(noisy), 1, *noisy.shape[2:])
        chance = torch.rand(shape, generator=generator)
        hidden = (chance < self.rate).to(noisy)
        return TrainingPair(noisy * (1 - hidden), noisy, hidden.expand_as(noisy))
