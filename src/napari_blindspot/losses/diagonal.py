"""Zero-shot Noise2Noise loss on the two diagonals of 2 x 2 cells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from napari_blindspot.losses.base import masked_mean
from napari_blindspot.pairs import TrainingPair


@dataclass(frozen=True)
class DiagonalPair:
    """Symmetric and consistency loss of two images made from one.

    The means of both diagonals of all 2 x 2 cells, D1 and D2, are two images of half the size with
    noise of their own. The network f must make each of them the other one, and must make of the
    whole patch something whose diagonals are what it makes of the diagonals. In a volume the cells
    lie in its planes. A cell counts where all of its pixels do.

    Attributes
    ----------
    consistency : float
        Weight of the second part; the paper has 1.

    References
    ----------
    Y. Mansour and R. Heckel, "Zero-Shot Noise2Noise: Efficient Image Denoising without any Data",
    CVPR 2023.
    """

    consistency: float = 1.0

    def __call__(self, network: Callable[..., Tensor], pair: TrainingPair) -> Float[Tensor, ""]:
        """Half the mean of |f(D1) - D2|^2 + |f(D2) - D1|^2 and of the same against f(y).

        The exchanged target has the second diagonal where the input has the first.
        """
        first, second = diagonal(pair.input), diagonal(pair.target)
        from_first, from_second = network(torch.cat([first, second])).chunk(2)
        terms = (from_first - second) ** 2 + (from_second - first) ** 2
        if self.consistency:
            denoised = network(pair.input)
            differences = (from_first - diagonal(denoised), from_second - other_diagonal(denoised))
            terms = terms + self.consistency * sum(d**2 for d in differences)
        counted = (diagonal(pair.mask) * other_diagonal(pair.mask) == 1).to(terms)
        return masked_mean(terms / 2, counted)


def diagonal(x: Float[Tensor, "*lead y x"]) -> Float[Tensor, "*lead y2 x2"]:
    """Mean of the upper left and the lower right pixel of each cell."""
    return (x[..., ::2, ::2] + x[..., 1::2, 1::2]) / 2


def other_diagonal(x: Float[Tensor, "*lead y x"]) -> Float[Tensor, "*lead y2 x2"]:
    """Mean of the upper right and the lower left pixel of each cell."""
    return (x[..., ::2, 1::2] + x[..., 1::2, ::2]) / 2
