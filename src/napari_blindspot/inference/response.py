"""How the output of a network answers to small changes of its input."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from jaxtyping import Float
from torch import Tensor

from napari_blindspot.chance import Chance
from napari_blindspot.filters import gaussian, gaussian_radius

Along = tuple[tuple[float, ...], tuple[float, ...]]
"""Correlation of noise at lags of 1, 2... along Y and X."""

WHITE: Along = ((), ())

_SPACING = {2: (4, 4), 3: (3, 4, 4)}  # even along Y and X
_WIDE = {2: (6, 6), 3: (3, 6, 6)}  # for nudges that their neighbours follow
_SMOOTHING = 1.5
_DRAWS, _BLUR = 4, 2.0  # of noise that is put on top, and blur of what comes through
_COLOURED = 4  # in pixels, of a filter that makes white noise correlated


def reach(along: Along) -> int:
    """Pixels in the YX plane beyond the network's halo that the answers here depend on."""
    return gaussian_radius(_BLUR) + (_COLOURED if any(map(any, along)) else 0)


def own_slope(
    network: Callable[..., Tensor],
    noisy: Float[Tensor, "b c *space"],
    nudge: Float[Tensor, "b c *space"],
    chance: Chance,
    along: Along = WHITE,
) -> Float[Tensor, "b c *space"]:
    """Derivative of each output pixel with respect to its own input pixel, smoothed, 0 to 1.

    Of noise that is correlated by `along`, with respect to a nudge of its own pixel that the
    neighbours follow as far as they are correlated.

    Measured at every second pixel of every second row of the image. Central differences: each of
    these meets the same pattern of nudged neighbours, once with either sign, so the result does not
    depend on where a tile begins.
    """
    follows = any(map(any, along))
    spacing = (_WIDE if follows else _SPACING)[noisy.ndim - 2]
    signs = _alternating(noisy.shape[2:], spacing).to(noisy)
    slope, measured = torch.zeros_like(noisy), torch.zeros_like(noisy)
    for channel in range(noisy.shape[1]):
        for phase in _phases(spacing, chance):
            chosen: Any = (
                slice(None),
                channel,
                *(slice(p, None, s) for p, s in zip(phase, spacing, strict=True)),
            )
            steps = torch.zeros_like(noisy)
            steps[chosen] = nudge[chosen] * signs[chosen[2:]]
            shape = _followed(steps, along) if follows else steps
            change = network(noisy + shape) - network(noisy - shape)
            slope[chosen] = change[chosen] / (2 * steps[chosen])
            measured[chosen] = 1
    smooth = gaussian(slope, _SMOOTHING) / gaussian(measured, _SMOOTHING)
    return smooth.clamp(0, 1)


def _phases(spacing: tuple[int, ...], chance: Chance) -> Iterator[tuple[int, ...]]:
    """Phases of a grid that lie at even places of the image along Y and X."""
    top, left = chance.origin[-2:]
    for phase in itertools.product(*map(range, spacing)):
        if (phase[-2] + top) % 2 == (phase[-1] + left) % 2 == 0:
            yield phase


def noise_passed(
    network: Callable[..., Tensor],
    noisy: Float[Tensor, "b c *space"],
    deviation: Float[Tensor, "b c *space"],
    chance: Chance,
    along: Along = WHITE,
) -> Float[Tensor, "b c *space"]:
    """Variance of each output pixel where noise of a small deviation is added to all inputs.

    Blurred, for it is that of a few draws. The noise is correlated by `along`.
    """
    space, channels = noisy.shape[2:], noisy.shape[1]
    found = torch.zeros_like(noisy)
    for draw in range(_DRAWS):
        numbers = range(draw * channels, (draw + 1) * channels)
        signs = 2 * (chance.uniform(space, numbers, noisy.device) < 0.5).to(noisy) - 1
        signs = signs.transpose(0, 1)
        if any(map(any, along)):
            signs = _spread(signs, _colouring(along[0]), _colouring(along[1]))
        change = network(noisy + signs * deviation) - network(noisy - signs * deviation)
        found += (change / 2) ** 2 / _DRAWS
    return gaussian(found, _BLUR)


def _colouring(lags: tuple[float, ...]) -> Float[Tensor, " w"]:
    """Filter that gives white noise the correlation at lags of 1 and 2."""
    circle = torch.zeros(8 * _COLOURED)
    for lag, value in enumerate((1.0, *lags[:2])):
        circle[[lag, -lag]] = value
    spectrum = torch.fft.rfft(circle).real.clamp_min(0)
    line: Tensor = torch.fft.irfft(spectrum.sqrt(), n=len(circle))
    line = line.roll(_COLOURED)[: 2 * _COLOURED + 1]
    return line.div(line.square().sum().sqrt())


def _followed(steps: Tensor, along: Along) -> Float[Tensor, "b c *space"]:
    """Nudges spread to the neighbours by the correlation of the noise."""
    y, x = (torch.tensor([*lags[1::-1], 1.0, *lags[:2]]) for lags in along)
    return _spread(steps, y, x)


def _spread(
    steps: Float[Tensor, "b c *space"], y: Float[Tensor, " h"], x: Float[Tensor, " w"]
) -> Float[Tensor, "b c *space"]:
    """Filtered with a line along Y and one along X, nothing beyond the ends."""
    planes = steps.reshape(-1, 1, *steps.shape[-2:])
    kernel = (y[:, None] * x)[None, None].to(steps)
    edges = tuple(n // 2 for n in kernel.shape[2:])
    return F.conv2d(planes, kernel, padding=edges).reshape(steps.shape)


def _alternating(space: torch.Size, spacing: tuple[int, ...]) -> Float[Tensor, "*space"]:
    """Checkerboard of +1 and -1 with cells of `spacing` pixels."""
    cells = [torch.arange(n) // s for n, s in zip(space, spacing, strict=True)]
    total = sum(torch.meshgrid(*cells, indexing="ij"), torch.zeros(space, dtype=torch.long))
    return 1.0 - 2.0 * (total % 2)
