"""Every pixel predicted without its own value, phase by phase of a grid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from napari_blindspot import lattice
from napari_blindspot.chance import Chance
from napari_blindspot.halting import check
from napari_blindspot.inference.base import MeanOnly, Prediction
from napari_blindspot.inference.plain import PlainPass
from napari_blindspot.inference.turned import averaged


@dataclass(frozen=True)
class GridPhases(MeanOnly):
    """Each pixel from the one copy of the image in which it is hidden.

    Pixels of a phase are hidden behind the mean of their neighbours, as `masking.Grid` does with
    `planar`.

    Attributes
    ----------
    spacing : int
        Distance of the pixels that are hidden together; its square is the number of copies.
    turns : int
        Number of mirrored and turned versions of each copy to average, 1 to 8.
    margin : int
        1: a hidden pixel shows its neighbours.

    References
    ----------
    J. Batson and L. Royer, "Noise2Self: Blind Denoising by Self-Supervision", ICML 2019.
    """

    spacing: int
    turns: int = 1
    margin: int = 1

    def draft(self) -> PlainPass:
        """One pass in which the network sees every pixel, for a preview."""
        return PlainPass()

    def predict(
        self,
        network: Callable[..., Tensor],
        noisy: Float[Tensor, "b c *space"],
        chance: Chance,  # noqa: ARG002 - part of the contract
        *,
        with_std: bool = True,  # noqa: ARG002 - there is none
    ) -> Prediction:
        """Denoised batch."""
        filled = lattice.neighbour_mean(noisy, planar=True)
        blind = torch.zeros_like(noisy)
        for phase in lattice.phases(self.spacing, 2):
            check()
            mask = lattice.grid(noisy, self.spacing, phase)
            shown = torch.lerp(noisy, filled, mask)
            blind += mask * averaged(network, shown, mask, count=self.turns)
        return Prediction(blind)
