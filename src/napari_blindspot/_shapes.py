"""Shapes that the simulated scenes are made of: cells and filaments on a pixel grid."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Floats = NDArray[np.float64]

_TEXTURE_SIDE = 64  # pixels


@dataclass(frozen=True)
class Cells:
    """Ellipsoids in any dimension; lengths in the units of the extent they were made for."""

    centres: Floats  # (N, D)
    turns: Floats  # (N, D, D), rotation matrices
    radii: Floats  # (N, D)
    brightness: Floats  # (N,)

    @classmethod
    def random(
        cls, extent: Floats, radius: float, coverage: float, rng: np.random.Generator
    ) -> Cells:
        ndim = len(extent)
        unit_ball = {2: np.pi, 3: 4 / 3 * np.pi}[ndim]
        count = max(1, round(coverage * float(np.prod(extent)) / (unit_ball * radius**ndim)))
        return cls(
            centres=rng.uniform(0.0, extent, (count, ndim)),
            turns=np.linalg.qr(rng.normal(size=(count, ndim, ndim)))[0],
            radii=radius * rng.uniform(0.7, 1.3, (count, ndim)),
            brightness=rng.uniform(0.3, 1.0, count),
        )

    def draw(self, shape: Sequence[int], scale: Floats, texture: Floats) -> Floats:
        """Density on a grid of `shape` and spacing `scale`; where cells overlap, the brighter."""
        density = np.zeros(shape)
        for index in range(len(self.centres)):
            box = self._box(index, shape, scale)
            if all(part.stop > part.start for part in box):
                body = self._body(index, box, scale, texture)
                np.maximum(density[box], body, out=density[box])
        return density

    def _box(self, index: int, shape: Sequence[int], scale: Floats) -> tuple[slice, ...]:
        reach = 1.3 * self.radii[index].max()
        low = np.floor((self.centres[index] - reach) / scale).astype(int)
        high = np.ceil((self.centres[index] + reach) / scale).astype(int) + 1
        return tuple(
            slice(max(0, int(a)), min(size, int(b)))
            for a, b, size in zip(low, high, shape, strict=True)
        )

    def _body(self, index: int, box: tuple[slice, ...], scale: Floats, texture: Floats) -> Floats:
        grid = np.moveaxis(np.mgrid[box], 0, -1) * scale - self.centres[index]
        local = grid @ self.turns[index] / self.radii[index]  # (*box, D), unit ball inside
        inside = 1 / (1 + np.exp(12 * (np.linalg.norm(local, axis=-1) - 1)))
        # Each cell reads its own piece of the one texture, in its own frame: grains move with it.
        where = np.moveaxis(local * 10 + 17.3 * index, -1, 0)
        grain = ndimage.map_coordinates(texture, where, order=1, mode="grid-wrap")
        body: Floats = self.brightness[index] * inside * grain
        return body


def chromatin(ndim: int, rng: np.random.Generator) -> Floats:
    """Periodic texture of mean 1 with bright grains and dark nucleoli, 64 pixels a side."""
    noise = rng.normal(size=(_TEXTURE_SIDE,) * ndim)
    smooth = ndimage.gaussian_filter(noise, 1.6, mode="wrap")
    texture: Floats = (1 + 0.3 * smooth / smooth.std()).clip(0.15)
    return texture


def walk(shape: Sequence[int], count: int, rng: np.random.Generator) -> Floats:
    """Points `(count, steps, D)` every half pixel along smooth random curves."""
    start = rng.uniform(0.0, 1.0, (count, 1, len(shape))) * np.asarray(shape)
    steps = 3 * max(shape)
    turning = rng.normal(0.0, 0.04, (count, steps, len(shape)))
    turning = ndimage.gaussian_filter1d(turning, 12.0, axis=1, mode="nearest") * 4
    heading = rng.normal(size=(count, 1, len(shape))) + np.cumsum(turning, axis=1)
    heading /= np.linalg.norm(heading, axis=-1, keepdims=True)
    points: Floats = start + 0.5 * np.cumsum(heading, axis=1)
    return points


def splat(points: Floats, brightness: Floats, shape: Sequence[int]) -> Floats:
    """Light of points `(N, steps, D)`, shared linearly by the pixels around each point."""
    corner = np.floor(points).astype(int)
    part = points - corner
    light = np.zeros(int(np.prod(shape)))
    for shift in itertools.product((0, 1), repeat=len(shape)):
        pixel = corner + shift
        weight = np.prod(np.where(shift, part, 1 - part), axis=-1) * brightness[:, None]
        inside = np.all((pixel >= 0) & (pixel < shape), axis=-1)
        index = np.ravel_multi_index(tuple(pixel[inside].T), tuple(shape))
        light += np.bincount(index, weight[inside], light.size)
    return light.reshape(shape)
