"""Pairs of frames that show the same thing with independent noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from napari_blindspot.pairs import TrainingPair


@dataclass(frozen=True)
class Repeats:
    """Two frames of each patch, drawn at random, are input and target of one another.

    Attributes
    ----------
    channels : int
        Channels of a frame; a patch holds all channels of its first frame, then all of its
        second...
    halves : bool
        Whether means over two halves of the frames, dealt out at random, stand for the two. Of an
        odd number of frames one is left out.

    References
    ----------
    J. Lehtinen et al., "Noise2Noise: Learning Image Restoration without Clean Data", ICML 2018.
    """

    hides: ClassVar[bool] = False

    channels: int
    halves: bool = False

    def sample(
        self, noisy: Float[Tensor, "b c *space"], generator: torch.Generator
    ) -> TrainingPair:
        """Pair with two rows of each patch: first all of one direction, then all of the other."""
        batch, places, *space = noisy.shape
        count = places // self.channels
        size = count // 2 if self.halves else 1
        frames = noisy.reshape(batch, count, self.channels, *space)
        order = torch.rand(batch, count, generator=generator).argsort(1).to(noisy.device)
        row = torch.arange(batch, device=noisy.device)[:, None]
        one = frames[row, order[:, :size]].mean(1)
        other = frames[row, order[:, size : 2 * size]].mean(1)
        shown, target = torch.cat([one, other]), torch.cat([other, one])
        return TrainingPair(shown, target, torch.ones_like(shown))
