from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from scipy import ndimage

import scenes
from napari_blindspot.noise import (
    BlindSample,
    NoiseLaw,
    estimate_noise_law,
    fit_noise_law,
    fit_with_chance,
    noise_to_signal,
    seen_by_estimate,
)


def exposure(gain, offset_variance, signal, seed=0):
    rng = np.random.default_rng(seed)
    electrons = rng.poisson(signal / gain) * gain
    noisy = electrons + rng.normal(0, np.sqrt(offset_variance), signal.shape)
    return BlindSample(
        *(torch.from_numpy(a.astype(np.float32))[None] for a in (noisy, signal)), None
    )


@pytest.mark.parametrize("gain", [0.5, 4.0, 30.0])
@pytest.mark.parametrize("offset", [1.0, 100.0])
def test_law_of_simulated_exposures(gain, offset):
    signal = np.random.default_rng(1).uniform(10, 2000, 200_000)
    (law,) = fit_noise_law(exposure(gain, offset, signal))
    at = torch.tensor([50.0, 500.0, 1500.0])
    expected = gain * at + offset
    np.testing.assert_allclose(law.variance(at), expected, rtol=0.06)
    assert law.gain == pytest.approx(gain, rel=0.05)


def test_sparse_images_are_not_decided_by_their_background():
    rng = np.random.default_rng(2)
    signal = np.where(rng.random(200_000) < 0.02, rng.uniform(100, 1000, 200_000), 5.0)
    (law,) = fit_noise_law(exposure(3.0, 4.0, signal))
    assert law.gain == pytest.approx(3.0, rel=0.07)


def test_saturation_is_left_out():
    rng = np.random.default_rng(3)
    signal = rng.uniform(10, 300, 200_000)
    sample = exposure(3.0, 4.0, signal)
    clipped = BlindSample(sample.noisy.clamp_max(255), sample.mean.clamp_max(255), None)
    (law,) = fit_noise_law(clipped)
    assert law.gain == pytest.approx(3.0, rel=0.07)


def test_structure_is_told_from_noise_by_the_predicted_variance():
    rng = np.random.default_rng(4)
    signal = rng.uniform(50, 500, 100_000)
    sample = exposure(2.0, 10.0, signal)
    error = np.where(rng.random(signal.shape) < 0.4, 60.0, 0.0)
    mean = sample.mean + torch.from_numpy(error * rng.standard_normal(signal.shape)).float()
    variance = torch.from_numpy(error**2 + 2 * signal + 10).float()[None]
    (law,) = fit_noise_law(BlindSample(sample.noisy, mean, variance))
    assert law.gain == pytest.approx(2.0, rel=0.12)


def test_normalised_law_gives_the_same_noise():
    law = NoiseLaw(4.0, -12.0, 0.5)
    normal = law.normalised(30.0, 20.0)
    signal = torch.linspace(0, 300, 7)
    torch.testing.assert_close(normal.variance((signal - 30) / 20) * 400, law.variance(signal))
    back = normal.denormalised(30.0, 20.0)
    assert (back.gain, back.offset, back.floor) == pytest.approx((4.0, -12.0, 0.5))


@pytest.mark.parametrize("shape", [(128, 128), (8, 64, 64)])
def test_estimate_from_the_image_alone(shape):
    noisy, _ = scenes.noisy_and_clean(shape)
    (law,) = estimate_noise_law(torch.from_numpy(noisy.astype(np.float32))[None, None])
    signal = torch.tensor([40.0, 120.0])
    camera = scenes.CAMERA
    expected = camera.gain * (signal - camera.offset) + camera.read_noise**2
    np.testing.assert_allclose(law.variance(signal), expected, rtol=0.2)


def test_constant_and_tiny_images_have_a_positive_variance():
    for values in (torch.full((1, 1, 16, 16), 3.0), torch.rand(1, 1, 3, 4)):
        (law,) = estimate_noise_law(values)
        assert float(law.variance(torch.tensor(3.0))) > 0


def test_an_inexact_blind_prediction_is_made_up_for_by_the_visible_one():
    """Prior N(s, 30^2) and noise: the blind prediction s alone would leave 900 too much."""
    rng = np.random.default_rng(5)
    centre = rng.uniform(50, 1000, 300_000)
    clean = centre + 30 * rng.standard_normal(centre.shape)
    noise = 2 * clean.clip(0) + 100
    noisy = clean + np.sqrt(noise) * rng.standard_normal(centre.shape)
    visible = centre + 900 / (900 + 2 * centre + 100) * (noisy - centre)
    tensors = [torch.from_numpy(a)[None] for a in (noisy, centre, visible)]
    blind = BlindSample(tensors[0], tensors[1], None)
    (wrong,) = fit_noise_law(blind)
    (law,) = fit_noise_law(BlindSample(tensors[0], tensors[1], None, tensors[2]))
    at = torch.tensor([100.0, 500.0, 900.0])
    np.testing.assert_allclose(law.variance(at), 2 * at + 100, rtol=0.08)
    assert float(wrong.variance(at[0])) > 3 * float(law.variance(at[0]))


def test_photon_counts_with_a_dark_background():
    """Most pixels have no photon at all; they must not pull the line down to zero."""
    rng = np.random.default_rng(6)
    signal = np.where(rng.random(200_000) < 0.6, 1e-3, rng.uniform(0.1, 15, 200_000))
    noisy = rng.poisson(signal)
    visible = signal + 0.02 * (noisy - signal)
    (law,) = fit_noise_law(
        BlindSample(
            *(torch.from_numpy(a * 1.0)[None] for a in (noisy, signal)),
            None,
            torch.from_numpy(visible)[None],
        )
    )
    assert law.gain == pytest.approx(1.0, rel=0.06)


def test_noise_to_signal_is_the_mean_ratio_of_the_variances():
    assert noise_to_signal(()) == 0
    assert noise_to_signal([NoiseLaw(0.3, 0.1), NoiseLaw(0.0, 0.3)]) == pytest.approx(0.25)
    assert noise_to_signal([NoiseLaw(0.0, 1.2)]) == pytest.approx(120)


def test_intervals_cover_the_truth():
    """Of 40 intervals of 95 %, 38 are expected to hold the truth; 34 or less are 1 in 100."""
    signal = np.random.default_rng(7).uniform(20, 400, 30_000)
    gains, offsets = [], []
    for seed in range(40):
        (fitted,) = fit_with_chance(exposure(2.0, 9.0, signal, seed))
        interval = fitted.interval(0.0, 1.0)
        assert interval.gain[0] < fitted.law.gain < interval.gain[1]
        gains.append(interval.gain[0] <= 2.0 <= interval.gain[1])
        offsets.append(interval.offset[0] <= 9.0 <= interval.offset[1])
    assert sum(gains) >= 35
    assert sum(offsets) >= 35


def test_interval_has_the_units_of_the_input():
    signal = np.random.default_rng(8).uniform(20, 400, 30_000)
    sample = exposure(2.0, 9.0, signal)
    (plain,) = fit_with_chance(sample)
    normal = BlindSample((sample.noisy - 100) / 50, (sample.mean - 100) / 50, None)
    (scaled,) = fit_with_chance(normal)
    expected, found = plain.interval(0.0, 1.0), scaled.interval(100.0, 50.0)
    assert found.gain == pytest.approx(expected.gain, rel=1e-3)
    assert found.offset == pytest.approx(expected.offset, rel=1e-2, abs=0.1)


def test_a_sample_with_repeats_knows_less():
    signal = np.random.default_rng(9).uniform(20, 400, 20_000)
    sample = exposure(2.0, 9.0, signal)
    (once,) = fit_with_chance(sample)
    (often,) = fit_with_chance(dataclasses.replace(sample, repeats=3.0))
    assert often.law == once.law
    width = [np.ptp(each.interval(0.0, 1.0).gain) for each in (once, often)]
    assert 1.3 < width[1] / width[0] < 2.5


def test_too_few_pixels_have_no_interval():
    few = torch.ones(1, 5)
    (fitted,) = fit_with_chance(BlindSample(few, few, None))
    assert fitted.interval(0.0, 1.0) is None
    assert fitted.law.gain == 0


@pytest.mark.parametrize("sigma", [0.5, 0.7, 0.9])
def test_how_much_of_shared_noise_the_estimate_sees(sigma):
    rng = np.random.default_rng(0)
    noise = ndimage.gaussian_filter(rng.standard_normal((512, 512)), sigma)
    noise = 5 * noise / noise.std()
    lags = tuple(float((noise[k:] * noise[:-k]).mean() / 25) for k in (1, 2))
    (law,) = estimate_noise_law(torch.from_numpy(noise.astype(np.float32))[None, None])
    assert law.offset / 25 == pytest.approx(seen_by_estimate((lags, lags)), rel=0.25)


def test_white_noise_is_seen_whole():
    assert seen_by_estimate(((0.0, 0.0), (0.0, 0.0))) == pytest.approx(1)
    assert NoiseLaw(1.0, 2.0, 3.0).scaled(2) == NoiseLaw(2.0, 4.0, 6.0)
