"""The training pair: what a network sees and what it must predict."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

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
    told : Tensor or None
        What the network is told is hidden, `(B, C, *space)`; None: the mask.
    """

    input: Float[Tensor, "b c *space"]
    target: Float[Tensor, "b c *space"]
    mask: Float[Tensor, "b c *space"]
    told: Float[Tensor, "b c *space"] | None = None

    @property
    def hidden(self) -> Float[Tensor, "b c *space"]:
        """1 at the pixels that the network is told are hidden."""
        return self.mask if self.told is None else self.told

    def counting(self, counted: Float[Tensor, "b 1 *space"]) -> TrainingPair:
        """Pair of which fewer pixels count; the others are as hidden as they were."""
        return dataclasses.replace(self, mask=self.mask * counted, told=self.hidden)
