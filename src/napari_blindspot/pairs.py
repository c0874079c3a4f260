"""The training pair: what a network sees and what it must predict."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class TrainingPair:
    """What a network sees and what it must predict.

    Attributes
    ----------
    input, target : Tensor
        Both `(B, C, *space)`.
    mask : Tensor
        `(B, C, *space)`, 1 where the loss counts, else 0.
    hidden : Tensor or None
        `(B, C, *space)`, 1 where the input does not hold the noisy value; None where that is the
        mask.
    """

    input: Float[Tensor, "b c *space"]
    target: Float[Tensor, "b c *space"]
    mask: Float[Tensor, "b c *space"]
    hidden: Float[Tensor, "b c *space"] | None = None

    @property
    def unseen(self) -> Float[Tensor, "b c *space"]:
        """What a network is told of the input: 1 at hidden pixels."""
        return self.mask if self.hidden is None else self.hidden

    def counting(self, counted: Float[Tensor, "..."]) -> TrainingPair:
        """The same pair with a loss that counts only where `counted` is 1.

        Where a scheme makes several rows of one patch, those of all patches follow one another.
        """
        counted = torch.cat([counted] * (len(self.mask) // len(counted)))
        return dataclasses.replace(self, mask=self.mask * counted, hidden=self.unseen)
