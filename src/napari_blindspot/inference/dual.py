"""Averages over copies whose masks spare details."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from napari_blindspot.chance import Chance
from napari_blindspot.details import DualMask
from napari_blindspot.inference.base import Prediction
from napari_blindspot.inference.instances import Instances
from napari_blindspot.noise import BlindSample, NoiseLaw

_USUAL_FRACTION = 0.1


@dataclass(frozen=True)
class DualInstances:
    """Mean of the network's outputs for copies masked by the dual mask, as in Blind2Grad.

    The intermediate result that tells details is the network's output for the image that is not
    masked.

    Attributes
    ----------
    dual : DualMask
        With which probability a pixel is hidden.
    count, turns : int
        Number of copies, and in how many ways they are turned.
    fraction : float
        Part of the pixels that are details, measured after the training.
    margin : int
        0: whoever makes this counts the network's halo twice, for the masks of a pixel's
        surroundings depend on theirs.

    References
    ----------
    B. Song et al., "Blind2Grad: Blind detail-preserving denoising via zero-shot with gradient
    regularized loss", AIMS Mathematics 2025.
    """

    dual: DualMask
    count: int
    turns: int = 1
    fraction: float = _USUAL_FRACTION
    margin: int = 0

    def moments(
        self, output: Float[Tensor, "b c *space"]
    ) -> tuple[Float[Tensor, "b c *space"], None]:
        """The output is the mean."""
        return output, None

    def draft(self) -> DualInstances:
        """This predictor with few copies, for a preview."""
        return dataclasses.replace(self, count=min(self.count, 4))

    def calibrated(
        self,
        sample: BlindSample,
        laws: tuple[NoiseLaw, ...],  # noqa: ARG002 - part of the contract
    ) -> DualInstances:
        """This predictor with the part of details, told as `predict` tells them."""
        current = sample.mean if sample.visible is None else sample.visible
        details = self.dual.details(sample.noisy[None], current[None])
        return dataclasses.replace(self, fraction=float(details.float().mean()))

    def state(self) -> dict[str, Any]:
        """The part of details."""
        return {"fraction": self.fraction}

    def restored(self, state: Mapping[str, Any]) -> DualInstances:
        """Copy with a saved part of details."""
        return dataclasses.replace(self, fraction=float(state["fraction"]))

    def predict(
        self,
        network: Callable[..., Tensor],
        noisy: Float[Tensor, "b c *space"],
        chance: Chance,
        *,
        with_std: bool = True,
    ) -> Prediction:
        """Denoised batch."""
        del with_std
        details, apart = self.dual.details(noisy, network(noisy)), self.dual.apart
        rates = self.dual.probability(details, self.fraction)
        copies = (Instances(rate[None], self.count, apart, self.turns) for rate in rates)
        means = [
            some.predict(network, each[None], chance).mean
            for each, some in zip(noisy, copies, strict=True)
        ]
        return Prediction(torch.cat(means))
