"""Fixed filters in the YX plane, for 2D and 3D tensors."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from jaxtyping import Float
from torch import Tensor


def gaussian_radius(sigma: float) -> int:
    """Reach of `gaussian` in pixels."""
    return max(1, math.ceil(2.5 * sigma))


def gaussian(x: Float[Tensor, "*lead y x"], sigma: float) -> Float[Tensor, "*lead y x"]:
    """Gaussian average in the YX plane, borders reflected."""
    radius = gaussian_radius(sigma)
    distance = torch.arange(-radius, radius + 1, device=x.device, dtype=x.dtype)
    line = torch.exp(-(distance**2) / (2 * sigma**2))
    line = line / line.sum()
    planes = x.reshape(-1, 1, *x.shape[-2:])
    mode = "reflect" if min(x.shape[-2:]) > radius else "replicate"
    planes = F.pad(planes, (radius,) * 4, mode=mode)
    # Not in half precision: a network adds its output to such averages.
    with torch.autocast(x.device.type, enabled=False):
        planes = F.conv2d(F.conv2d(planes, line.view(1, 1, 1, -1)), line.view(1, 1, -1, 1))
    return planes.reshape(x.shape)
