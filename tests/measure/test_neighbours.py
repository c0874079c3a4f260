"""Correlation of the noise before a training."""

from __future__ import annotations

import time

import numpy as np
import pytest
from scipy import ndimage

from napari_blindspot.measure.neighbours import noise_correlation
from napari_blindspot.noise import NoiseLaw

LAW = NoiseLaw(0.0, 1.0)


def noise(shape, sigma=(0.0, 0.0)):
    white = np.random.default_rng(0).standard_normal(shape)
    soft = ndimage.gaussian_filter(white, (*(0.0,) * (len(shape) - 2), *sigma), mode="wrap")
    return (soft / soft.std()).astype(np.float32)


def test_white_noise_has_none():
    (along,) = noise_correlation(noise((1, 1, 256, 256)), (LAW,))
    assert np.shape(along) == (2, 5)
    assert np.abs(along).max() < 0.06


@pytest.mark.parametrize("sigma", [(1.0, 1.0), (0.0, 1.0), (1.0, 0.0)])
def test_each_axis_has_its_own(sigma):
    """Noise behind a Gaussian of sigma s has the correlation exp(-lag^2 / (4 s^2))."""
    (along,) = noise_correlation(noise((1, 1, 256, 256), sigma), (LAW,))
    for lags, blur in zip(along, sigma, strict=True):
        assert lags[0] == pytest.approx(np.exp(-1 / 4) if blur else 0, abs=0.1)
        assert lags[1] == pytest.approx(np.exp(-1) if blur else 0, abs=0.1)
        assert abs(lags[3]) < 0.1


def test_channels_planes_and_unusable_pixels():
    soft = noise((2, 2, 3, 64, 80), (1.0, 1.0))
    soft[:, 0] = noise((2, 3, 64, 80))
    soft[0, 1, 0, 20:23, 30] = np.nan
    white, correlated = noise_correlation(soft, (LAW, LAW))
    assert max(abs(lags[0]) for lags in white) < 0.1
    assert min(lags[0] for lags in correlated) > 0.6


def test_nothing_is_known_of_a_small_image_or_without_a_law():
    assert noise_correlation(noise((1, 1, 12, 300)), (LAW,)) == ()
    assert noise_correlation(noise((1, 1, 64, 64)), ()) == ()


def test_it_is_quick():
    image = noise((3, 2, 1024, 1024))
    began = time.process_time()
    noise_correlation(image, (LAW, LAW))
    assert time.process_time() - began < 1.0


@pytest.mark.parametrize("law", [NoiseLaw(0.0, 0.0), NoiseLaw(0.02, 0.003), NoiseLaw(1.0, 1.0)])
def test_of_an_image_without_noise_nothing_is_said(law):
    flat = np.full((1, 1, 64, 64), -0.18, np.float32)
    assert noise_correlation(flat, [law]) == ()
    barely = flat + 1e-4 * np.random.default_rng(0).standard_normal(flat.shape).astype(np.float32)
    assert noise_correlation(barely, [law]) == ()
