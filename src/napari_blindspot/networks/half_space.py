"""U-Net that looks in one direction only."""

from __future__ import annotations

import torch.nn.functional as F  # noqa: N812 - the usual name
from jaxtyping import Float
from torch import Tensor, nn

from napari_blindspot.networks.layers import convolution, started
from napari_blindspot.networks.merging import edges_of, merged


class HalfSpaceUNet(nn.Module):
    """U-Net whose output sees only positions strictly before its own along one axis.

    Parameters
    ----------
    ndim : int
        Number of spatial dimensions, 2 or 3.
    in_channels : int
        Channels of the input.
    width : int
        Features on the first level and of the output; twice as many on all others.
    depth : int
        Number of poolings of the YX plane, at least 1.
    axis : int
        The spatial axis with a direction: -2 (Y, "above") or -3 (Z).

    Attributes
    ----------
    divisor, halo : tuple of int
        As in `Network`.

    Notes
    -----
    As in the paper, the skip connections carry the pooled features before their convolution,
    and the first one the input itself. In 3D only the first level has kernels of 3 voxels along
    Z, the others of 1: Z is thin, and the lower levels are there for the wide view in YX.
    """

    def __init__(
        self, ndim: int, in_channels: int, *, width: int, depth: int, axis: int = -2
    ) -> None:
        super().__init__()
        self.axis = axis
        self.divisor = (1,) * (ndim - 2) + (2**depth, 2**depth)
        self.halo = _halo(ndim, depth, axis)
        self.scale = (1,) * (ndim - 2) + (2, 2)
        wide = 2 * width
        top, flat = (3,) * ndim, (1,) * (ndim - 2) + (3, 3)
        self.first = nn.Sequential(
            ShiftedConv(in_channels, width, top, axis), ShiftedConv(width, width, top, axis)
        )
        self.down = nn.ModuleList(
            ShiftedConv(wide if level else width, wide, flat, axis) for level in range(depth)
        )
        self.up = nn.ModuleList()
        for level in reversed(range(1, depth)):
            skipped = wide if level > 1 else width
            self.up.append(_pair(wide + skipped, wide, flat, axis))
        self.up.append(_pair(wide + in_channels, width, top, axis))

    def forward(self, x: Float[Tensor, "b c *space"]) -> Float[Tensor, "b k *space"]:
        """Features `(B, width, *space)`; the lengths must be multiples of `divisor`."""
        skips = [x]
        x = self.first(x)
        for layer in self.down:
            x = self._pool(x)
            skips.append(x)
            x = layer(x)
        skips.pop()
        for pair in self.up:
            x = pair(x, skips.pop(), self.scale)
        return moved(x, self.axis)

    def _pool(self, x: Float[Tensor, "b c *space"]) -> Float[Tensor, "b c *half"]:
        """Half the YX resolution. With a direction along Y the blocks begin one row early.

        The upper row of a block would otherwise learn of the lower one when the features are
        spread out again.
        """
        if self.axis == -2:
            x = moved(x, -2)
        return F.max_pool2d(x, 2) if x.ndim == 4 else F.max_pool3d(x, (1, 2, 2))


class ShiftedConv(nn.Module):
    """Convolution that ends at its own position along `axis`, and leaky ReLU."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel: tuple[int, ...], axis: int
    ) -> None:
        super().__init__()
        layer = convolution(len(kernel), in_channels, out_channels, kernel)
        self.convolution = started(layer, 0.1)
        self.before = [k // 2 for k in kernel]
        self.before[axis] = kernel[axis] - 1
        self.edges = edges_of(kernel, self.before)

    def forward(
        self,
        x: Float[Tensor, "b c *small"],
        skip: Float[Tensor, "b s *space"] | None = None,
        factors: tuple[int, ...] = (),
    ) -> Float[Tensor, "b k *space"]:
        """Features for `x`, or for `x` enlarged by `factors` on `skip`."""
        layer = self.convolution
        if skip is None:
            made = layer(F.pad(x, self.edges))
        else:
            made = merged(x, skip, layer.weight, layer.bias, factors, self.before)
        return F.leaky_relu(made, 0.1, inplace=True)


def moved(x: Float[Tensor, "b c *space"], axis: int) -> Float[Tensor, "b c *space"]:
    """Features moved on by one position along `axis`; zeros come in at its beginning."""
    edges = [0, 0] * (x.ndim - 2)
    edges[-2 * axis - 2] = 1
    return F.pad(x.narrow(axis, 0, x.shape[axis] - 1), edges)


class _Pair(nn.Sequential):
    """Two convolutions, the first of features that are enlarged on others."""

    def forward(
        self,
        x: Float[Tensor, "b c *small"],
        skip: Float[Tensor, "b s *space"] | None = None,
        factors: tuple[int, ...] = (),
    ) -> Float[Tensor, "b k *space"]:
        first, second = self
        features: Tensor = second(first(x, skip, factors))
        return features


def _pair(in_channels: int, out_channels: int, kernel: tuple[int, ...], axis: int) -> _Pair:
    return _Pair(
        ShiftedConv(in_channels, out_channels, kernel, axis),
        ShiftedConv(out_channels, out_channels, kernel, axis),
    )


def _halo(ndim: int, depth: int, axis: int) -> tuple[int, ...]:
    """Radius of the receptive field per axis, from the deepest level upwards.

    `back` is the reach along an axis with a direction, `side` that along another one. Pooling
    and spreading out turn a reach of r into 2 r + 2 and 2 r + 1; convolutions add 2 and 1 each.
    """
    back, side = 2, 1
    for level in reversed(range(depth)):
        convolutions = 3 if level else 4
        back = 2 * back + 2 + 2 * convolutions
        side = 2 * side + 1 + convolutions
    if axis == -2:
        return (4,) * (ndim - 2) + (back + 1, back + 1)
    return (2 * 4 + 1, side, side)
