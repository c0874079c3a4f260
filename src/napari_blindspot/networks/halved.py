"""A network that must also fit patches of half the size."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from napari_blindspot.networks.base import Network


class Halvable(Network):
    """Network whose input can be thinned out to every other row and column.

    Parameters
    ----------
    network : Network
        What is shown the patches; the lengths in Y and X must be multiples of twice its own.
    """

    def __init__(self, network: Network) -> None:
        *depth, y, x = network.divisor
        super().__init__(
            divisor=(*depth, 2 * y, 2 * x), halo=network.halo, is_blind=network.is_blind
        )
        self.network = network

    def forward(
        self, x: Float[Tensor, "b c *space"], mask: Float[Tensor, "b c *space"] | None = None
    ) -> Float[Tensor, "b k *space"]:
        """Output of the network."""
        output: Tensor = self.network(x, mask)
        return output
