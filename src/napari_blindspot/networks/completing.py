"""A network that fills in what is hidden, beginning from a blur of what is not."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from napari_blindspot.filters import gaussian_radius
from napari_blindspot.networks.base import Network
from napari_blindspot.networks.layers import visible_mean

_NEAR_SIGMA = 0.7


class Completing(Network):
    """Output = blur of the visible pixels + a network that is told which pixels are hidden.

    The network sees the visible pixels, with averages of their visible neighbours in place of the
    hidden ones, the mask, and the blur: `2 C + 1` channels. If its last layer starts at zero,
    training begins from the blur.

    Parameters
    ----------
    network : Network
        2D network with `2 C + 1` inputs and `C` outputs.
    sigma : float
        Of the blur, in pixels.
    """

    def __init__(self, network: Network, sigma: float) -> None:
        reach = max(gaussian_radius(sigma), gaussian_radius(_NEAR_SIGMA))
        super().__init__(
            divisor=network.divisor,
            halo=tuple(h + reach for h in network.halo),
            is_blind=network.is_blind,
        )
        self.network = network
        self.sigma = sigma

    def forward(
        self, x: Float[Tensor, "b c y x"], mask: Float[Tensor, "b c y x"] | None = None
    ) -> Float[Tensor, "b c y x"]:
        """Completed images; hidden values of `x` are not looked at."""
        hidden = torch.zeros_like(x) if mask is None else mask
        visible = 1 - hidden[:, :1]
        blur = visible_mean(x, visible, self.sigma)
        filled = torch.lerp(x, visible_mean(x, visible, _NEAR_SIGMA), hidden)
        output: Tensor = self.network(torch.cat([filled, blur, hidden[:, :1]], 1))
        return blur + output
