"""No masking: for networks that are blind by construction, and to see what a network leaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from napari_blindspot.pairs import TrainingPair


@dataclass(frozen=True)
class Everything:
    """The network sees every pixel and the loss counts at every pixel."""

    hides: ClassVar[bool] = False

    def sample(
        self,
        noisy: Float[Tensor, "b c *space"],
        generator: torch.Generator,  # noqa: ARG002 - part of the contract
    ) -> TrainingPair:
        """Pair of the noisy patches with themselves."""
        return TrainingPair(noisy, noisy, torch.ones_like(noisy), torch.zeros_like(noisy))
