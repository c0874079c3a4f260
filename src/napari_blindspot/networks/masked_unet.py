"""The encoder and decoder of Self2Self, and of what came after it."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from jaxtyping import Float, Int
from torch import Tensor, nn

from napari_blindspot.filters import gaussian_radius
from napari_blindspot.networks.base import Network
from napari_blindspot.networks.detail import ChannelAttention, Standout
from napari_blindspot.networks.dropout import MaskCodes, MaskDropout
from napari_blindspot.networks.inpainting import CONVOLUTIONS
from napari_blindspot.networks.layers import convolution, started, visible_mean

_SLOPE = 0.1


class MaskedUNet(Network):
    """U-Net that is told which pixels are hidden and drops features of its decoder at random.

    The encoder has two convolutions at full resolution and one after each pooling, all with
    `width` features; the decoder has two of `2 width` per level and ends with `4/3 width`,
    `2/3 width` and the output, which is linear. The pooled features of each level, and at full
    resolution the input, are handed to the decoder.

    Parameters
    ----------
    ndim : int
        Number of spatial dimensions, 2 or 3.
    in_channels, out_channels : int
        Channels of the input and of the output.
    width : int
        Features of the encoder; 48 in the paper.
    depth : int
        Number of poolings; 5 in the paper. In 3D only the YX plane is pooled.
    kind : str
        Convolution of the encoder, a key of `networks.inpainting.CONVOLUTIONS`.
    dropout : float
        Part of the features that is dropped before each convolution of the decoder but the last.
    shows_mask : bool
        Whether the mask is an input beside the image, as in Self2Self+.
    standout : float or None
        Gradient from which on features at half the resolution are not dropped, as in Blind2Grad.
    attention : bool
        Whether the channels of each level of the decoder are weighed, as in Blind2Grad.
    passes : int
        How often it is applied one after the other to make a result, by which the halo grows.
    apart : bool
        Whether each channel of the input has a mask of its own; else the first counts for all.
    start_blur : float
        Standard deviation in pixels of a Gaussian average of the visible pixels to which the last
        convolution, then zero at first, adds; 0: none, as in the papers.

    Notes
    -----
    Which features are dropped follows from the mask of the first channel. Without a mask nothing is
    hidden and nothing is dropped.

    References
    ----------
    Y. Quan, M. Chen, T. Pang and H. Ji, "Self2Self With Dropout: Learning Self-Supervised
    Denoising From Single Image", CVPR 2020.
    J. Ko and S. Lee, "Self2Self+: Single-Image Denoising with Self-Supervised Learning and Image
    Quality Assessment Loss", 2023.
    """

    def __init__(
        self,
        ndim: int,
        in_channels: int,
        out_channels: int,
        *,
        width: int = 48,
        depth: int = 5,
        kind: str = "partial",
        dropout: float = 0.3,
        shows_mask: bool = False,
        standout: float | None = None,
        attention: bool = False,
        passes: int = 1,
        apart: bool = False,
        start_blur: float = 0.0,
    ) -> None:
        plane, axial = (
            (1 << depth, passes * max(_radius(depth), gaussian_radius(start_blur))),
            (1, passes * (3 * depth + 3)),
        )
        per_axis = [axial] * (ndim - 2) + [plane] * 2
        divisor, halo = zip(*per_axis, strict=True)
        super().__init__(divisor=divisor, halo=halo, is_blind=False)
        self.shows_mask = shows_mask
        self.masks = in_channels if apart else 1
        shown = in_channels + shows_mask * self.masks
        self.down = _encoder(ndim, shown, self.masks, width, depth, kind)
        self.up = nn.ModuleList(
            Block(
                ndim,
                _fed(width, depth, level),
                (2 * width,) * 2,
                dropout,
                2 * level,
                standout=standout if level == 1 else None,
                attention=attention,
            )
            for level in reversed(range(1, depth))
        )
        last = (max(round(4 / 3 * width), 1), max(round(2 / 3 * width), 1))
        fed = (width if depth == 1 else 2 * width) + shown
        self.last = Block(ndim, fed, last, dropout, 0, attention=attention)
        self.head = convolution(ndim, last[1], out_channels, 3, padding=1)
        started(self.head, None if start_blur else 1.0)
        self.start_blur = start_blur
        self.codes = MaskCodes(ndim)
        self.pool = nn.MaxPool2d(2) if ndim == 2 else nn.MaxPool3d((1, 2, 2))
        self.scale = (1.0,) * (ndim - 2) + (2.0, 2.0)

    def forward(
        self, x: Float[Tensor, "b c *space"], mask: Float[Tensor, "b c *space"] | None = None
    ) -> Float[Tensor, "b k *space"]:
        """Output of the network; `mask` is 1 at hidden pixels."""
        hidden = torch.zeros_like(x) if mask is None else mask
        seen = 1 - hidden[:, : self.masks]
        codes = None if mask is None else self.codes(mask)
        shown = torch.cat([x, seen], 1) if self.shows_mask else x
        output = self.decoded(*self.encoded(shown, seen), codes)
        return output + visible_mean(x, seen, self.start_blur) if self.start_blur else output

    def encoded(
        self, x: Float[Tensor, "b c *space"], seen: Float[Tensor, "b m *space"]
    ) -> tuple[Float[Tensor, "b w *least"], list[Tensor]]:
        """Features at the lowest resolution, and those for the decoder, the input first."""
        skips = [x]
        x, seen = self.down[0](x, seen)
        for layer in self.down[1:-1]:
            x, seen = layer(x, seen)
            x, seen = self.pool(x), self.pool(seen)
            skips.append(x)
        skips.pop()
        return self.down[-1](x, seen)[0], skips

    def decoded(
        self,
        x: Float[Tensor, "b w *least"],
        skips: list[Tensor],
        codes: Int[Tensor, "b 1 *space"] | None,
    ) -> Float[Tensor, "b k *space"]:
        """Output for encoded features."""
        for block in (*self.up, self.last):
            level = len(skips) - 1
            x = torch.cat([F.interpolate(x, scale_factor=self.scale), skips.pop()], 1)
            x = block(x, None if codes is None else codes[..., :: 1 << level, :: 1 << level])
        output: Tensor = self.head(x)
        return output


class Block(nn.Module):
    """Two convolutions of the decoder, dropout before each.

    Parameters
    ----------
    ndim, in_channels : int
        Spatial dimensions and features of the input.
    features : tuple of int
        Features of both convolutions.
    dropout : float
        Part of the features that is dropped.
    layer : int
        Number of the first dropout in the network.
    standout : float or None
        Gradient from which on features are not dropped.
    attention : bool
        Whether the channels of the input are weighed.
    """

    def __init__(
        self,
        ndim: int,
        in_channels: int,
        features: tuple[int, int],
        dropout: float,
        layer: int,
        *,
        standout: float | None = None,
        attention: bool = False,
    ) -> None:
        super().__init__()
        inputs = (in_channels, features[0])
        self.convolutions = nn.ModuleList(
            started(convolution(ndim, a, b, 3, padding=1), _SLOPE)
            for a, b in zip(inputs, features, strict=True)
        )
        self.weigh = ChannelAttention(in_channels) if attention else nn.Identity()
        self.drops = nn.ModuleList(
            MaskDropout(channels, dropout, layer + i)
            if standout is None
            else Standout(channels, dropout, layer + i, standout)
            for i, channels in enumerate(inputs)
        )

    def forward(
        self, x: Float[Tensor, "b c *space"], codes: Int[Tensor, "b 1 *space"] | None
    ) -> Float[Tensor, "b d *space"]:
        """Features at the same resolution."""
        x = self.weigh(x)
        for convolve, drop in zip(self.convolutions, self.drops, strict=True):
            x = F.leaky_relu(convolve(drop(x, codes)), _SLOPE, inplace=True)
        return x


def _encoder(
    ndim: int, in_channels: int, masks: int, width: int, depth: int, kind: str
) -> nn.ModuleList:
    """Two convolutions at full resolution, then one at each of `depth` lower ones."""
    layers = nn.ModuleList()
    channels, mask_channels = in_channels, masks
    for _ in range(depth + 2):
        layer = CONVOLUTIONS[kind](ndim, channels, width, mask_channels, _SLOPE)
        layers.append(layer)
        channels, mask_channels = width, layer.mask_channels
    return layers


def _fed(width: int, depth: int, level: int) -> int:
    """Features that a block of the decoder is given: those from below and those of the encoder."""
    return (width if level == depth - 1 else 2 * width) + width


def _radius(depth: int) -> int:
    """Receptive-field radius in the YX plane, by way of the lowest resolution.

    What the mask decides about the decoder is nearer than that.
    """
    reach = 0
    for place in range(1 << depth):
        first, last = place - 3, place + 3
        for _ in range(depth - 1):
            first, last = first // 2 - 2, last // 2 + 2
        first, last = first // 2 - 1, last // 2 + 1
        for _ in range(depth - 1):
            first, last = 2 * first - 1, 2 * last + 2
        first, last = 2 * first - 2, 2 * last + 3
        reach = max(reach, place - first, last - place)
    return reach
