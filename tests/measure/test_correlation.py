"""Correlation of the noise, told from that of the signal."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from scipy import ndimage
from skimage.io import imread

import measure_scenes as scenes
from napari_blindspot import noise_report


def correlations(image, axes="YX"):
    (channel,) = noise_report(image, axes=axes).channels
    return {found.axis: np.array(found.lags) for found in channel.correlations}


@pytest.mark.parametrize("peak", [10.0, 100.0, 1000.0])
@pytest.mark.parametrize("coverage", [0.1, 1.0], ids=["sparse", "dense"])
def test_white_noise_on_structure(peak, coverage):
    noisy = scenes.exposed(scenes.clean((384, 384), peak=peak, coverage=coverage))
    found = correlations(noisy)
    assert np.abs(found["X"]).max() < 0.12
    assert np.abs(found["Y"]).max() < 0.12


@pytest.mark.parametrize("sigmas", [(0, 0.6), (0.6, 0), (0.7, 0.7), (0, 1.2)])
def test_correlated_noise_in_the_dark(sigmas):
    noise = 10 * scenes.coloured_noise((256, 256), sigmas)
    found = correlations(noise + 100)
    for axis, letter in enumerate("YX"):
        np.testing.assert_allclose(found[letter], scenes.true_correlation(noise, axis), atol=0.1)


def test_correlated_noise_on_structure():
    noise = 20 * scenes.coloured_noise((384, 384), (0, 0.7))
    found = correlations(2 * scenes.clean((384, 384), coverage=0.3) + noise)
    np.testing.assert_allclose(found["X"], scenes.true_correlation(noise, 1), atol=0.12)
    np.testing.assert_allclose(found["Y"], 0, atol=0.12)


def test_the_law_takes_notice_of_correlation():
    noise = 10 * scenes.coloured_noise((256, 256), (0.7, 0.7))
    (found,) = noise_report(noise + 500, axes="YX").channels
    assert found.variance**0.5 == pytest.approx(10, rel=0.1)


def test_planes_that_share_their_noise():
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((12, 96, 96))
    shared = noise[1:] + noise[:-1]
    found = correlations(100 + 5 * shared.astype(np.float32), axes="ZYX")
    np.testing.assert_allclose(found["Z"], [0.5, 0, 0, 0, 0], atol=0.1)
    np.testing.assert_allclose(found["X"], 0, atol=0.1)


def test_structure_along_z_and_t_is_no_noise():
    photons = np.repeat(scenes.clean((128, 128))[None], 8, 0)
    for axis in "ZT":
        found = correlations(scenes.exposed(photons), axes=f"{axis}YX")
        np.testing.assert_allclose(found[axis], 0, atol=0.1)


@pytest.mark.parametrize("colour", range(3))
def test_wide_field_pair_from_one_image(shared_data, colour):
    folder = shared_data / "fmd_zebrafish_widefield"
    noisy, truth = (
        imread(folder / part)[..., colour].astype(np.float64)
        for part in (
            "Raw_Images/WideField_BPAE_raw_rgb_new1.png",
            "Target_Images/WideField_BPAE_gt_rgb_new1.png",
        )
    )
    # The pair is stretched in contrast: the scale comes from least squares.
    noise = noisy - np.polyval(np.polyfit(truth.ravel(), noisy.ravel(), 1), truth)
    found = correlations(noisy)
    for axis, letter in enumerate("YX"):
        np.testing.assert_allclose(found[letter], scenes.true_correlation(noise, axis), atol=0.1)


@pytest.mark.parametrize("name", ["fish", "mice"])
def test_confocal_images_are_nearly_white(shared_data, name):
    noisy, truth = (
        tifffile.imread(shared_data / "fmd_confocal" / part / f"{name}.tif").astype(np.float64)
        for part in ("noisy", "gt")
    )
    found = correlations(noisy)
    for axis, letter in enumerate("YX"):
        expected = scenes.true_correlation(noisy - truth, axis)
        np.testing.assert_allclose(found[letter], expected, atol=0.06)


def test_calcium_movie(shared_data):
    movie = tifffile.imread(shared_data / "calcium_movie" / "two_photon_TYX.tif").astype(np.float64)
    noise = np.diff(movie, axis=0)
    found = correlations(movie, axes="TYX")
    for axis, letter in ((1, "Y"), (2, "X")):
        expected = scenes.true_correlation(noise, axis)
        np.testing.assert_allclose(found[letter], expected, atol=0.1)
    np.testing.assert_allclose(found["T"], 0, atol=0.05)


@pytest.mark.parametrize("length", [7, 9])
@pytest.mark.parametrize("structure", [0, 2])
def test_noise_over_more_pixels_than_are_reported(length, structure):
    rng = np.random.default_rng(0)
    noise = ndimage.uniform_filter1d(rng.standard_normal((256, 256)), length, axis=1)
    shown = 100 + 50 * noise + structure * scenes.clean((256, 256), coverage=0.3)
    found = correlations(shown.astype(np.float32))
    assert found["X"][:3].min() > 0.2
    assert np.abs([*found["X"], *found["Y"]]).max() <= 1


def test_noise_over_very_many_pixels_leaves_numbers():
    rng = np.random.default_rng(0)
    noise = ndimage.uniform_filter1d(rng.standard_normal((256, 256)), 15, axis=1)
    found = correlations((100 + 50 * noise).astype(np.float32))
    assert np.abs([*found["X"], *found["Y"]]).max() <= 1
