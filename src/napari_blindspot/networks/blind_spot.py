"""Blind-spot network: half-space U-Nets in several directions, joined by 1x1 convolutions."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from jaxtyping import Float
from torch import Tensor, nn

from napari_blindspot.networks.base import Network
from napari_blindspot.networks.half_space import HalfSpaceUNet
from napari_blindspot.networks.layers import convolution, started

DIRECTIONS = ("all", "two")
_LINE_RADIUS = 4


class BlindSpot(Network):
    """Network whose output pixel never depends on its own input pixel, in any channel.

    Each direction is a copy of the input, turned so that one U-Net that looks only "up" looks
    that way; its features are moved on by one pixel, so that they know only what lies strictly
    beyond their own row. Convolutions of one pixel join the directions.

    Parameters
    ----------
    ndim : int
        Number of spatial dimensions, 2 or 3.
    in_channels, out_channels : int
        Channels of the input and of the output.
    width, depth : int
        Features and poolings of the half-space U-Net.
    directions : {"all", "two"}
        Four half-planes in 2D and six half-spaces in 3D, or only those along Y together with
        one layer for the pixel's own row.

    Notes
    -----
    In 2D the four directions share one U-Net, as in the paper. In 3D the directions in the YX
    plane share one and the two along Z have their own: voxels are coarser along Z, and only the
    YX plane is pooled, so the kernels of one cannot serve the other.

    "two" saves half of the work. The half-planes above and below leave out the own row; it is
    seen by a single convolution of 9 pixels along X (in 3D 3 x 9 in the ZX plane) whose centre
    is 0, so that all neighbours are seen and the spot stays blind. Rows and columns are then
    treated differently: meant for images whose axes are alike, where training patches and
    predictions that are turned by 90 degrees make up for it. The paper has no such variant.

    The last layer starts at 0, so training starts at the mean and the variance of the data.

    References
    ----------
    S. Laine et al., "High-Quality Self-Supervised Deep Image Denoising", NeurIPS 2019.
    """

    def __init__(
        self,
        ndim: int,
        in_channels: int,
        out_channels: int,
        *,
        width: int = 24,
        depth: int = 3,
        directions: str = "all",
    ) -> None:
        if directions not in DIRECTIONS:
            raise ValueError(f"directions={directions!r} is not known; use all or two.")
        rows = HalfSpaceUNet(ndim, in_channels, width=width, depth=depth, axis=-2)
        super().__init__(divisor=rows.divisor, halo=rows.halo, is_blind=True)
        self.rows = rows
        self.directions = directions
        branches = 4 if directions == "all" else 2
        self.planes: HalfSpaceUNet | None = None
        if ndim == 3 and directions == "all":
            self.planes = HalfSpaceUNet(ndim, in_channels, width=width, depth=depth, axis=-3)
            branches += 2
            self.halo = tuple(max(a, b) for a, b in zip(rows.halo, self.planes.halo, strict=True))
        self.line: OwnLine | None = None
        if directions == "two":
            self.line = OwnLine(ndim, in_channels, width)
            branches += 1
        self.join = _join(ndim, branches * width, width, out_channels)

    def forward(
        self,
        x: Float[Tensor, "b c *space"],
        mask: Float[Tensor, "b c *space"] | None = None,  # noqa: ARG002 - part of the contract
    ) -> Float[Tensor, "b k *space"]:
        """Output of the network; `mask` is not used.

        Any spatial shape is allowed; the far ends are filled up with zeros to a multiple of
        `divisor`, which, unlike a reflection, shows no pixel its own value.
        """
        space = x.shape[2:]
        x = _filled_up(x, self.divisor)
        features = _turned(self.rows, x) if self.directions == "all" else _both(self.rows, x, -2)
        if self.planes is not None:
            features += _both(self.planes, x, -3)
        if self.line is not None:
            features.append(self.line(x))
        window = tuple(slice(0, n) for n in space)
        output: Tensor = self.join(torch.cat(features, 1))
        return output[(slice(None), slice(None), *window)]


class OwnLine(nn.Module):
    """One convolution along the own row whose weight for the own pixel is 0."""

    hole: Tensor

    def __init__(self, ndim: int, in_channels: int, width: int) -> None:
        super().__init__()
        side = 2 * _LINE_RADIUS + 1
        self.kernel = (3,) * (ndim - 2) + (1, side)
        padding = tuple(k // 2 for k in self.kernel)
        self.convolution = started(
            convolution(ndim, in_channels, width, self.kernel, padding), slope=0.1
        )
        hole = torch.ones(self.kernel)
        hole[padding] = 0
        self.register_buffer("hole", hole, persistent=False)

    def forward(self, x: Float[Tensor, "b c *space"]) -> Float[Tensor, "b k *space"]:
        """Features of the own line without the own pixel."""
        layer = self.convolution
        convolve = F.conv2d if x.ndim == 4 else F.conv3d
        features = convolve(x, layer.weight * self.hole, layer.bias, padding=layer.padding)
        return F.leaky_relu(features, 0.1)


def _turned(half: HalfSpaceUNet, x: Float[Tensor, "b c *space"]) -> list[Tensor]:
    """Features of the four directions of the YX plane, turned back."""
    if x.shape[-1] == x.shape[-2]:
        return _quarters(half, x, range(4))
    # Turns by 90 degrees have another shape and need a call of their own.
    upright, lying = _quarters(half, x, (0, 2)), _quarters(half, x, (1, 3))
    return [upright[0], lying[0], upright[1], lying[1]]


def _quarters(
    half: HalfSpaceUNet, x: Float[Tensor, "b c *space"], quarters: range | tuple[int, ...]
) -> list[Tensor]:
    """Features of some quarter turns, in one call of the U-Net."""
    turned = torch.cat([x.rot90(k, (-2, -1)) for k in quarters])
    parts = half(turned).chunk(len(quarters))
    return [part.rot90(-k, (-2, -1)) for k, part in zip(quarters, parts, strict=True)]


def _both(half: HalfSpaceUNet, x: Float[Tensor, "b c *space"], axis: int) -> list[Tensor]:
    """Features of the two directions along `axis`, in one call of the U-Net."""
    near, far = half(torch.cat([x, x.flip(axis)])).chunk(2)
    return [near, far.flip(axis)]


def _filled_up(
    x: Float[Tensor, "b c *space"], divisor: tuple[int, ...]
) -> Float[Tensor, "b c *larger"]:
    missing = [-n % d for n, d in zip(x.shape[2:], divisor, strict=True)]
    if not any(missing):
        return x
    return F.pad(x, [edge for m in reversed(missing) for edge in (0, m)])


def _join(ndim: int, in_channels: int, width: int, out_channels: int) -> nn.Sequential:
    """Three convolutions of one pixel."""
    return nn.Sequential(
        started(convolution(ndim, in_channels, 2 * width, 1), slope=0.1),
        nn.LeakyReLU(0.1, inplace=True),
        started(convolution(ndim, 2 * width, 2 * width, 1), slope=0.1),
        nn.LeakyReLU(0.1, inplace=True),
        started(convolution(ndim, 2 * width, out_channels, 1), slope=None),
    )
