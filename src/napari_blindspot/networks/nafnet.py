"""NAFNet: gates in place of activation functions, attention to channels in windows."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from jaxtyping import Float
from torch import Tensor, nn

from napari_blindspot.networks.base import Network
from napari_blindspot.networks.layers import WINDOW, ChannelNorm, convolution, window_mean


class NAFNet(Network):
    """U-shaped network of NAF blocks for 2D.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of the input and of the output.
    width : int
        Features on the first level; every level doubles them.
    depth : int
        Number of halvings. There is one block on each level, on the way down and on the way up.

    Notes
    -----
    The paper's channel attention averages over the whole image. Then a pixel would depend on all
    others, and a tile would not be denoised like the whole; averages over a window keep the reach
    finite, and are what its authors recommend where training patches and images differ in size.

    References
    ----------
    L. Chen, X. Chu, X. Zhang and J. Sun, "Simple Baselines for Image Restoration", ECCV 2022.
    X. Chu, L. Chen, C. Chen and X. Lu, "Improving Image Restoration by Revisiting Global
    Information Aggregation", ECCV 2022 (windows).
    """

    def __init__(
        self, in_channels: int, out_channels: int, *, width: int = 16, depth: int = 2
    ) -> None:
        block = 1 + WINDOW // 2
        # A block on each level twice, on the lowest once; a pixel of a level is 2^level wide.
        halo = 2 + sum(2 * block << level for level in range(depth)) + (block << depth)
        # What lies in a halved pixel is where the first or the last of its pixels is.
        halo += (1 << depth) - 1
        super().__init__(divisor=(1 << depth,) * 2, halo=(halo,) * 2, is_blind=False)
        features = [width << level for level in range(depth + 1)]
        self.begin = convolution(2, in_channels, width, 3, padding=1)
        self.blocks = nn.ModuleList(map(_Block, features))
        self.halve = nn.ModuleList(nn.Conv2d(n, 2 * n, 2, stride=2) for n in features[:-1])
        self.expand = nn.ModuleList(convolution(2, 2 * n, 4 * n, 1) for n in features[-2::-1])
        self.up = nn.ModuleList(map(_Block, features[-2::-1]))
        self.head = convolution(2, width, out_channels, 3, padding=1)

    def forward(
        self,
        x: Float[Tensor, "b c y x"],
        mask: Float[Tensor, "b c y x"] | None = None,  # noqa: ARG002 - part of the contract
    ) -> Float[Tensor, "b k y x"]:
        """Output of the network; `mask` is not used."""
        x = self.begin(x)
        skips: list[Tensor] = []
        for level, block in enumerate(self.blocks):
            x = block(self.halve[level - 1](x) if level else x)
            skips.append(x)
        skips.pop()
        for expand, block in zip(self.expand, self.up, strict=True):
            x = block(F.pixel_shuffle(expand(x), 2) + skips.pop())
        output: Tensor = self.head(x)
        return output


class _Block(nn.Module):
    """Two residual steps: gated convolutions with attention, then gated features."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(ChannelNorm(2, width) for _ in range(2))
        self.spread = nn.Sequential(
            nn.Conv2d(width, 2 * width, 1),
            nn.Conv2d(2 * width, 2 * width, 3, padding=1, groups=2 * width),
        )
        self.attention = nn.Conv2d(width, width, 1)
        self.join = nn.Conv2d(width, width, 1)
        self.wide = nn.Conv2d(width, 2 * width, 1)
        self.narrow = nn.Conv2d(width, width, 1)
        # Blocks begin as the identity.
        self.scales = nn.Parameter(torch.zeros(2, 1, width, 1, 1))

    def forward(self, x: Float[Tensor, "b c y x"]) -> Float[Tensor, "b c y x"]:
        """Features of the same shape."""
        y = _gated(self.spread(self.norms[0](x)))
        y = y * self.attention(window_mean(y))
        x = x + self.scales[0] * self.join(y)
        y = self.narrow(_gated(self.wide(self.norms[1](x))))
        return torch.addcmul(x, self.scales[1], y)


def _gated(x: Float[Tensor, "b d y x"]) -> Float[Tensor, "b c y x"]:
    """Product of both halves of the features."""
    first, second = x.chunk(2, 1)
    return first * second
