"""The contract of a loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from jaxtyping import Float
from torch import Tensor

from napari_blindspot.pairs import TrainingPair


class Loss(Protocol):
    """Loss of a network on a training pair; it decides how often to call the network."""

    def __call__(self, network: Callable[..., Tensor], pair: TrainingPair) -> Float[Tensor, ""]:
        """Mean loss over the pixels whose mask is 1."""
        ...


def masked_mean(
    values: Float[Tensor, "b c *space"], mask: Float[Tensor, "b c *space"]
) -> Float[Tensor, ""]:
    """Mean of the values where the mask is 1."""
    return (values * mask).sum() / mask.sum().clamp_min(1)


def at_masked(network: Callable[..., Tensor], pair: TrainingPair) -> Float[Tensor, "b k *space"]:
    """Prediction that holds where the mask is 1, by networks that can save the rest."""
    partly: Callable[..., Tensor] | None = getattr(network, "partly", None)
    if partly is None:
        return network(pair.input, pair.unseen)
    return partly(pair.input, pair.mask)
