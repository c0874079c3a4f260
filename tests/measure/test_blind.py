"""Law and correlation from blind predictions that a fixed filter makes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

import measure_scenes as scenes
from napari_blindspot.measure import blind, law
from napari_blindspot.measure.blind import Blind
from napari_blindspot.measure.defects import Limits
from napari_blindspot.measure.report import Estimate

FREE = Limits(None, None, 0.0, 0.0)


def neighbours(image, sigma=2.0, hidden=0):
    """Gaussian mean of the pixels around, without the pixel and `hidden` ones left and right."""
    weights = np.zeros((1, 15, 15))
    weights[0, 7, 7] = 1
    weights = ndimage.gaussian_filter(weights, (0, sigma, sigma))
    weights[0, 7, 7 - hidden : 8 + hidden] = 0
    return ndimage.convolve(image, weights / weights.sum(), mode="reflect")


def seen(noisy, gain=0.0, offset=1.0, part=1.0, seed=7, **around):
    """A run, and its blind prediction by `neighbours`, for a part of the pixels."""
    noisy = noisy.astype(float)[None] if noisy.ndim == 2 else noisy.astype(float)
    mean = neighbours(noisy, **around)
    rng = np.random.default_rng(seed)
    drawn = np.sqrt(np.maximum(gain * mean + offset, 0.1)) * rng.standard_normal(noisy.shape)
    error = mean - neighbours(mean + drawn, **around)
    everywhere = np.ones(noisy.shape, bool)
    predicted = Blind(mean, rng.random(noisy.shape) < part, drawn, error)
    return law.Planes(noisy, everywhere, False), predicted


def fitted(noisy, **camera):
    run, predicted = seen(noisy, **camera)
    found = law.estimate(blind.observe([run], [predicted]), FREE, {})
    return [Estimate.of(v, found.tiles) for v in (found.line.gain, found.line.offset)]


@pytest.mark.parametrize("part", [1.0, 0.3])
def test_law_of_a_camera(part):
    photons = scenes.clean((256, 256), peak=60.0)
    noisy = scenes.exposed(photons)
    gain, offset = fitted(noisy, gain=2.0, offset=-164.0, part=part, sigma=1.2)
    assert gain.value == pytest.approx(2.0, rel=0.1)
    assert gain.value * 110 + offset.value == pytest.approx(2.0 * 10 + 36, rel=0.06)


def test_error_of_the_prediction_is_taken_off():
    """The mean of the neighbours has 2 % of the variance of a pixel."""
    noisy = 100 + 10 * np.random.default_rng(0).standard_normal((1, 256, 256))
    run, predicted = seen(noisy, offset=100.0)
    squares = ((run.values - predicted.mean) ** 2).mean()
    found = law.estimate(blind.observe([run], [predicted]), FREE, {})
    assert squares > 101.5
    assert found.line.at(100.0)[0] == pytest.approx(100, rel=0.015)


def test_intervals_cover_the_truth():
    """Of 40 intervals of 95 %, 38 are expected to hold the truth; 34 or less are 1 in 100."""
    rng = np.random.default_rng(1)
    signal = np.broadcast_to(np.linspace(20, 120, 128), (128, 128))
    gains, offsets = [], []
    for seed in range(40):
        noisy = 2.0 * rng.poisson(signal / 2.0) + 3 * rng.standard_normal(signal.shape)
        gain, offset = fitted(noisy, gain=2.0, offset=9.0, seed=seed)
        gains.append(gain.low <= 2.0 <= gain.high)
        offsets.append(offset.low <= 9.0 <= offset.high)
    assert sum(gains) >= 35
    assert sum(offsets) >= 35


def test_white_noise_has_no_correlation():
    """Residuals alone have: the prediction of a pixel holds noise of its neighbours."""
    noisy = np.random.default_rng(2).standard_normal((1, 256, 256))
    run, predicted = seen(noisy)
    residual = (run.values - predicted.mean)[0]
    assert np.mean(residual[:, 1:] * residual[:, :-1]) < -0.01
    for found in blind.correlations([run], [predicted], "", (0.0, 1.0)):
        np.testing.assert_allclose(found.lags, 0, atol=0.02)
        assert max(found.errors) < 0.01


def test_correlation_within_the_hidden_pixels_is_seen():
    noise = scenes.coloured_noise((1, 256, 256), (0, 0, 0.8))
    run, predicted = seen(noise, hidden=4)
    across, down = blind.correlations([run], [predicted], "", (0.0, 1.0))
    assert (across.axis, down.axis) == ("X", "Y")
    np.testing.assert_allclose(across.lags, scenes.true_correlation(noise, 2), atol=0.04)
    # Predictions hold noise that is correlated with that of the pixel below, but with a minus.
    assert -0.2 < down.lags[0] < 0.04


def test_correlation_that_neighbours_know_leaves_less_noise():
    noise = scenes.coloured_noise((1, 256, 256), (0, 0, 0.8))
    run, predicted = seen(noise)
    found = law.estimate(blind.observe([run], [predicted]), FREE, {})
    assert found.line.at(0.0)[0] < 0.8


def test_correlation_between_planes():
    noise = scenes.coloured_noise((8, 96, 96), (0.7, 0, 0))
    run, predicted = seen(noise)
    found = {c.axis: c for c in blind.correlations([run], [predicted], "T", (0.0, 1.0))}
    np.testing.assert_allclose(found["T"].lags, scenes.true_correlation(noise, 0), atol=0.04)


def test_unusable_pixels_and_their_surroundings_are_left_out():
    noisy = scenes.exposed(scenes.clean((128, 128))).astype(float)[None]
    run, predicted = seen(noisy, gain=2.0, offset=-164.0, sigma=1.2)
    noisy[0, 60, 60] = 60_000
    run.good[0, 60, 60] = False
    assert (~blind.usable(run, predicted)).sum() == 49
    spoilt = law.estimate(blind.observe([run], [predicted]), FREE, {})
    assert spoilt.line.gain[0] == pytest.approx(2.0, rel=0.15)


@pytest.mark.parametrize("shape", [(1, 5, 6), (1, 1, 1), (1, 9, 1)])
def test_too_small_planes_tell_nothing(shape):
    run, predicted = seen(np.zeros(shape))
    assert law.estimate(blind.observe([run], [predicted]), FREE, {}) is None
    assert blind.correlations([run], [predicted], "", (0.0, 1.0)) == []
