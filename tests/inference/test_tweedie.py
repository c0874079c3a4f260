from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from napari_blindspot.chance import Chance
from napari_blindspot.filters import gaussian
from napari_blindspot.inference import Tweedie
from napari_blindspot.inference.response import noise_passed, own_slope
from napari_blindspot.noise import BlindPatches, BlindSample, NoiseLaw

CHANCE = Chance(0, (0, 0))


@pytest.mark.parametrize("origin", [(0, 0), (3, 8)])
@pytest.mark.parametrize("space", [(12, 13), (5, 9, 9)])
def test_own_slope_of_a_filter_is_its_central_weight(space, origin):
    def network(x):
        return gaussian(x, 0.6)

    impulse = torch.zeros(1, 1, 9, 9)
    impulse[0, 0, 4, 4] = 1
    centre = gaussian(impulse, 0.6)[0, 0, 4, 4]
    noisy = torch.rand(1, 1, *space)
    chance = Chance(0, (*space[:-2], *origin))
    slope = own_slope(network, noisy, torch.full_like(noisy, 0.3), chance)
    inner = slope[..., 4:-4, 4:-4]
    torch.testing.assert_close(inner, centre.expand_as(inner), rtol=1e-3, atol=1e-3)


def test_own_slope_does_not_depend_on_the_tile():
    def network(x):
        return gaussian(x, 1.0) ** 2

    noisy = torch.rand(1, 2, 40, 40)
    nudge = torch.full_like(noisy, 0.01)
    whole = own_slope(network, noisy, nudge, CHANCE)[..., 15:25, 15:25]
    part = (..., slice(3, 37), slice(6, 34))
    part = own_slope(network, noisy[part], nudge[part], Chance(0, (3, 6)))
    torch.testing.assert_close(part[..., 12:22, 9:19], whole, rtol=1e-3, atol=1e-4)


def test_without_the_standard_deviation_the_network_runs_once_per_turn():
    calls = []

    def network(x):
        calls.append(x)
        return x

    predictor = Tweedie(turns=2).calibrated(
        BlindSample(torch.zeros(1, 2), torch.zeros(1, 2), None), (NoiseLaw(0.0, 1.0),)
    )
    noisy = torch.rand(1, 1, 8, 8)
    result = predictor.predict(network, noisy, Chance(0, (0, 0)), with_std=False)
    assert result.std is None
    assert len(calls) == 2


@pytest.mark.parametrize("along", [((), ()), ((0.6, 0.2), (0.3, 0.1))])
def test_noise_that_comes_through_a_filter_has_the_variance_of_its_weighted_sum(along):
    noisy = torch.rand(1, 2, 96, 96)
    impulse = torch.zeros(1, 1, 25, 25)
    impulse[0, 0, 12, 12] = 1
    weights = gaussian(impulse, 1.5)
    lines = [torch.tensor([*lags[::-1], 1.0, *lags]) for lags in along]
    shared = (lines[0][:, None] * lines[1])[None, None]
    seen = torch.nn.functional.conv2d(weights, shared, padding=len(along[0]))
    deviation = torch.full_like(noisy, 0.2)
    passed = noise_passed(lambda x: gaussian(x, 1.5), noisy, deviation, Chance(0, (0, 0)), along)
    expected = 0.04 * float((weights * seen).sum())
    assert float(passed[..., 6:-6, 6:-6].mean()) == pytest.approx(expected, rel=0.1)


def test_noise_that_comes_through_does_not_depend_on_the_tile():
    noisy = torch.rand(1, 2, 40, 40)
    along = ((0.6, 0.2), (0.3, 0.1))

    def passed(window, origin):
        part = noisy[(..., *window)]
        deviation = torch.full_like(part, 0.1)
        return noise_passed(lambda x: gaussian(x, 1.0), part, deviation, Chance(3, origin), along)

    whole = passed(np.s_[0:40, 0:40], (0, 0))[..., 15:25, 15:25]
    part = passed(np.s_[3:37, 6:34], (3, 6))[..., 12:22, 9:19]
    torch.testing.assert_close(part, whole, rtol=1e-3, atol=1e-6)


def test_a_mean_over_neighbours_is_not_certain_though_it_ignores_the_pixel():
    """The derivative is 0, and half of the variance comes through from each of two neighbours."""
    predictor = Tweedie(turns=1, laws=(NoiseLaw(0.0, 1.0),))
    noisy = torch.randn(1, 1, 64, 64)
    result = predictor.predict(lambda x: (x.roll(1, -1) + x.roll(-1, -1)) / 2, noisy, CHANCE)
    assert float((result.std**2).mean()) == pytest.approx(0.5, rel=0.1)


def test_a_gaussian_prior():
    """Prior N(0, 3) and noise variance 1: posterior mean 3/4 y, posterior variance 3/4.

    Nine sixteenths of the noise come through, which counts besides.
    """
    generator = torch.Generator().manual_seed(0)
    clean = 3**0.5 * torch.randn(1, 1, 64, 64, generator=generator)
    noisy = clean + torch.randn(clean.shape, generator=generator)
    sample = BlindSample(noisy.flatten()[None], torch.zeros(1, 64 * 64), None)
    predictor = Tweedie(turns=8).calibrated(sample, (NoiseLaw(0.0, 1.0),))
    result = predictor.predict(lambda x: 0.75 * x, noisy, Chance(0, (0, 0)))
    torch.testing.assert_close(result.mean, 0.75 * noisy)
    expected = torch.full_like(noisy, (0.75 + 0.75**2) ** 0.5)
    torch.testing.assert_close(result.std, expected, rtol=1e-3, atol=0)
    inside = ((result.mean - clean).abs() < 1.645 * result.std).float().mean()
    assert 0.9 < inside < 0.98


def test_own_slope_runs_the_network_at_a_quarter_of_the_phases():
    calls = []

    def network(x):
        calls.append(x)
        return x

    noisy = torch.rand(1, 1, 16, 16)
    slope = own_slope(network, noisy, torch.full_like(noisy, 0.1), CHANCE)
    assert len(calls) == 8
    torch.testing.assert_close(slope, torch.ones_like(slope))


def test_what_turned_copies_disagree_about_is_uncertain():
    """The network says 1 on one side of a diagonal and -1 on the other, whatever it is shown."""
    place = torch.arange(16)
    side = torch.sign(15.0 - place[:, None] - place)
    predictor = Tweedie(turns=2, laws=(NoiseLaw(0.0, 1e-12),))
    noisy = torch.zeros(1, 1, 16, 16)
    result = predictor.predict(lambda x: 0 * x + side, noisy, CHANCE)
    torch.testing.assert_close(result.mean, torch.zeros_like(noisy))
    # Both copies are 1 away from their mean, and their variance is 2.
    torch.testing.assert_close(result.std[0, 0], 6**0.5 * side.abs())


def _gaussian_patches(error, network=lambda x: 0.75 * x):
    """Of a Gaussian prior with variance 3, noise of 1, and a blind prediction that is 0."""
    generator = torch.Generator().manual_seed(0)
    clean = 3**0.5 * torch.randn(4, 2, 64, 64, generator=generator)
    noisy = clean + torch.randn(clean.shape, generator=generator)
    hidden = torch.zeros_like(noisy)
    hidden[..., ::2, ::2] = 1
    return BlindPatches(noisy, torch.full_like(noisy, error), hidden, network)


def test_hidden_pixels_tell_the_size_of_the_variance():
    """Where nothing but the pixel itself tells of it: E[(y - m)(m - b)] = 3/16 of 4, the error."""
    predictor = Tweedie(turns=1, laws=(NoiseLaw(0.0, 1.0),) * 2)
    factors = predictor.variance_scale(_gaussian_patches(0.0))
    expected = 1.25 * 0.75 / (0.75 + 0.75**2)
    assert factors == pytest.approx((expected, expected), rel=0.05)


def test_a_variance_is_left_in_its_bounds_whatever_hidden_pixels_show():
    predictor = Tweedie(turns=1, laws=(NoiseLaw(0.0, 1.0),) * 2)
    far = predictor.variance_scale(_gaussian_patches(0.0, lambda x: x / 2 + 100 * (x > 3)))
    assert all(0.25 <= factor <= 4 for factor in far)
    same = predictor.variance_scale(_gaussian_patches(0.0, lambda x: 0 * x))
    assert same == (0.8, 0.8)  # nothing comes through, and nothing is known


def test_few_hidden_pixels_tell_little():
    patches = _gaussian_patches(0.0)
    few = dataclasses.replace(patches, hidden=torch.zeros_like(patches.hidden))
    few.hidden[0, :, 0, :8] = 1
    predictor = Tweedie(turns=1, laws=(NoiseLaw(0.0, 1.0),) * 2)
    many, guessed = (np.array(predictor.variance_scale(p)) for p in (patches, few))
    assert np.all(np.abs(guessed - 0.8) < 0.4)
    assert len(set(guessed)) == 2
    np.testing.assert_allclose(many, 0.714, atol=0.04)


def test_a_scaled_variance():
    laws, noisy = (NoiseLaw(0.0, 1.0),) * 2, torch.rand(1, 2, 16, 16)
    plain = Tweedie(turns=1, laws=laws)
    scaled = dataclasses.replace(plain, scale=(0.25, 4.0))
    one, other = (p.predict(lambda x: x / 2, noisy, CHANCE).std for p in (plain, scaled))
    torch.testing.assert_close(other, one * torch.tensor([0.5, 2.0]).view(1, 2, 1, 1))


def test_state_round_trip():
    patches = _gaussian_patches(0.0)
    noisy, mean = patches.noisy[:, :1], patches.mean[:, :1]
    patches = BlindPatches(noisy, mean, patches.hidden[:, :1], patches.network)
    sample = BlindSample(torch.zeros(1, 2), torch.zeros(1, 2), None, patches=patches)
    untold = Tweedie(similar=False)
    predictor = untold.calibrated(sample, (NoiseLaw(0.5, 1.0, 0.1),))
    assert len(predictor.scale) == 1
    assert untold.restored(predictor.state()) == predictor


def test_the_slope_for_shared_noise_is_that_along_what_is_shared():
    along = ((0.6, 0.2), (0.3, 0.1))
    impulse = torch.zeros(1, 1, 11, 11)
    impulse[0, 0, 5, 5] = 1
    weights = gaussian(impulse, 0.6)[0, 0]
    lines = [torch.tensor([*lags[::-1], 1.0, *lags]) for lags in along]
    shared = (weights[3:8, 3:8] * lines[0][:, None] * lines[1]).sum()
    noisy = torch.rand(1, 1, 40, 40)
    nudge = torch.full_like(noisy, 0.3)
    slope = own_slope(lambda x: gaussian(x, 0.6), noisy, nudge, CHANCE, along)
    # Neighbouring nudges have the other sign and cancel in the mean.
    assert float(slope[..., 8:-8, 8:-8].mean()) == pytest.approx(float(shared), rel=0.05)
