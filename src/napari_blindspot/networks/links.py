"""What may follow a network: an output scale of its own, or learned numbers."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from jaxtyping import Float
from torch import Tensor, nn

from napari_blindspot.networks.base import Network
from napari_blindspot.photons import PhotonScale

_LEAST_EXCESS = 1e-3
_RATE = 10.0


class PhotonLink(Network):
    """Network whose mean is never below zero photons and whose variance never below the mean.

    The wrapped network gives two raw numbers a and b per channel. In photons the mean is
    m = u softplus(a), which is exponential for dim pixels and linear for bright ones, and the
    variance is m (1 + softplus(b)). Both are handed on in normalised units, the variance as
    its logarithm.

    Parameters
    ----------
    network : Network
        Network with `2 C` outputs.
    scale : PhotonScale
        Photons for normalised intensities.
    """

    def __init__(self, network: Network, scale: PhotonScale) -> None:
        super().__init__(divisor=network.divisor, halo=network.halo, is_blind=network.is_blind)
        self.network = network
        self.scale = scale
        # softplus(0) = log 2: training starts at the mean of the data, where x is 0.
        start = scale.photons(torch.zeros(1, len(scale.gain))) / math.log(2)
        self.unit = tuple(start.clamp_min(1e-3)[0].tolist())

    def forward(
        self, x: Float[Tensor, "b c *space"], mask: Float[Tensor, "b c *space"] | None = None
    ) -> Float[Tensor, "b k *space"]:
        """Means, then logarithms of the total variance, in normalised units."""
        a, b = self.network(x, mask).chunk(2, 1)
        unit = a.new_tensor(self.unit).view(1, -1, *(1,) * (a.ndim - 2))
        m = unit * F.softplus(a) + 1e-4
        variance = m * (1 + _LEAST_EXCESS + F.softplus(b))
        log_variance = 2 * self.scale.spread(variance.sqrt()).log()
        return torch.cat([self.scale.intensity(m), log_variance], 1)


class WithScalars(Network):
    """Network followed by numbers that do not depend on the image.

    Parameters
    ----------
    network : Network
        Network with any outputs.
    values : sequence of float
        Start of the numbers, handed on as constant channels.
    learned : bool
        Whether they are trained.
    """

    values: Tensor

    def __init__(self, network: Network, values: tuple[float, ...], *, learned: bool) -> None:
        super().__init__(divisor=network.divisor, halo=network.halo, is_blind=network.is_blind)
        self.network = network
        # Adam moves every number by its rate per step, whatever its gradient; a number for the
        # whole image must get farther than a weight in the same steps.
        start = torch.tensor(values, dtype=torch.float32) / _RATE
        if learned:
            self.values = nn.Parameter(start)
        else:
            self.register_buffer("values", start)

    def forward(
        self, x: Float[Tensor, "b c *space"], mask: Float[Tensor, "b c *space"] | None = None
    ) -> Float[Tensor, "b k *space"]:
        """Outputs of the network, then the numbers."""
        output = self.network(x, mask)
        constant = (self.values * _RATE).view(1, -1, *(1,) * (x.ndim - 2))
        return torch.cat([output, constant.expand(len(output), -1, *output.shape[2:])], 1)
