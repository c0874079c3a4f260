"""Restormer: attention between channels, not between pixels."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from jaxtyping import Float
from torch import Tensor, nn

from napari_blindspot.networks.base import Network
from napari_blindspot.networks.layers import WINDOW, ChannelNorm, convolution, window_mean

_HEAD = 8  # channels that are compared with one another
_EXPANSION = 2  # features inside the feed-forward part, as many times the others
_LEAST = 1e-6


class Restormer(Network):
    """U-shaped network of transformer blocks for 2D.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of the input and of the output.
    width : int
        Features on the first level, a multiple of 8 or less than 8; every level doubles them.
    depth : int
        Number of halvings. There is one block on each level, on the way down and on the way up.

    Notes
    -----
    The paper compares channels over the whole image. Then a pixel would depend on all others, and
    a tile would not be denoised like the whole; here each pixel has the comparison over a window
    around it.

    References
    ----------
    S. W. Zamir, A. Arora, S. Khan, M. Hayat, F. S. Khan and M.-H. Yang, "Restormer: Efficient
    Transformer for High-Resolution Image Restoration", CVPR 2022.
    """

    def __init__(
        self, in_channels: int, out_channels: int, *, width: int = 16, depth: int = 2
    ) -> None:
        block = 2 + WINDOW // 2
        # Twice a block and a convolution of the next level's change; once the lowest block.
        halo = 2 + (block << depth)
        halo += sum((2 * block << level) + (1 << level) + (2 << level) for level in range(depth))
        # What lies in a halved pixel is where the first or the last of its pixels is.
        halo += (1 << depth) - 1
        super().__init__(divisor=(1 << depth,) * 2, halo=(halo,) * 2, is_blind=False)
        features = [width << level for level in range(depth + 1)]
        self.begin = convolution(2, in_channels, width, 3, padding=1)
        self.blocks = nn.ModuleList(map(_Block, features))
        self.halve = nn.ModuleList(convolution(2, n, n // 2, 3, padding=1) for n in features[:-1])
        upwards = features[-2::-1]
        self.expand = nn.ModuleList(convolution(2, 2 * n, 4 * n, 3, padding=1) for n in upwards)
        self.join = nn.ModuleList(convolution(2, 2 * n, n, 1) for n in upwards)
        self.up = nn.ModuleList(map(_Block, upwards))
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
            x = block(F.pixel_unshuffle(self.halve[level - 1](x), 2) if level else x)
            skips.append(x)
        skips.pop()
        for expand, join, block in zip(self.expand, self.join, self.up, strict=True):
            x = block(join(torch.cat([F.pixel_shuffle(expand(x), 2), skips.pop()], 1)))
        output: Tensor = self.head(x)
        return output


class _Block(nn.Module):
    """Attention between channels, then gated features; each is added to what came in."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(ChannelNorm(2, width) for _ in range(2))
        self.attention = _Attention(width)
        self.spread = _separable(width, 2 * _EXPANSION * width)
        self.narrow = nn.Conv2d(_EXPANSION * width, width, 1)

    def forward(self, x: Float[Tensor, "b c y x"]) -> Float[Tensor, "b c y x"]:
        """Features of the same shape."""
        x = x + self.attention(self.norms[0](x))
        gate, features = self.spread(self.norms[1](x)).chunk(2, 1)
        narrowed: Tensor = self.narrow(F.gelu(gate) * features)
        return x + narrowed


class _Attention(nn.Module):
    """Each channel becomes a mixture of those that vary like it around the pixel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.heads = max(width // _HEAD, 1)
        self.spread = _separable(width, 3 * width)
        self.temperature = nn.Parameter(torch.ones(self.heads, 1, 1, 1, 1))
        self.join = nn.Conv2d(width, width, 1)

    def forward(self, x: Float[Tensor, "b c y x"]) -> Float[Tensor, "b c y x"]:
        """Features of the same shape."""
        parts = self.spread(x).chunk(3, 1)
        query, key, value = (p.reshape(len(x), self.heads, -1, *x.shape[2:]) for p in parts)
        likeness = window_mean(query[:, :, :, None] * key[:, :, None])
        likeness = likeness * _scale(query)[:, :, :, None] * _scale(key)[:, :, None]
        weights = (likeness * self.temperature).softmax(3)
        mixed = (weights * value[:, :, None]).sum(3)
        joined: Tensor = self.join(mixed.reshape(x.shape))
        return joined


def _separable(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 1), nn.Conv2d(outputs, outputs, 3, padding=1, groups=outputs)
    )


def _scale(x: Float[Tensor, "b h d y x"]) -> Float[Tensor, "b h d y x"]:
    """What gives each channel unit energy around a pixel."""
    return (window_mean(x**2) + _LEAST).rsqrt()
