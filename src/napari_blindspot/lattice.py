"""Grids of pixels that are hidden together, and the neighbours they are hidden behind."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from jaxtyping import Float
from torch import Tensor


def phases(spacing: int, axes: int) -> Iterator[tuple[int, ...]]:
    """All phases of a grid of `spacing` pixels; together they hold every pixel once."""
    return itertools.product(range(spacing), repeat=axes)


def grid(
    noisy: Float[Tensor, "b c *space"], spacing: int, phase: tuple[int, ...]
) -> Float[Tensor, "b c *space"]:
    """1 at the pixels of a phase, else 0.

    Of a volume, a phase of three numbers is a grid along all axes. One of two numbers is a grid in
    each plane, half a spacing farther from plane to plane, so that what lies above and below a
    pixel belongs to another phase.
    """
    mask = torch.zeros_like(noisy)
    if len(phase) == noisy.ndim - 2:
        chosen: Any = (..., *(slice(p, None, spacing) for p in phase))
        mask[chosen] = 1
        return mask
    for plane in range(noisy.shape[2]):
        y, x = ((p + plane * (spacing // 2)) % spacing for p in phase)
        mask[:, :, plane, y::spacing, x::spacing] = 1
    return mask


def neighbour_mean(
    noisy: Float[Tensor, "b c *space"], *, planar: bool = False
) -> Float[Tensor, "b c *space"]:
    """Mean of the 3 x 3 (x 3) neighbours without the centre, nearer ones weighing more.

    Axes of length 1 take no part, and with `planar` the planes next to that of a pixel do not.
    """
    channels, space = noisy.shape[1], noisy.shape[2:]
    kernel = torch.ones((), device=noisy.device, dtype=noisy.dtype)
    for axis, length in enumerate(space):
        alone = length == 1 or (planar and axis < len(space) - 2)
        side = [0.0, 2.0, 0.0] if alone else [1.0, 2.0, 1.0]
        kernel = kernel.unsqueeze(-1) * kernel.new_tensor(side)
    kernel[(1,) * len(space)] = 0
    kernel = (kernel / kernel.sum().clamp_min(1)).expand(channels, 1, *kernel.shape)
    convolve = (F.conv1d, F.conv2d, F.conv3d)[len(space) - 1]
    return convolve(_surrounded(noisy), kernel, groups=channels)


def cross_mean(noisy: Float[Tensor, "b c *space"]) -> Float[Tensor, "b c *space"]:
    """Mean of the four neighbours in the YX plane, borders reflected."""
    planes = noisy.reshape(-1, 1, *noisy.shape[-2:])
    padded = _surrounded(planes)
    rows, columns = padded[..., 1:-1], padded[..., 1:-1, :]
    around = rows[..., :-2, :] + rows[..., 2:, :] + columns[..., :-2] + columns[..., 2:]
    return (around / 4).reshape(noisy.shape)


def _surrounded(noisy: Float[Tensor, "b c *space"]) -> Float[Tensor, "b c *wider"]:
    """Reflected by one pixel at all ends; axes of length 1, which have no reflection, repeated."""
    alone = [int(length == 1) for length in reversed(noisy.shape[2:])]
    if any(alone):
        noisy = F.pad(noisy, [one for one in alone for _ in range(2)], mode="replicate")
    return F.pad(noisy, [1 - one for one in alone for _ in range(2)], mode="reflect")
