"""The contract of a predictor."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

from jaxtyping import Float
from torch import Tensor

from napari_blindspot.chance import Chance
from napari_blindspot.noise import BlindSample, NoiseLaw


@dataclass(frozen=True)
class Prediction:
    """Denoised values in normalised units.

    Attributes
    ----------
    mean : Tensor
        `(B, C, *space)`.
    std : Tensor or None
        Posterior standard deviation `(B, C, *space)`, where the method has one.
    """

    mean: Float[Tensor, "b c *space"]
    std: Float[Tensor, "b c *space"] | None = None


class Predictor(Protocol):
    """Makes the denoised image with a trained network.

    Tile-safe: a pixel farther than the network's halo and `margin` from a tile's border does not
    depend on the tile.
    """

    @property
    def margin(self) -> int:
        """Pixels beyond the network's halo, in the YX plane, that a result depends on."""
        ...

    def moments(
        self, output: Float[Tensor, "b k *space"]
    ) -> tuple[Float[Tensor, "b c *space"], Float[Tensor, "b c *space"] | None]:
        """Mean and, where there is one, total variance in the network's output."""
        ...

    def draft(self) -> Predictor:
        """Copy of this predictor that is fast, for a preview."""
        ...

    def calibrated(self, sample: BlindSample, laws: tuple[NoiseLaw, ...]) -> Predictor:
        """Copy of this predictor for the noise law of each channel (normalised units).

        `sample` holds blind predictions to check the network's own variance against.
        """
        ...

    def state(self) -> dict[str, Any]:
        """What `calibrated` has found, ready for JSON."""
        ...

    def restored(self, state: Mapping[str, Any]) -> Predictor:
        """Copy of this predictor with a saved `state`."""
        ...

    def predict(
        self,
        network: Callable[..., Tensor],
        noisy: Float[Tensor, "b c *space"],
        chance: Chance,
        *,
        with_std: bool = True,
    ) -> Prediction:
        """Denoised batch; where the standard deviation costs extra, only `with_std` has it."""
        ...


class Uncalibrated(ABC):
    """What the predictors have in common for which there is nothing to find after a training."""

    def calibrated(
        self,
        sample: BlindSample,  # noqa: ARG002 - part of the contract
        laws: tuple[NoiseLaw, ...],  # noqa: ARG002
    ) -> Self:
        """This predictor: the noise changes nothing."""
        return self

    def state(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def restored(self, state: Mapping[str, Any]) -> Self:  # noqa: ARG002
        """This predictor."""
        return self

    @abstractmethod
    def moments(
        self, output: Float[Tensor, "b k *space"]
    ) -> tuple[Float[Tensor, "b c *space"], Float[Tensor, "b c *space"] | None]:
        """Mean and, where there is one, total variance in the network's output."""


class MeanOnly(Uncalibrated):
    """The same where the network gives nothing but the mean."""

    def moments(
        self, output: Float[Tensor, "b c *space"]
    ) -> tuple[Float[Tensor, "b c *space"], None]:
        """The output is the mean."""
        return output, None
