"""DnCNN: a plain chain of convolutions."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from napari_blindspot.networks.base import Network
from napari_blindspot.networks.layers import convolution


class DnCNN(Network):
    """Convolutions of 3 x 3 (x 3) one after another, at full resolution.

    Parameters
    ----------
    ndim : int
        Number of spatial dimensions, 2 or 3.
    in_channels, out_channels : int
        Channels of the input and of the output.
    width : int
        Features of the inner layers.
    layers : int
        Number of convolutions, 2 or more.

    Notes
    -----
    Without batch normalisation: statistics of a batch are not those of a tile.

    References
    ----------
    K. Zhang, W. Zuo, Y. Chen, D. Meng and L. Zhang, "Beyond a Gaussian Denoiser: Residual
    Learning of Deep CNN for Image Denoising", IEEE TIP 2017.
    """

    def __init__(
        self, ndim: int, in_channels: int, out_channels: int, *, width: int = 32, layers: int = 8
    ) -> None:
        super().__init__(divisor=(1,) * ndim, halo=(layers,) * ndim, is_blind=False)
        inputs = [in_channels, *[width] * (layers - 2)]
        self.body = nn.Sequential(
            *(
                nn.Sequential(convolution(ndim, n, width, 3, padding=1), nn.ReLU(inplace=True))
                for n in inputs
            )
        )
        self.head = convolution(ndim, width, out_channels, 3, padding=1)

    def forward(
        self,
        x: Float[Tensor, "b c *space"],
        mask: Float[Tensor, "b c *space"] | None = None,  # noqa: ARG002 - part of the contract
    ) -> Float[Tensor, "b k *space"]:
        """Output of the network; `mask` is not used."""
        output: Tensor = self.head(self.body(x))
        return output
