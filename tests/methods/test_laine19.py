from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from scipy.ndimage import gaussian_filter

import scenes
from napari_blindspot import api, methods, simulate
from napari_blindspot.losses import GaussianLikelihood
from napari_blindspot.losses.joint import JointLikelihood
from napari_blindspot.losses.poisson import PoissonLikelihood
from napari_blindspot.methods import Spec
from napari_blindspot.noise import NoiseLaw
from napari_blindspot.params import InputError

pytestmark = pytest.mark.usefixtures("few_pixels")
HAZELNUT = Path(__file__).parents[3] / "shared" / "data" / "photon_hazelnut"
SMALL = {"method": "laine19", "width": 12, "depth": 2, "patch": 32, "batch": 2}


def gain_db(noisy, clean, **options):
    result = api.denoise(noisy, **{**SMALL, "budget": "100steps", **options})
    before = scenes.peak_signal_to_noise(noisy, clean)
    return scenes.peak_signal_to_noise(result.image, clean) - before


@pytest.mark.parametrize(
    "options",
    [
        {"likelihood": "gaussian"},
        {"likelihood": "poisson-gaussian", "noise_model": "joint"},
        {"likelihood": "poisson"},
        {"directions": "two"},
        {"gain": 4.0, "read_noise": 3.0, "offset": 20.0},
    ],
    ids=["gaussian", "joint", "poisson", "two-directions", "known-noise"],
)
def test_every_likelihood_denoises(options):
    noisy, clean = scenes.noisy_and_clean((96, 96), peak=15.0)
    assert gain_db(noisy, clean, **options) > 5


def test_impulses_are_replaced():
    _, clean = scenes.noisy_and_clean((96, 96))
    rng = np.random.default_rng(0)
    hit = rng.random(clean.shape) < 0.2
    noisy = np.where(hit, rng.uniform(clean.min(), clean.max(), clean.shape), clean)
    assert gain_db(noisy, clean, likelihood="impulse") > 5


def test_joint_noise_is_learned(monkeypatch):
    """Noise of variance 100 on a smooth image, and a start that overstates it more than twice."""
    rng = np.random.default_rng(0)
    clean = np.fromfunction(lambda y, x: 200 + 60 * np.sin(y / 9) * np.cos(x / 11), (96, 96))
    noisy = clean + 10 * rng.standard_normal(clean.shape)
    options = {"likelihood": "gaussian", "noise_model": "joint", "patch": 48, "batch": 1}
    estimate = "napari_blindspot.specs.estimate_noise_law"
    monkeypatch.setattr(estimate, lambda samples: (NoiseLaw(0.0, 0.25, 0.25),))
    result = api.denoise(noisy, **{**SMALL, **options, "budget": "300steps"})
    assert scenes.peak_signal_to_noise(result.image, clean) > 30
    network = result.model.networks[0]
    learned = network.parts.network(torch.zeros(1, 1, 16, 16))[0, 3, 0, 0].detach().exp()
    assert float(learned) * network.normalization.std[0] ** 2 == pytest.approx(100, rel=0.35)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gain": 2.0}, "read_noise"),
        ({"read_noise": 2.0}, "gain"),
        ({"likelihood": "poisson", "noise_model": "joint"}, "joint"),
        ({"likelihood": "impulse", "noise_model": "joint"}, "joint"),
    ],
)
def test_contradictions_are_refused(options, message):
    method = methods.create("laine19", options)
    with pytest.raises(InputError, match=message):
        method.build(Spec(2, 1, (0.0,), (1.0,)))


def test_known_noise_reaches_the_posterior_in_normalised_units():
    method = methods.create("laine19", {"gain": 4.0, "read_noise": 3.0, "offset": 20.0})
    parts = method.build(Spec(2, 1, (100.0,), (50.0,)))
    (law,) = parts.predictor.known
    expected = NoiseLaw(4.0, 9.0 - 80.0, 9.0).normalised(100.0, 50.0)
    assert (law.gain, law.offset) == pytest.approx((expected.gain, expected.offset))


@pytest.mark.slow
@pytest.mark.skipif(not HAZELNUT.exists(), reason="shared/data/photon_hazelnut is absent")
def test_truth_lies_in_the_posterior_interval_of_photon_counts():
    """90 % intervals of real photon counts hold about 90 % of the true pixels."""
    counts = tifffile.imread(HAZELNUT / "noisy_lowlight_T40.tif")
    truth = tifffile.imread(HAZELNUT / "gt_lowlight_total_div40.tif")
    corner = np.s_[..., :128, :128]
    options = {"likelihood": "poisson", "budget": "150steps", "with_std": True}
    options |= {"width": 16, "depth": 2, "patch": 32, "batch": 4}
    result = api.denoise(counts[:4][corner], method="laine19", axes="TYX", **options)
    inside = np.abs(result.image - truth[corner]) < 1.645 * result.std
    assert inside.mean() == pytest.approx(0.9, abs=0.05)


@pytest.mark.parametrize(
    ("noise", "least", "most"), [(0.1, 0.0, 0.0), (0.5, 1.0, 4.0), (0.95, 6, 6)]
)
def test_weights_decay_where_noise_outweighs_the_signal(noise, least, most):
    spec = Spec(2, 1, (0.0,), (1.0,), noise=(NoiseLaw(0.0, noise),))
    assert least <= methods.get("laine19")().build(spec).recipe.weight_decay <= most


@pytest.mark.parametrize(
    ("options", "noise", "optimizer", "rate"),
    [
        ({}, 0.1, "muon", 0.008),
        ({}, 0.4, "adam", 0.004),
        ({}, 0.95, "adam", 0.004),
        ({"optimizer": "muon"}, 0.95, "muon", 0.008),
        ({"learning_rate": 0.001}, 0.95, "adam", 0.001),
    ],
)
def test_optimizer_is_adam_where_weights_decay(options, noise, optimizer, rate):
    spec = Spec(2, 1, (0.0,), (1.0,), noise=(NoiseLaw(0.0, noise),))
    recipe = methods.get("laine19").of(options).build(spec).recipe
    assert (recipe.optimizer, recipe.learning_rate) == (optimizer, rate)


def test_three_photons_are_denoised_better_than_by_a_blur():
    """Four times as much noise as signal, where the decay of weights outweighs steps of Muon."""
    rng = np.random.default_rng(0)
    camera = simulate.Camera(gain=2.0, offset=100.0, read_noise=2.0)
    photons = simulate.nuclei((160, 160), rng, peak=3.0, background=0.15)
    noisy, clean = camera.expose(photons, rng), camera.expected(photons)
    blurred = [gaussian_filter(noisy.astype(np.float64), sigma) for sigma in (2, 3, 4, 5)]
    best = max(scenes.peak_signal_to_noise(image, clean) for image in blurred)
    found = api.denoise(noisy, method="laine19", budget="100steps", axes="YX").image
    assert scenes.peak_signal_to_noise(found, clean) > best + 0.5


@pytest.mark.parametrize(
    ("options", "law", "chosen"),
    [
        ({}, NoiseLaw(0.1, 0.1), PoissonLikelihood),
        ({}, NoiseLaw(0.2, 0.2), GaussianLikelihood),
        ({}, NoiseLaw(0.1, 0.3), GaussianLikelihood),
        ({"noise_model": "joint"}, NoiseLaw(0.1, 0.1), JointLikelihood),
        ({"gain": 1.0, "read_noise": 2.0}, NoiseLaw(0.1, 0.1), GaussianLikelihood),
        ({"likelihood": "poisson-gaussian"}, NoiseLaw(0.1, 0.1), GaussianLikelihood),
    ],
    ids=["counts", "gain of 2", "read noise", "joint", "known", "asked for"],
)
def test_photon_counts_are_recognised(options, law, chosen):
    """A mean of 10 and a standard deviation of 10 grey values: 0.1 is one of them."""
    spec = Spec(2, 1, (10.0,), (10.0,), noise=(law,), quantum=(0.1,))
    assert isinstance(methods.create("laine19", options).build(spec).loss, chosen)
