"""Averages over predictions from randomly masked copies of the image."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from napari_blindspot.chance import Chance
from napari_blindspot.halting import check
from napari_blindspot.inference.base import MeanOnly, Prediction
from napari_blindspot.inference.turned import turns

_DRAFT = 4
_AT_ONCE = 2**18  # pixels of copies that the network is shown at once


@dataclass(frozen=True)
class Instances(MeanOnly):
    """Mean of the network's outputs for several Bernoulli-masked copies, as in Self2Self.

    Attributes
    ----------
    rate : float or Tensor
        Part of the pixels that are hidden in a copy; `(1, 1, *space)` where it is not the same
        everywhere.
    count : int
        Number of copies.
    apart : bool
        Whether each channel has pixels of its own that are hidden; else all have the same.
    turns : int
        In how many ways, 1 to 8, copies are mirrored and turned in the YX plane. The network,
        which has learned from patches in all of them, does not answer all alike.
    margin : int
        0: a result depends on nothing beyond the network's halo.

    Notes
    -----
    The mask of each copy is that of independent pixels, but each pixel is hidden in as many copies
    as every other one, `rate * count` rounded up or down. The mean that ever more copies come to is
    the same, and few copies come closer to it.

    References
    ----------
    Y. Quan, M. Chen, T. Pang and H. Ji, "Self2Self With Dropout: Learning Self-Supervised
    Denoising From Single Image", CVPR 2020 (eq. 7).
    """

    rate: float | Tensor
    count: int
    apart: bool = False
    turns: int = 1
    margin: int = 0

    def draft(self) -> Instances:
        """This predictor with few copies, for a preview."""
        return dataclasses.replace(self, count=min(self.count, _DRAFT))

    def predict(
        self,
        network: Callable[..., Tensor],
        noisy: Float[Tensor, "b c *space"],
        chance: Chance,
        *,
        with_std: bool = True,  # noqa: ARG002 - there is none
    ) -> Prediction:
        """Denoised batch."""
        means = [self._mean(network, each[None], chance) for each in noisy]
        return Prediction(torch.cat(means))

    def _mean(
        self, network: Callable[..., Tensor], noisy: Float[Tensor, "1 c *space"], chance: Chance
    ) -> Float[Tensor, "1 c *space"]:
        """Of one image; as many copies of one turn at once as are quick to hold."""
        at_once = max(_AT_ONCE // noisy[0, 0].numel(), 1)
        total = torch.zeros_like(noisy)
        for first, turn in enumerate(turns(self.turns)):
            copies = range(first, self.count, self.turns)
            for some in (copies[i : i + at_once] for i in range(0, len(copies), at_once)):
                check()
                mask = self._mask(noisy, some, chance)
                output = network(turn.apply(noisy * (1 - mask)), turn.apply(mask))
                total += turn.undo(output).sum(0, keepdim=True)
        return total / self.count

    def _mask(
        self, noisy: Float[Tensor, "1 c *space"], copies: range, chance: Chance
    ) -> Float[Tensor, "n c *space"]:
        """What is hidden in some of the copies."""
        drawn = [
            chance.shared_out(noisy.shape[2:], copies, self.count, noisy.device, deal=deal)
            for deal in range(noisy.shape[1] if self.apart else 1)
        ]
        hidden = torch.cat(drawn, 1) < self.rate
        return hidden.to(noisy).expand(-1, *noisy.shape[1:])
