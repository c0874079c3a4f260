"""Predictions of pixels that a trained network could not see."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from napari_blindspot.noise import BlindPatches, BlindSample

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

    from napari_blindspot.methods import Parts
    from napari_blindspot.pairs import TrainingPair
    from napari_blindspot.patches import Patches

_PIXELS_IN_PATCHES = 260_000


def blind_sample(
    parts: Parts, sampler: Patches, generator: torch.Generator, pixels: int
) -> BlindSample:
    """Blind predictions of hidden pixels, from patches with about `pixels` pixels in all.

    Fewer patches are drawn from small images, where each pixel is hidden twice on average.
    """
    parts.network.eval()
    masking = parts.blind or parts.masking
    rows, patches = [], []
    hidden = 0
    with torch.no_grad():
        for _ in range(math.ceil(pixels / (sampler.batch * math.prod(sampler.patch)))):
            if hidden > 2 * sampler.pixels:
                break
            pair = masking.sample(sampler.sample(generator), generator)
            output = parts.network(pair.input, pair.mask)
            mean, variance = parts.predictor.moments(output)
            visible = parts.network(pair.target) if parts.blind else None
            counted = pair.mask[:, 0] > 0
            hidden += int(counted.sum())
            rows.append([_pixels(x, counted) for x in (pair.target, mean, variance, visible)])
            patches.append((pair, mean))
    noisy, mean, variance, visible = (_joined(column) for column in zip(*rows, strict=True))
    return BlindSample(
        noisy, mean, variance, visible, _some(patches), repeats=hidden / sampler.pixels
    )


def _pixels(values: Tensor | None, counted: Tensor) -> Tensor | None:
    """The counted pixels `(C, P)`."""
    return None if values is None else values.movedim(1, 0)[:, counted].cpu()


def _joined(column: tuple[Any, ...]) -> Any:
    """One tensor `(C, P)`, or None for a column that has none."""
    return None if column[0] is None else torch.cat(column, 1)


def _some(patches: Iterable[tuple[TrainingPair, Tensor]]) -> BlindPatches:
    """The first patches, at least one, with `_PIXELS_IN_PATCHES` pixels or fewer."""
    columns = zip(*((pair.target, mean, pair.mask) for pair, mean in patches), strict=True)
    noisy, mean, hidden = map(torch.cat, columns)
    count = max(_PIXELS_IN_PATCHES // mean[0, 0].numel(), 1)
    return BlindPatches(noisy[:count], mean[:count], hidden[:count])
