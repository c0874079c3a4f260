"""Averages over mirrored and turned copies of the input."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Turn:
    """Mirror axes, then perhaps exchange Y and X."""

    mirrored: tuple[int, ...]
    transposed: bool

    def apply(self, x: Float[Tensor, "b c *space"]) -> Float[Tensor, "b c *turned"]:
        """The turned copy."""
        x = x.flip(self.mirrored) if self.mirrored else x
        return x.transpose(-1, -2) if self.transposed else x

    def undo(self, x: Float[Tensor, "b c *space"]) -> Float[Tensor, "b c *turned"]:
        """The inverse of `apply`."""
        x = x.transpose(-1, -2) if self.transposed else x
        return x.flip(self.mirrored) if self.mirrored else x


def turns(count: int, *, upright: bool = False) -> list[Turn]:
    """The first `count` (1 to 8) of the turns of the YX plane, the most different ones first.

    With `upright` those alone that leave Y and X as they are: four.
    """
    mirrors = [(), (-1, -2), (-1,), (-2,)]
    every = [Turn(m, t) for m, t in itertools.product(mirrors, (False, True))]
    order = [0, 3, 4, 7, 1, 2, 5, 6]
    ordered = [every[i] for i in order if not (upright and every[i].transposed)]
    return ordered[:count]


def each_turned(
    function: Callable[..., Tensor],
    *inputs: Float[Tensor, "b _ *space"],
    count: int,
    upright: bool = False,
) -> Float[Tensor, "n b k *space"]:
    """Results of `function` for the first `count` turns of its inputs, each turned back."""
    return torch.stack(
        [
            turn.undo(function(*(turn.apply(x) for x in inputs)))
            for turn in turns(count, upright=upright)
        ]
    )


def averaged(
    function: Callable[..., Tensor],
    *inputs: Float[Tensor, "b _ *space"],
    count: int,
    upright: bool = False,
) -> Float[Tensor, "b k *space"]:
    """Mean of `function` over the first `count` turns of its inputs, each turned back."""
    return each_turned(function, *inputs, count=count, upright=upright).mean(0)
