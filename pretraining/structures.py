"""Clean pictures of many kinds, for a network that is to know what microscopes see.

    python pretraining/structures.py look.png      24 of them side by side

Every kind is a function that gives `(Y, X)` light, of any scale, for a shape and a
`numpy.random.Generator`; `picture` puts one to three of them on each other behind one optics.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.io import imsave

from napari_blindspot._shapes import Cells, chromatin, splat, walk

Light = NDArray[np.float64]
Shape = tuple[int, int]


def between(rng: np.random.Generator, low: float, high: float, size: Any = None) -> Any:
    """Numbers whose logarithm is uniform."""
    return np.exp(rng.uniform(np.log(low), np.log(high), size))


def blurred(light: Light, rng: np.random.Generator, low: float, high: float) -> Light:
    """Light behind a point-spread function of random width."""
    return ndimage.gaussian_filter(light, between(rng, low, high))


def cells(shape: Shape, rng: np.random.Generator) -> Light:
    """Nuclei with chromatin, sparse to crowded."""
    extent = np.asarray(shape, np.float64)
    made = Cells.random(extent, between(rng, 5, 45), rng.uniform(0.05, 0.9), rng)
    return made.draw(shape, np.ones(2), chromatin(2, rng))


def filaments(shape: Shape, rng: np.random.Generator) -> Light:
    """Smooth curves of different brightness."""
    count = int(between(rng, 4, 150))
    brightness = rng.lognormal(0, rng.uniform(0.1, 0.8), count)
    return splat(walk(shape, count, rng), brightness, shape)


def vesicles(shape: Shape, rng: np.random.Generator) -> Light:
    """Points, or small rings."""
    count = int(between(rng, 10, 1500))
    light = scattered(shape, rng, rng.lognormal(0, rng.uniform(0.1, 1.0), count))
    if rng.random() < 0.5:
        return light
    ring = ndimage.gaussian_filter(light, rng.uniform(1.5, 4))
    return np.maximum(ring - ndimage.gaussian_filter(light, 1.2), 0)


def blobs(shape: Shape, rng: np.random.Generator) -> Light:
    """Gaussian spots of several sizes."""
    light = np.zeros(shape)
    for sigma in between(rng, 1, 25, rng.integers(2, 7)):
        count = max(int(rng.uniform(0.01, 0.5) * light.size / (20 * sigma**2)), 1)
        points = scattered(shape, rng, rng.uniform(0.2, 1, count))
        light += ndimage.gaussian_filter(points, sigma, truncate=3) * sigma**2
    return light


def membranes(shape: Shape, rng: np.random.Generator) -> Light:
    """Borders of cells that fill the plane, with or without what is in them."""
    count = int(between(rng, 6, 300))
    seeds = np.zeros(shape, int)
    seeds[tuple(rng.integers(0, shape, (count, 2)).T)] = np.arange(1, count + 1)
    _, nearest = ndimage.distance_transform_edt(seeds == 0, return_indices=True)
    bent = np.stack([ndimage.gaussian_filter(rng.normal(size=shape), 8) for _ in shape])
    grid = np.mgrid[: shape[0], : shape[1]] + rng.uniform(0, 80) * bent
    cell = ndimage.map_coordinates(seeds[tuple(nearest)], grid, order=0, mode="nearest")
    border = ndimage.maximum_filter(cell, 3) != ndimage.minimum_filter(cell, 3)
    inside = rng.uniform(0, 1, count + 1)[cell]
    return border + rng.choice([0.0, rng.uniform(0, 1)]) * inside


def texture(shape: Shape, rng: np.random.Generator) -> Light:
    """Random field whose power falls with the frequency: tissue and haze."""
    y, x = np.meshgrid(np.fft.fftfreq(shape[0]), np.fft.rfftfreq(shape[1]), indexing="ij")
    power = (y**2 + x**2 + rng.uniform(0.002, 0.02) ** 2) ** (-rng.uniform(0.8, 2.2) / 2)
    field = np.fft.irfft2(np.fft.rfft2(rng.normal(size=shape)) * power, shape)
    return scaled(field) ** rng.uniform(0.7, 4)


def polygons(shape: Shape, rng: np.random.Generator) -> Light:
    """Flat or striped pieces with sharp borders, such as man-made things have."""
    light = np.full(shape, rng.uniform(0, 1))
    grid = np.mgrid[: shape[0], : shape[1]].astype(np.float64)
    for _ in range(rng.integers(3, 25)):
        from_centre = grid - rng.uniform(0, shape)[:, None, None]
        angles = rng.uniform(0, 2 * np.pi, rng.integers(3, 7))
        sides = [along(from_centre, angle) for angle in angles]
        inside = np.max(sides, axis=0) < between(rng, 4, 90)
        light[inside] = rng.uniform(0, 1)
        if rng.random() < 0.3:
            phase = 2 * np.pi * along(grid, rng.uniform(0, np.pi)) / between(rng, 3, 30)
            light[inside] *= (1 + np.sin(phase[inside])) / 2
    return light


def electron(shape: Shape, rng: np.random.Generator) -> Light:
    """Dark membranes on a bright, textured ground, as electron microscopes show them."""
    dark = np.clip(blurred(membranes(shape, rng), rng, 0.6, 1.5), 0, 1)
    return np.clip(1 - 0.7 * dark - 0.3 * texture(shape, rng), 0, 1)


# How often each kind is drawn.
KINDS: dict[Callable[[Shape, np.random.Generator], Light], float] = {
    cells: 2.0,
    filaments: 2.5,
    vesicles: 1.5,
    blobs: 1.0,
    membranes: 1.5,
    texture: 1.0,
    polygons: 1.0,
    electron: 0.7,
}


def picture(shape: Shape, rng: np.random.Generator) -> NDArray[np.float32]:
    """A random picture, dark at 0 and bright at 1; a few pixels may be up to 1.5."""
    kinds, weights = list(KINDS), np.array(list(KINDS.values()))
    light = np.zeros(shape)
    for _ in range(rng.choice([1, 2, 3], p=[0.5, 0.35, 0.15])):
        kind = kinds[rng.choice(len(kinds), p=weights / weights.sum())]
        light += rng.uniform(0.2, 1) * scaled(blurred(kind(shape, rng), rng, 0.4, 2.5))
    if rng.random() < 0.4:
        light += rng.uniform(0, 0.5) * ndimage.gaussian_filter(light, rng.uniform(5, 30))
    if rng.random() < 0.3:
        light = scaled(light) ** rng.uniform(0.5, 2.5)
    dark, bright = light.min(), np.percentile(light, rng.uniform(99, 100))
    return np.clip((light - dark) / max(bright - dark, 1e-9), 0, 1.5).astype(np.float32)


def scattered(shape: tuple[int, ...], rng: np.random.Generator, values: Light) -> Light:
    """Values at random pixels, added up where they meet."""
    light = np.zeros(shape)
    np.add.at(light, tuple(rng.integers(0, shape, (len(values), len(shape))).T), values)
    return light


def along(grid: Light, angle: float) -> Light:
    """Distance along a direction."""
    return np.cos(angle) * grid[0] + np.sin(angle) * grid[1]


def scaled(light: Light) -> Light:
    """Light from 0 to 1."""
    return (light - light.min()) / max(float(np.ptp(light)), 1e-9)


def main() -> None:
    made = [picture((192, 192), np.random.default_rng(seed)) for seed in range(24)]
    rows = [np.hstack(made[start : start + 6]) for start in range(0, 24, 6)]
    imsave(sys.argv[1], (255 * np.clip(np.vstack(rows), 0, 1)).astype(np.uint8))


if __name__ == "__main__":
    main()
