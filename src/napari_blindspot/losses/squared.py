"""Squared error on the masked pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from napari_blindspot.losses.base import at_masked, masked_mean
from napari_blindspot.pairs import TrainingPair


@dataclass(frozen=True)
class SquaredError:
    """Mean squared error; its minimum is the conditional mean of the noisy value."""

    def __call__(self, network: Callable[..., Tensor], pair: TrainingPair) -> Float[Tensor, ""]:
        """Loss of a network with as many output channels as the target."""
        prediction = at_masked(network, pair)
        return masked_mean((prediction - pair.target) ** 2, pair.mask)
