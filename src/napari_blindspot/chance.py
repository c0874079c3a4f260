"""Random numbers that belong to places in an image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

_GOLDEN = 0x9E3779B97F4A7C15
_BITS = 24  # as many as float32 tells apart


@dataclass(frozen=True)
class Chance:
    """Random numbers for the pixels of an image, the same in whatever tile they are asked for.

    Attributes
    ----------
    seed : int
        Start of all numbers.
    origin : tuple of int
        First pixel of the tile, counted in the image.

    References
    ----------
    G. L. Steele, D. Lea and C. H. Flood, "Fast Splittable Pseudorandom Number Generators",
    OOPSLA 2014 (the mixing of the bits).
    """

    seed: int
    origin: tuple[int, ...]

    def uniform(
        self, space: Sequence[int], draws: Sequence[int], device: torch.device
    ) -> Float[Tensor, "n 1 *space"]:
        """Numbers from 0 to 1, without 1, for each pixel of the tile and each of the draws."""
        code = mixed(torch.tensor(draws) + _signed(_GOLDEN * (self.seed + 1))).to(device)
        code = code.view(-1, *(1,) * (len(space) + 1))
        for axis, (start, length) in enumerate(zip(self.origin, space, strict=True)):
            place = torch.arange(start, start + length, device=device) * _signed(_GOLDEN)
            code = mixed(code + place.view(-1, *(1,) * (len(space) - 1 - axis)))
        return ((code >> (64 - _BITS)) & ((1 << _BITS) - 1)).float() / (1 << _BITS)

    def shared_out(
        self,
        space: Sequence[int],
        some: Sequence[int],
        count: int,
        device: torch.device,
        *,
        deal: int = 0,
    ) -> Float[Tensor, "n 1 *space"]:
        """Numbers from 0 to 1 for some of `count` copies, shared out evenly among all of them.

        Each copy has numbers as good as `uniform`, those of its pixels independent of one another.
        Over all copies each pixel has one number in each of `count` equal parts of the range, in an
        order of its own: what happens with a chance of p happens to it in p of the copies, rounded
        up or down. `deal` makes other numbers.
        """
        drawn = self.uniform(space, (2 * deal, 2 * deal + 1), device)
        steps = [step for step in range(1, count + 1) if math.gcd(step, count) == 1]
        step = torch.tensor(steps, device=device)[(drawn[0] * len(steps)).long()]
        first = drawn[1] * count
        copies = torch.tensor(some, device=device).view(-1, *(1,) * drawn[0].ndim)
        return ((copies * step + first.long()) % count + first.frac()) / count


def mixed(code: Int[Tensor, "*any"]) -> Int[Tensor, "*any"]:
    """Integers of 64 bits of which every bit depends on every bit of those given."""
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        code = (code ^ _shifted(code, shift)) * _signed(factor)
    return code ^ _shifted(code, 31)


def _shifted(code: Tensor, by: int) -> Tensor:
    """To the right, zeros from the left."""
    return (code >> by) & ((1 << (64 - by)) - 1)


def _signed(number: int) -> int:
    """The signed integer of 64 bits with the same last bits."""
    return (number + (1 << 63)) % (1 << 64) - (1 << 63)
