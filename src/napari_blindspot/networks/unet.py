"""U-Net for 2D and 3D with the variations that the methods need."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from jaxtyping import Float
from torch import Tensor, nn

from napari_blindspot.networks.base import Network
from napari_blindspot.networks.layers import Convolution, convolution
from napari_blindspot.networks.merging import Merging, merged
from napari_blindspot.networks.points import Points

_BYTES_PER_FEATURE = 20.0  # of the first level, for each value of the input
_WORTH = 0.6  # of the values of a patch, in windows around pixels


class UNet(Network):
    """U-Net with two convolutions per level.

    Parameters
    ----------
    ndim : int
        Number of spatial dimensions, 2 or 3.
    in_channels, out_channels : int
        Channels of the input and of the output.
    width : int
        Features on the first level; every level doubles them.
    depth : int
        Number of poolings. In 3D only the YX plane is pooled: Z is thin and coarsely sampled.
    blur_pool : bool
        Pool with a binomial filter (Zhang, ICML 2019) instead of the maximum.
    top_skip : bool
        Whether the first level has a skip connection.

    References
    ----------
    O. Ronneberger et al., "U-Net", MICCAI 2015.
    E. Höck et al., "N2V2", ECCV workshops 2022 (`blur_pool`, no `top_skip`).
    """

    def __init__(
        self,
        ndim: int,
        in_channels: int,
        out_channels: int,
        *,
        width: int = 32,
        depth: int = 2,
        blur_pool: bool = False,
        top_skip: bool = True,
    ) -> None:
        super().__init__(
            divisor=_per_axis(ndim, 1 << depth, 1),
            halo=_per_axis(ndim, _radius(depth, blur_pool=blur_pool), 4 * depth + 2),
            is_blind=False,
        )
        self.bytes_per_value = _BYTES_PER_FEATURE * width
        features = [width * 2**level for level in range(depth + 1)]
        inputs = [in_channels, *features[:-1]]
        self.down = nn.ModuleList(
            _double(ndim, a, b) for a, b in zip(inputs, features, strict=True)
        )
        self.pool = BlurPool(ndim) if blur_pool else _max_pool(ndim)
        self.top_skip = top_skip
        self.up = nn.ModuleList(
            _double(ndim, features[level + 1] + self._skipped(features, level), features[level])
            for level in reversed(range(depth))
        )
        self.head = convolution(ndim, width, out_channels, 1)
        self.scale = _per_axis(ndim, 2, 1)

    def forward(
        self,
        x: Float[Tensor, "b c *space"],
        mask: Float[Tensor, "b c *space"] | None = None,  # noqa: ARG002 - part of the contract
    ) -> Float[Tensor, "b k *space"]:
        """Output of the network; `mask` is not used."""
        output: Tensor = self.head(self.up[-1](*self._below(x), self.scale))
        return output

    def partly(
        self, x: Float[Tensor, "b c *space"], wanted: Float[Tensor, "b c *space"]
    ) -> Float[Tensor, "b k *space"]:
        """Output that holds, gradients included, where `wanted` is not 0.

        Where few pixels are wanted, the layers of the highest level see only what is around them.
        """
        points = Points(wanted)
        if x.device.type != "cpu" or points.share(1) > _WORTH:
            return self.forward(x)
        level: Any = self.up[-1]
        first, between, second, after = level
        small, skip = self._below(x)
        if points.share(2) > _WORTH:
            features = merged(small, skip, first.weight, first.bias, self.scale, first.padding)
            windows = points.around(between(features), 1)
        else:
            parts = [points.around(small, 2, self.scale)]
            parts += [] if skip is None else [points.around(skip, 2)]
            windows = between(_laid(parts, first)) * points.inside(1)
        convolve: Any = F.conv2d if x.ndim == 4 else F.conv3d
        values: Tensor = self.head(after(convolve(windows, second.weight, second.bias)))
        return points.scattered(values)

    def _below(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """What the highest level gets from below, and from its skip connection."""
        skips: list[Tensor] = []
        for level, convolutions in enumerate(self.down):
            x = convolutions(self.pool(x) if level else x)
            skips.append(x)
        skips.pop()
        for convolutions in self.up[:-1]:
            x = convolutions(x, skips.pop(), self.scale)
        return x, skips.pop() if self.top_skip else None

    def _skipped(self, features: list[int], level: int) -> int:
        return features[level] if level or self.top_skip else 0


class BlurPool(nn.Module):
    """Anti-aliased halving of the YX plane: binomial 3 x 3 filter, every second pixel."""

    kernel: Tensor

    def __init__(self, ndim: int) -> None:
        super().__init__()
        line = torch.tensor([1.0, 2.0, 1.0]) / 4
        plane = line[:, None] * line[None, :]
        self.register_buffer("kernel", plane.reshape((1,) * ndim + (3, 3)), persistent=False)
        self.ndim = ndim

    def forward(self, x: Float[Tensor, "b c *space"]) -> Float[Tensor, "b c *half"]:
        """Half the resolution in Y and X."""
        kernel = self.kernel.expand(x.shape[1], *self.kernel.shape[1:])
        edges = (1, 1, 1, 1) + (0, 0) * (self.ndim - 2)
        padded = F.pad(x, edges, mode="replicate")
        if self.ndim == 2:
            return F.conv2d(padded, kernel, stride=2, groups=x.shape[1])
        return F.conv3d(padded, kernel, stride=(1, 2, 2), groups=x.shape[1])


def _double(ndim: int, in_channels: int, out_channels: int) -> Merging:
    return Merging(
        convolution(ndim, in_channels, out_channels, 3, padding=1),
        nn.LeakyReLU(0.1, inplace=True),
        convolution(ndim, out_channels, out_channels, 3, padding=1),
        nn.LeakyReLU(0.1, inplace=True),
    )


def _laid(parts: list[Tensor], layer: Convolution) -> Tensor:
    """Convolution of windows laid on each other; these become smaller by its kernel."""
    convolve: Any = F.conv2d if parts[0].ndim == 4 else F.conv3d
    kernels = torch.split(layer.weight, [part.shape[1] for part in parts], 1)
    made: Tensor = convolve(parts[0], kernels[0], layer.bias)
    for part, kernel in zip(parts[1:], kernels[1:], strict=True):
        made = made + convolve(part, kernel)
    return made


def _max_pool(ndim: int) -> nn.Module:
    return nn.MaxPool2d(2) if ndim == 2 else nn.MaxPool3d((1, 2, 2))


def _per_axis(ndim: int, plane: int, depth: int) -> tuple[int, ...]:
    """Value per axis where Z differs from the YX plane."""
    return (plane, plane) if ndim == 2 else (depth, plane, plane)


def _radius(depth: int, *, blur_pool: bool) -> int:
    """Receptive-field radius in the YX plane."""
    convolutions = sum(4 << level for level in range(depth)) + (2 << depth)
    pooling = sum((2 if blur_pool else 1) << level for level in range(depth))
    upsampling = sum(1 << level for level in range(depth))
    return convolutions + pooling + upsampling
