"""J-invariant grid masking: one pixel in every block is blind, the same in all blocks."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from jaxtyping import Float
from torch import Tensor

from napari_blindspot.pairs import TrainingPair


@dataclass(frozen=True)
class Grid:
    """Hides the pixels of one phase of a grid behind the mean of their neighbours.

    Attributes
    ----------
    spacing : int
        Distance of the hidden pixels along every axis, at least 2, so that no hidden pixel is a
        neighbour of another and no hidden value is seen anywhere.

    References
    ----------
    J. Batson and L. Royer, "Noise2Self: Blind Denoising by Self-Supervision", ICML 2019.
    """

    spacing: int

    def __post_init__(self) -> None:
        if self.spacing < 2:
            raise ValueError(f"spacing={self.spacing} is too small; use 2 or more.")

    hides: ClassVar[bool] = True

    def sample(
        self, noisy: Float[Tensor, "b c *space"], generator: torch.Generator
    ) -> TrainingPair:
        """Pair with one phase hidden, drawn at random."""
        phase = torch.randint(self.spacing, (noisy.ndim - 2,), generator=generator)
        return self.at(noisy, tuple(int(p) for p in phase))

    def at(self, noisy: Float[Tensor, "b c *space"], phase: tuple[int, ...]) -> TrainingPair:
        """Pair with the given phase hidden."""
        mask = torch.zeros_like(noisy)
        hidden: Any = (..., *(slice(p, None, self.spacing) for p in phase))
        mask[hidden] = 1
        return TrainingPair(torch.lerp(noisy, neighbour_mean(noisy), mask), noisy, mask)

    def phases(self, ndim: int) -> Iterator[tuple[int, ...]]:
        """All phases in `ndim` spatial dimensions; together they hide every pixel once."""
        return itertools.product(range(self.spacing), repeat=ndim)


def neighbour_mean(noisy: Float[Tensor, "b c *space"]) -> Float[Tensor, "b c *space"]:
    """Mean of the 3 x 3 (x 3) neighbours without the centre, nearer ones weighing more.

    Axes of length 1 take no part.
    """
    channels, space = noisy.shape[1], noisy.shape[2:]
    kernel = torch.ones((), device=noisy.device, dtype=noisy.dtype)
    for length in space:
        side = [1.0, 2.0, 1.0] if length > 1 else [0.0, 2.0, 0.0]
        kernel = kernel.unsqueeze(-1) * kernel.new_tensor(side)
    kernel[(1,) * len(space)] = 0
    kernel = (kernel / kernel.sum().clamp_min(1)).expand(channels, 1, *kernel.shape)
    width = [w for length in reversed(space) for w in (1, 1)]
    mode = "reflect" if min(space) > 1 else "replicate"
    convolve = (F.conv1d, F.conv2d, F.conv3d)[len(space) - 1]
    return convolve(F.pad(noisy, width, mode=mode), kernel, groups=channels)
