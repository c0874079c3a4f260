"""Convolutions for 2D and 3D, as the networks start them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from jaxtyping import Float
from torch import Tensor, nn

from napari_blindspot.filters import gaussian

_LEAST_WEIGHT = 1e-3  # of the visible pixels; below it nothing is near
WINDOW = 9  # pixels along Y and X, odd, over which networks take local statistics

Convolution = nn.Conv2d | nn.Conv3d

LAYOUT = {2: torch.channels_last, 3: torch.channels_last_3d}  # in memory, by dimensions


def convolution(
    ndim: int,
    in_channels: int,
    out_channels: int,
    kernel: int | Sequence[int],
    padding: int | Sequence[int] = 0,
    *,
    bias: bool = True,
) -> Convolution:
    """Convolution with PyTorch's own initial weights.

    Weights, and with them the features, lie in memory with the channels last: on processors a step
    mostly takes 0.6 to 0.9 of the time.
    """
    layer: type[Convolution] = nn.Conv2d if ndim == 2 else nn.Conv3d
    # Which of both is known only at run time, and with it how long the tuples are.
    shape: Any = kernel if isinstance(kernel, int) else tuple(kernel)
    edges: Any = padding if isinstance(padding, int) else tuple(padding)
    made = layer(in_channels, out_channels, shape, padding=edges, bias=bias)
    return made.to(memory_format=LAYOUT[ndim])  # type: ignore[call-overload, no-any-return]


def started(layer: Convolution, slope: float | None) -> Convolution:
    """The layer with He weights for a leaky ReLU of this slope and no bias; None: all zero."""
    if slope is None:
        nn.init.zeros_(layer.weight)
    else:
        # Drawn apart: the same seed gives the same weights, however they lie in memory.
        drawn = nn.init.kaiming_normal_(torch.empty(layer.weight.shape), a=slope)
        with torch.no_grad():
            layer.weight.copy_(drawn)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


class ChannelNorm(nn.Module):
    """Each pixel's features with a mean of 0 and a variance of 1, then scaled and shifted."""

    def __init__(self, ndim: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1, width, *(1,) * ndim))
        self.bias = nn.Parameter(torch.zeros(1, width, *(1,) * ndim))

    def forward(self, x: Float[Tensor, "b c *space"]) -> Float[Tensor, "b c *space"]:
        """Features of the same shape."""
        variance, mean = torch.var_mean(x, 1, keepdim=True, correction=0)
        return (x - mean) * (variance + 1e-6).rsqrt() * self.weight + self.bias


def visible_mean(
    x: Float[Tensor, "b c *space"], visible: Float[Tensor, "b k *space"], sigma: float
) -> Float[Tensor, "b c *space"]:
    """Gaussian average, along Y and X, of the visible pixels alone; 0 where there are none.

    `visible`, 1 at these pixels, has one channel for all or one for each.
    """
    weight = gaussian(visible, sigma).clamp_min(_LEAST_WEIGHT)
    return gaussian(x * visible, sigma) / weight


def window_mean(x: Float[Tensor, "*any y x"]) -> Float[Tensor, "*any y x"]:
    """Mean over a window; at the border over that part of it which lies inside."""
    planes = x.reshape(1, -1, *x.shape[-2:])
    means = F.avg_pool2d(planes, WINDOW, 1, WINDOW // 2, count_include_pad=False)
    return means.reshape(x.shape)
