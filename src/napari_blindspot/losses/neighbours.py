"""Squared error between neighbours, with a regulariser for their true difference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from napari_blindspot.losses.base import masked_mean
from napari_blindspot.pairs import TrainingPair


@dataclass(frozen=True)
class NeighbourError:
    """Error of a thinned-out patch against its neighbours.

    From each 2 x 2 cell g1 takes the pixel where the mask is 1, and g2 its neighbour, where the
    mask is -1. Neighbours differ in the clean image, too; by how much is told by what the network
    makes of the whole patch, for which no gradient is followed.

    Attributes
    ----------
    gamma : float
        Weight of the regulariser.

    References
    ----------
    T. Huang, S. Li, X. Jia, H. Lu and J. Liu, "Neighbor2Neighbor: Self-Supervised Denoising from
    Single Noisy Images", CVPR 2021.
    """

    gamma: float

    def __call__(self, network: Callable[..., Tensor], pair: TrainingPair) -> Float[Tensor, ""]:
        """Mean of d^2 + gamma (d - (g1(f(y)) - g2(f(y))))^2 with d = f(g1(y)) - g2(y)."""
        first, second = pair.unseen == 1, pair.unseen == -1
        difference = network(picked(pair.input, first)) - picked(pair.target, first)
        terms = difference**2
        if self.gamma:
            with torch.no_grad():
                denoised = network(pair.input)
            true = picked(denoised, first) - picked(denoised, second)
            terms = terms + self.gamma * (difference - true) ** 2
        whole = picked(pair.mask, first) * picked(-pair.mask, second)
        return masked_mean(terms, whole)


def picked(
    x: Float[Tensor, "*lead y x"], chosen: Bool[Tensor, "*lead y x"]
) -> Float[Tensor, "*lead y2 x2"]:
    """The chosen pixel of each cell of 2 x 2; 0 where there is none."""
    kept = x * chosen
    rows = kept[..., ::2, :] + kept[..., 1::2, :]
    return rows[..., ::2] + rows[..., 1::2]
