"""Convolutions for 2D and 3D, as the networks start them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

Convolution = nn.Conv2d | nn.Conv3d


def convolution(
    ndim: int,
    in_channels: int,
    out_channels: int,
    kernel: int | Sequence[int],
    padding: int | Sequence[int] = 0,
    *,
    bias: bool = True,
) -> Convolution:
    """Convolution with PyTorch's own initial weights."""
    layer: type[Convolution] = nn.Conv2d if ndim == 2 else nn.Conv3d
    # Which of both is known only at run time, and with it how long the tuples are.
    shape: Any = kernel if isinstance(kernel, int) else tuple(kernel)
    edges: Any = padding if isinstance(padding, int) else tuple(padding)
    return layer(in_channels, out_channels, shape, padding=edges, bias=bias)


def started(layer: Convolution, slope: float | None) -> Convolution:
    """The layer with He weights for a leaky ReLU of this slope and no bias; None: all zero."""
    if slope is None:
        nn.init.zeros_(layer.weight)
    else:
        nn.init.kaiming_normal_(layer.weight, a=slope)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
