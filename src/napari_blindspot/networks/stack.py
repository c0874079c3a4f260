"""Convolutions one after another, at full resolution."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from napari_blindspot.networks.base import Network
from napari_blindspot.networks.layers import convolution


class Stack(Network):
    """Convolutions of 3 x 3 (x 3) pixels with leaky ReLUs, then one of a single pixel.

    Parameters
    ----------
    ndim : int
        2 or 3.
    channels : int
        Channels of the input and of the output.
    width : int
        Features of each layer.
    layers : int
        Number of layers before the last.
    slope : float
        Slope of the leaky ReLU for negative values.
    residual : bool
        Whether the output is the input less what the layers give.

    Notes
    -----
    The layers need no particular lengths. Those in Y and X must be even all the same, for the
    losses that take patches apart into cells of 2 x 2.
    """

    def __init__(
        self,
        ndim: int,
        channels: int,
        *,
        width: int,
        layers: int,
        slope: float = 0.0,
        residual: bool = False,
    ) -> None:
        super().__init__(divisor=(1,) * (ndim - 2) + (2, 2), halo=(layers,) * ndim, is_blind=False)
        inputs = [channels, *[width] * (layers - 1)]
        parts: list[nn.Module] = []
        for count in inputs:
            parts += [convolution(ndim, count, width, 3, padding=1), nn.LeakyReLU(slope)]
        self.layers = nn.Sequential(*parts, convolution(ndim, width, channels, 1))
        self.residual = residual

    def forward(
        self,
        x: Float[Tensor, "b c *space"],
        mask: Float[Tensor, "b c *space"] | None = None,  # noqa: ARG002 - part of the contract
    ) -> Float[Tensor, "b c *space"]:
        """Denoised batch; `mask` is not used."""
        output: Tensor = self.layers(x)
        return x - output if self.residual else output
