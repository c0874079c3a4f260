"""Whether frames show the same thing."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

import scenes
from napari_blindspot.measure import repeats


def frames(shift=0, shape=(1, 96, 96), sigma=0.0):
    """Two exposures `(2, C, Y, X)` of nuclei, the second moved along X."""
    _, clean = scenes.noisy_and_clean(shape)
    rng = np.random.default_rng(3)
    noise = rng.normal(0, 20, (2, *shape))
    if sigma:
        noise = 3 * ndimage.gaussian_filter(noise, (0, 0, sigma, sigma))
    return np.stack([clean, np.roll(clean, shift, -1)]) + noise


@pytest.mark.parametrize("shape", [(1, 96, 96), (2, 96, 96)])
def test_white_noise_alone_counts_as_one(shape):
    assert repeats.difference(frames(shape=shape)) == pytest.approx(1, abs=0.2)
    assert repeats.warning(frames(shape=shape)) == ""


def test_another_brightness_is_no_difference():
    first, second = frames()
    assert repeats.warning(np.stack([first, 2 * second + 10])) == ""


def test_motion_counts_the_more_the_farther_it_goes():
    found = [repeats.difference(frames(shift)) for shift in (0, 2, 4, 8)]
    assert found == sorted(found)
    assert "moved or changed" in repeats.warning(frames(8))


def test_correlated_noise_is_named_as_the_harmless_cause():
    assert "all is well" in repeats.warning(frames(sigma=1.0))


def test_copies_and_pixels_without_a_value():
    first, second = frames()
    assert "copies" in repeats.warning(np.stack([first, first]))
    second[0, 4, 4] = np.nan
    assert np.isfinite(repeats.difference(np.stack([first, second])))
