from __future__ import annotations

import math

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from napari_blindspot.params import InputError
from napari_blindspot.quality import affine_psnr, psnr, ssim


@pytest.fixture
def truth():
    y, x = np.mgrid[:64, :64]
    return 100 + 40 * np.sin(x / 5.0) * np.cos(y / 7.0)


@pytest.fixture
def noisy(truth):
    return truth + np.random.default_rng(0).normal(0, 5, truth.shape)


def test_psnr_of_a_known_error():
    assert psnr(np.full((4, 4), 12), np.full((4, 4), 10), 200) == pytest.approx(40.0)


def test_psnr_agrees_with_scikit_image(truth, noisy):
    expected = peak_signal_noise_ratio(truth, noisy, data_range=255)
    assert psnr(noisy, truth, 255) == pytest.approx(expected)


def test_psnr_of_equal_images_is_infinite(truth):
    assert psnr(truth, truth, 255) == math.inf


def test_psnr_of_unsigned_integers_does_not_wrap_around():
    low, high = np.zeros((4, 4), np.uint8), np.full((4, 4), 1, np.uint8)
    assert psnr(low, high, 255) == psnr(high, low, 255) == pytest.approx(20 * math.log10(255))


def test_affine_psnr_forgives_scale_and_offset(truth, noisy):
    plain = affine_psnr(noisy, truth)
    assert affine_psnr(0.01 * noisy - 7, truth) == pytest.approx(plain)
    assert affine_psnr(-3 * noisy, truth) == pytest.approx(plain)


def test_affine_psnr_is_plain_psnr_of_the_least_squares_fit(truth, noisy):
    scale, offset = np.polyfit(noisy.ravel(), truth.ravel(), 1)
    peak = np.percentile(truth, 99.9) - truth.min()
    assert affine_psnr(noisy, truth) == pytest.approx(psnr(scale * noisy + offset, truth, peak))


def test_affine_psnr_of_a_constant_result_is_that_of_the_mean(truth):
    peak = np.percentile(truth, 99.9) - truth.min()
    expected = 10 * math.log10(peak**2 / truth.var())
    assert affine_psnr(np.zeros_like(truth), truth) == pytest.approx(expected)


def test_ssim_falls_with_noise(truth, noisy):
    assert ssim(truth, truth, 255) == pytest.approx(1.0)
    noisier = truth + 3 * (noisy - truth)
    assert ssim(noisier, truth, 255) < ssim(noisy, truth, 255) < 1


def test_ssim_of_a_volume(truth):
    volume = np.stack([truth] * 12)
    assert ssim(volume, volume, 255) == pytest.approx(1.0)


@pytest.mark.parametrize("figure", [lambda a, b: psnr(a, b, 1), affine_psnr])
def test_unequal_shapes_are_refused(figure):
    with pytest.raises(InputError, match=r"shape \(4, 1\), the truth \(4, 4\)"):
        figure(np.ones((4, 1)), np.ones((4, 4)))


@pytest.mark.parametrize("figure", [psnr, ssim])
@pytest.mark.parametrize("data_range", [0, -1, math.nan])
def test_senseless_data_range_is_refused(figure, data_range, truth):
    with pytest.raises(InputError, match="use a number above 0"):
        figure(truth, truth, data_range)


def test_images_that_carry_no_information_are_refused(truth):
    with pytest.raises(InputError, match="truth is constant"):
        affine_psnr(truth, np.ones_like(truth))
    with pytest.raises(InputError, match="use 11 pixels per axis"):
        ssim(truth[:5], truth[:5], 255)
