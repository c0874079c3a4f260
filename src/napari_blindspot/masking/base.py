"""The contract of a masking scheme."""

from __future__ import annotations

from typing import ClassVar, Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from napari_blindspot.pairs import TrainingPair


class MaskingScheme(Protocol):
    """Makes training pairs from noisy patches.

    For networks that are not blind by construction, a scheme guarantees that the noise of a
    pixel with `mask == 1` says nothing about the rest of `input`: because its value appears
    nowhere in it (`hides`), or because the noise of input and target is uncorrelated.
    """

    hides: ClassVar[bool]

    def sample(
        self, noisy: Float[Tensor, "b c *space"], generator: torch.Generator
    ) -> TrainingPair:
        """Pair for a batch of noisy patches; never changes `noisy`."""
        ...
