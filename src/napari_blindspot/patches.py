"""Random training patches from a series in memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from jaxtyping import Float
from torch import Tensor

_LEAST_PLANES = 8
_LEAST_SIDE = 32
_MOST_VOXELS = 2**16


@dataclass(frozen=True)
class Draw:
    """Patches to learn from.

    Attributes
    ----------
    noisy : Tensor
        `(B, C, *patch)` in normalised units.
    counted : Tensor or None
        `(B, 1, *patch)`, 0 where a pixel is held out, else 1; None where all count.
    """

    noisy: Float[Tensor, "b c *patch"]
    counted: Float[Tensor, "b 1 *patch"] | None = None


class Patches(Protocol):
    """A source of training patches."""

    @property
    def patch(self) -> tuple[int, ...]:
        """Spatial shape of a patch."""
        ...

    @property
    def batch(self) -> int:
        """Patches per batch."""
        ...

    @property
    def pixels(self) -> int:
        """Pixels over which the patches are drawn."""
        ...

    def draw(self, generator: torch.Generator) -> Draw:
        """One batch of patches."""
        ...

    def state(self) -> dict[str, Any]:
        """What changes while patches are drawn, ready for JSON."""
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a saved `state`."""
        ...


@dataclass(frozen=True)
class PatchSampler:
    """Draws batches of patches, each mirrored along every axis and turned in YX at random.

    Attributes
    ----------
    series : tuple of Tensor
        Normalised samples `(N, C, *space)` of each input, no spatial length below that of
        `patch`; inputs are drawn in proportion to their number of pixels.
    patch : tuple of int
        Spatial shape of a patch.
    batch : int
        Patches per batch.
    upright : bool
        Whether patches are mirrored only, for noise that tells Y from X.
    counted : tuple of Tensor
        For each input `(N, 1, *space)`, 0 where a pixel is held out; empty where all count.
    """

    series: tuple[Tensor, ...]
    patch: tuple[int, ...]
    batch: int
    upright: bool = False
    counted: tuple[Tensor, ...] = ()

    @property
    def pixels(self) -> int:
        """Pixels of all series, over which the patches are drawn."""
        return sum(len(samples) * math.prod(samples.shape[2:]) for samples in self.series)

    def draw(self, generator: torch.Generator) -> Draw:
        """One batch; the same generator state gives the same batch."""
        patches = torch.stack([self._one(generator) for _ in range(self.batch)])
        return Draw(patches[:, :-1], patches[:, -1:]) if self.counted else Draw(patches)

    def state(self) -> dict[str, Any]:
        """Nothing: all that changes is the generator."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Nothing to restore."""

    def _one(self, generator: torch.Generator) -> Float[Tensor, "c *patch"]:
        """One patch, and behind its channels which of its pixels count."""
        index = self._input(generator)
        samples = self.series[index]
        n = _below(len(samples), generator)
        starts = [
            _below(length - side + 1, generator)
            for length, side in zip(samples.shape[2:], self.patch, strict=True)
        ]
        spans = zip(starts, self.patch, strict=True)
        window: Any = (n, slice(None), *(slice(start, start + side) for start, side in spans))
        patch = samples[window]
        if self.counted:
            patch = torch.cat([patch, self.counted[index][window]])
        return self._turned(patch, generator)

    def _input(self, generator: torch.Generator) -> int:
        if len(self.series) == 1:
            return 0
        sizes = torch.tensor([float(samples.numel()) for samples in self.series])
        return int(torch.multinomial(sizes, 1, generator=generator))

    def _turned(
        self, patch: Float[Tensor, "c *patch"], generator: torch.Generator
    ) -> Float[Tensor, "c *patch"]:
        mirrored = [axis for axis in range(1, patch.ndim) if _below(2, generator)]
        patch = patch.flip(mirrored) if mirrored else patch
        turnable = not self.upright and self.patch[-1] == self.patch[-2]
        if turnable and _below(2, generator):
            patch = patch.transpose(-1, -2)
        return patch


def _below(limit: int, generator: torch.Generator) -> int:
    return int(torch.randint(limit, (), generator=generator))


def patch_shape(
    space: Sequence[int], wanted: int, divisor: Sequence[int], batch: int
) -> tuple[int, ...]:
    """Patch of about `wanted` pixels a side that fits into `space` and suits the network.

    In 3D a patch has an eighth as many planes, at least 8, for networks reach far in YX and little
    in Z. It has half of the side in YX, at least 32, where a step had more than 2**16 voxels: many
    steps on small patches are worth more than few on large ones.

    Parameters
    ----------
    space : sequence of int
        Spatial shape of the series, no length below that of `divisor`.
    wanted : int
        Side of a patch.
    divisor : sequence of int
        Block size of the network per axis.
    batch : int
        Patches per step.
    """
    sides = [wanted] * len(space)
    if len(space) == 3:
        planes = max(wanted // 8, _LEAST_PLANES)
        is_large = batch * planes * wanted**2 > _MOST_VOXELS
        side = max(wanted // 2, min(wanted, _LEAST_SIDE)) if is_large else wanted
        sides = [planes, side, side]
    return tuple(
        max(min(side, n) // d, 1) * d for side, n, d in zip(sides, space, divisor, strict=True)
    )
