"""The training pair: what a network sees and what it must predict."""

from __future__ import annotations

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
    """

    input: Float[Tensor, "b c *space"]
    target: Float[Tensor, "b c *space"]
    mask: Float[Tensor, "b c *space"]
