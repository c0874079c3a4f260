"""Clean volumes and movies of many kinds, for what neighbouring planes tell of each other.

python pretraining/stacks.py look.png      8 of them, a row of planes each
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.io import imsave
from structures import Light, between, picture, scaled, scattered

from napari_blindspot._shapes import Cells, chromatin, splat, walk

Space = tuple[int, int, int]
_MARGIN = 24  # pixels that a movie may drift


def cells(space: Space, step: float, rng: np.random.Generator) -> Light:
    """Nuclei with chromatin; `step` is the distance of planes in pixels, here and below."""
    extent = np.array([step * space[0], *space[1:]])
    made = Cells.random(extent, between(rng, 6, 35), rng.uniform(0.05, 0.7), rng)
    return made.draw(space, np.array([step, 1, 1]), chromatin(3, rng))


def filaments(space: Space, step: float, rng: np.random.Generator) -> Light:
    """Smooth curves in space."""
    count = int(between(rng, 10, 200))
    points = walk((round(step * space[0]) + 1, *space[1:]), count, rng) / np.array([step, 1, 1])
    return splat(points, rng.lognormal(0, rng.uniform(0.1, 0.8), count), space)


def vesicles(space: Space, step: float, rng: np.random.Generator) -> Light:  # noqa: ARG001
    """Points."""
    count = int(between(rng, 30, 4000))
    return scattered(space, rng, rng.lognormal(0, rng.uniform(0.1, 1.0), count))


def blobs(space: Space, step: float, rng: np.random.Generator) -> Light:
    """Gaussian balls of several sizes."""
    light = np.zeros(space)
    for sigma in between(rng, 1.5, 15, rng.integers(1, 4)):
        count = max(int(rng.uniform(0.02, 0.5) * light.size * step / (30 * sigma**3)), 1)
        balls = scattered(space, rng, rng.uniform(0.2, 1, count))
        light += ndimage.gaussian_filter(balls, (sigma / step, sigma, sigma), truncate=3) * sigma**3
    return light


def membranes(space: Space, step: float, rng: np.random.Generator) -> Light:
    """Borders of cells that fill space, with or without what is in them."""
    count = int(between(rng, 10, 400))
    seeds = np.zeros(space, int)
    seeds[tuple(rng.integers(0, space, (count, 3)).T)] = np.arange(1, count + 1)
    _, nearest = ndimage.distance_transform_edt(
        seeds == 0, sampling=(step, 1, 1), return_indices=True
    )
    cell = seeds[tuple(nearest)]
    border = ndimage.maximum_filter(cell, 3) != ndimage.minimum_filter(cell, 3)
    return border + rng.choice([0.0, rng.uniform(0, 1)]) * rng.uniform(0, 1, count + 1)[cell]


def texture(space: Space, step: float, rng: np.random.Generator) -> Light:
    """Random field whose power falls with the frequency."""
    frequencies = [np.fft.fftfreq(space[0]) / step, np.fft.fftfreq(space[1])]
    z, y, x = np.meshgrid(*frequencies, np.fft.rfftfreq(space[2]), indexing="ij")
    power = (z**2 + y**2 + x**2 + rng.uniform(0.003, 0.02) ** 2) ** (-rng.uniform(1.2, 2.8) / 2)
    field = np.fft.irfftn(np.fft.rfftn(rng.normal(size=space)) * power, space, axes=(0, 1, 2))
    return scaled(field) ** rng.uniform(0.7, 4)


# How often each kind is drawn.
KINDS: dict[Callable[[Space, float, np.random.Generator], Light], float] = {
    cells: 2.0,
    filaments: 2.0,
    vesicles: 1.0,
    blobs: 1.0,
    membranes: 1.0,
    texture: 0.7,
}


def volume(space: Space, rng: np.random.Generator) -> NDArray[np.float32]:
    """A random volume `(Z, Y, X)` from 0 to about 1, planes one to six pixels apart."""
    kinds, weights = list(KINDS), np.array(list(KINDS.values()))
    light, step = np.zeros(space), between(rng, 1, 6)
    for _ in range(rng.choice([1, 2], p=[0.65, 0.35])):
        kind = kinds[rng.choice(len(kinds), p=weights / weights.sum())]
        sharp = between(rng, 0.5, 2.0)
        sigmas = (rng.uniform(1, 3) * sharp / step, sharp, sharp)
        made = ndimage.gaussian_filter(kind(space, step, rng), sigmas)
        light += rng.uniform(0.2, 1) * scaled(made)
    return _exposed(light, rng)


def movie(space: Space, rng: np.random.Generator) -> NDArray[np.float32]:
    """A random movie `(T, Y, X)`: pictures on each other that stay, drift or flicker."""
    frames, *plane = space
    light = np.zeros(space)
    larger = (plane[0] + 2 * _MARGIN, plane[1] + 2 * _MARGIN)
    for _ in range(rng.choice([1, 2], p=[0.5, 0.5])):
        still = picture(larger, rng).astype(np.float64)
        light += rng.uniform(0.2, 1) * _moved(still, space, rng)
    if rng.random() < 0.05:  # frames that have nothing to do with each other
        light = np.stack([picture((plane[0], plane[1]), rng) for _ in range(frames)])
    return _exposed(light, rng)


def _moved(still: Light, space: Space, rng: np.random.Generator) -> Light:
    """A picture that drifts, jitters and flickers, or does not."""
    frames = space[0]
    speed = rng.choice([0.0, between(rng, 0.05, 2.5)]) * rng.normal(size=2)
    jitter = rng.choice([0.0, between(rng, 0.05, 1.5)]) * rng.normal(size=(frames, 2))
    path = np.clip(np.arange(frames)[:, None] * speed + jitter, -_MARGIN, _MARGIN)
    flicker = np.exp(rng.choice([0.0, rng.uniform(0, 0.5)]) * rng.normal(size=frames))
    inside = (slice(_MARGIN, -_MARGIN),) * 2
    moved = [ndimage.shift(still, shift, order=1)[inside] for shift in path]
    return np.stack(moved) * flicker[:, None, None]


def _exposed(light: Light, rng: np.random.Generator) -> NDArray[np.float32]:
    dark, bright = light.min(), np.percentile(light, rng.uniform(99.3, 100))
    return np.clip((light - dark) / max(bright - dark, 1e-9), 0, 1.5).astype(np.float32)


def stack(space: Space, rng: np.random.Generator) -> NDArray[np.float32]:
    """A volume or, one time in three, a movie."""
    return movie(space, rng) if rng.random() < 1 / 3 else volume(space, rng)


def main() -> None:
    made = [stack((9, 144, 144), np.random.default_rng(seed)) for seed in range(8)]
    rows = [np.hstack(list(each[1:8])) for each in made]
    imsave(sys.argv[1], (255 * np.clip(np.vstack(rows), 0, 1)).astype(np.uint8))


if __name__ == "__main__":
    main()
