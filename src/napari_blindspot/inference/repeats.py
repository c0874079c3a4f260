"""One denoised image from all frames that show the same thing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from napari_blindspot.chance import Chance
from napari_blindspot.inference.base import MeanOnly, Prediction
from napari_blindspot.inference.turned import averaged


@dataclass(frozen=True)
class RepeatsPass(MeanOnly):
    """Mean over what the network makes of each frame, in the place of every frame.

    Attributes
    ----------
    channels : int
        Channels of a frame; the noisy image holds all channels of its first frame, then all of
        its second...
    halves : bool
        Whether the network is shown the means over odd and over even frames in place of frames.
    turns : int
        Number of mirrored and turned copies to average, 1 to 8.
    margin : int
        0: a result depends on nothing beyond the network's halo.
    """

    channels: int
    halves: bool = False
    turns: int = 1
    margin: int = 0

    def draft(self) -> RepeatsPass:
        """This predictor without turned copies: fast, for a preview."""
        return dataclasses.replace(self, turns=1)

    def predict(
        self,
        network: Callable[..., Tensor],
        noisy: Float[Tensor, "b c *space"],
        chance: Chance,  # noqa: ARG002 - part of the contract
        *,
        with_std: bool = True,  # noqa: ARG002 - there is none
    ) -> Prediction:
        """Denoised batch; every frame of an image is the same."""
        batch, places, *space = noisy.shape
        count = places // self.channels
        frames = noisy.reshape(batch, count, self.channels, *space)
        means = [
            torch.stack(
                [averaged(network, frame, count=self.turns) for frame in self._shown(image)]
            )
            .mean(0)
            .repeat(1, count, *(1 for _ in space))
            for image in frames
        ]
        return Prediction(torch.cat(means))

    def _shown(self, frames: Float[Tensor, "r c *space"]) -> list[Float[Tensor, "1 c *space"]]:
        """What the network is shown, one after another: memory for one at a time is enough."""
        if not self.halves:
            return [frames[i : i + 1] for i in range(len(frames))]
        return [part.mean(0, keepdim=True) for part in (frames[::2], frames[1::2]) if len(part)]
