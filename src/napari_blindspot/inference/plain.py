"""One forward pass on the noisy image."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from napari_blindspot.chance import Chance
from napari_blindspot.inference.base import MeanOnly, Prediction
from napari_blindspot.inference.turned import averaged


@dataclass(frozen=True)
class PlainPass(MeanOnly):
    """The network's output for the unmasked image, as in Noise2Void.

    Attributes
    ----------
    turns : int
        Number of mirrored and turned copies to average, 1 to 8.
    upright : bool
        Whether copies are mirrored only, for noise that tells Y from X: 4 at most.
    margin : int
        0: a result depends on nothing beyond the network's halo.
    """

    turns: int = 1
    upright: bool = False
    margin: int = 0

    def draft(self) -> PlainPass:
        """This predictor without averages: fast, for a preview."""
        return dataclasses.replace(self, turns=1)

    def predict(
        self,
        network: Callable[..., Tensor],
        noisy: Float[Tensor, "b c *space"],
        chance: Chance,  # noqa: ARG002 - part of the contract
        *,
        with_std: bool = True,  # noqa: ARG002 - free here
    ) -> Prediction:
        """Denoised batch."""
        return Prediction(averaged(network, noisy, count=self.turns, upright=self.upright))
