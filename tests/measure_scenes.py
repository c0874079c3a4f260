"""Simulated images for the tests of the noise report."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from napari_blindspot import simulate
from napari_blindspot.simulate import Camera

CAMERA = Camera(gain=2.0, offset=100.0, read_noise=6.0)


def clean(shape=(256, 256), peak=100.0, coverage=0.5, seed=1):
    rng = np.random.default_rng(seed)
    return simulate.nuclei(
        shape, rng, peak=peak, background=0.03 * peak, coverage=coverage, radius=12.0
    )


def exposed(photons, camera=CAMERA, seed=0):
    return camera.expose(photons, np.random.default_rng(seed))


def coloured_noise(shape, sigmas, seed=0):
    """Gaussian noise of unit variance, blurred by `sigmas` (pixels, one per axis)."""
    noise = np.random.default_rng(seed).standard_normal(shape)
    noise = ndimage.gaussian_filter(noise, sigmas, mode="wrap")
    return noise / noise.std()


def true_correlation(noise, axis, lags=5):
    """Correlation of known noise at lags 1 to `lags` along an axis."""
    noise = noise - noise.mean()
    moved = np.moveaxis(noise, axis, 0)
    power = np.mean(noise**2)
    return np.array([np.mean(moved[lag:] * moved[:-lag]) / power for lag in range(1, lags + 1)])
