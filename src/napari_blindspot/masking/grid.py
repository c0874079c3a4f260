"""J-invariant grid masking: one pixel in every block is blind, the same in all blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from napari_blindspot import lattice
from napari_blindspot.lattice import neighbour_mean
from napari_blindspot.pairs import TrainingPair


@dataclass(frozen=True)
class Grid:
    """Hides the pixels of one phase of a grid behind the mean of their neighbours.

    Attributes
    ----------
    spacing : int
        Distance of the hidden pixels along every axis, at least 2, so that no hidden pixel is a
        neighbour of another and no hidden value is seen anywhere.
    planar : bool
        Whether the grid of a volume lies in its planes, shifted from one to the next, and hidden
        pixels take the mean of neighbours in their plane. As many phases hide every pixel once
        then as in 2D.

    References
    ----------
    J. Batson and L. Royer, "Noise2Self: Blind Denoising by Self-Supervision", ICML 2019.
    """

    spacing: int
    planar: bool = False

    def __post_init__(self) -> None:
        if self.spacing < 2:
            raise ValueError(f"spacing={self.spacing} is too small; use 2 or more.")

    hides: ClassVar[bool] = True

    def sample(
        self, noisy: Float[Tensor, "b c *space"], generator: torch.Generator
    ) -> TrainingPair:
        """Pair with one phase hidden, drawn at random."""
        phase = torch.randint(self.spacing, (self._axes(noisy.ndim - 2),), generator=generator)
        return self.at(noisy, tuple(int(p) for p in phase))

    def at(self, noisy: Float[Tensor, "b c *space"], phase: tuple[int, ...]) -> TrainingPair:
        """Pair with the given phase hidden."""
        mask = lattice.grid(noisy, self.spacing, phase)
        filled = neighbour_mean(noisy, planar=self.planar)
        return TrainingPair(torch.lerp(noisy, filled, mask), noisy, mask)

    def phases(self, ndim: int) -> Iterator[tuple[int, ...]]:
        """All phases in `ndim` spatial dimensions; together they hide every pixel once."""
        return lattice.phases(self.spacing, self._axes(ndim))

    def _axes(self, ndim: int) -> int:
        return min(ndim, 2) if self.planar else ndim
