"""Small simulated scenes that several tests use."""

from __future__ import annotations

import numpy as np

from napari_blindspot import methods, simulate

CAMERA = simulate.Camera(gain=4.0, offset=20.0, read_noise=3.0)


def noisy_and_clean(shape, seed=0, peak=60.0):
    """Noisy exposure and expected grey values of nuclei in 2D or 3D."""
    rng = np.random.default_rng(seed)
    photons = simulate.nuclei(shape, rng, peak=peak, background=4.0, radius=6.0)
    return CAMERA.expose(photons, rng), CAMERA.expected(photons)


def noisy_for(name, shape, axes="YX", **options):
    """Noisy image for a method, its axes and the clean image; repeats for one that needs them."""
    noisy, clean = noisy_and_clean(shape, **options)
    repeats = methods.get(name)().repeats
    if not repeats or repeats in axes:
        return noisy, axes, clean
    again = CAMERA.expose((clean - CAMERA.offset) / CAMERA.gain, np.random.default_rng(99))
    return np.stack([noisy, again]), repeats + axes, clean


def peak_signal_to_noise(image, clean):
    """PSNR in dB over the range of the clean image."""
    error = np.mean((np.asarray(image, np.float64) - clean) ** 2)
    return 10 * np.log10(float(np.ptp(clean)) ** 2 / error)
