from __future__ import annotations

import numpy as np
import pytest

import scenes
from napari_blindspot import api, methods
from napari_blindspot.methods import Spec
from napari_blindspot.noise import NoiseLaw

pytestmark = pytest.mark.usefixtures("few_pixels")
SMALL = {"width": 8, "depth": 1, "patch": 32, "batch": 2, "members": 1}


def spec(gain, offset, quantum, mean=20.0, std=10.0, budget_s=10.0):
    law = NoiseLaw(gain, offset, 0.1).normalised(mean, std)
    return Spec(2, 1, (mean,), (std,), budget_s, (law,), (quantum / std,))


def test_photon_counts_are_dealt_out_with_their_exact_gain():
    method = methods.create("express", SMALL)
    counts, camera = (method.build(spec(*values)) for values in ((0.9, 0.1, 1.0), (3.0, 0.1, 1.0)))
    assert counts.masking.counted == (True,)
    assert counts.masking.laws[0].denormalised(20.0, 10.0).gain == pytest.approx(1.0)
    assert counts.masking.laws[0].denormalised(20.0, 10.0).offset == pytest.approx(0.0, abs=1e-9)
    assert camera.masking.counted == (False,)


def test_a_fitted_law_replaces_that_of_a_camera_but_not_that_of_counts():
    method = methods.create("express", SMALL)
    fitted = (NoiseLaw(0.123, 0.2, 0.05),)
    camera = method.renoised(method.build(spec(3.0, 0.1, 1.0)), fitted)
    counts = method.renoised(method.build(spec(1.0, 0.0, 1.0)), fitted)
    assert camera.masking.laws == fitted
    assert counts.masking.laws[0].gain == pytest.approx(0.1)


def test_more_time_makes_more_networks():
    counts = [
        len(methods.create("express").build(spec(3.0, 0.1, 1.0, budget_s=s)).network.members)
        for s in (5.0, 10.0, 60.0, 300.0)
    ]
    assert counts == [1, 1, 1, 5]


def test_more_noise_makes_a_wider_blur_to_begin_from():
    method = methods.create("express", SMALL)
    built = [method.build(spec(1.0, 100.0 * part - 20.0, 0.0)) for part in (0.4, 0.6, 0.9)]
    sigmas = [parts.network.members[0].base_sigma for parts in built]
    assert sigmas == pytest.approx([1.3, 1.7 * 0.6 / 0.4, 5.0])


def test_weights_decay_more_where_there_is_more_noise():
    method = methods.create("express", SMALL)
    built = [method.build(spec(1.0, 100.0 * part - 20.0, 0.0)) for part in (0.1, 1 / 3, 0.9)]
    decays = [parts.recipe.weight_decay for parts in built]
    assert decays == pytest.approx([1.5, 1.5 + 5 * (0.5 - 0.4), 3.0])


def test_real_counts_are_recognised_on_the_way_in():
    rng = np.random.default_rng(0)
    _, clean = scenes.noisy_and_clean((64, 64))
    result = api.denoise(rng.poisson(clean / 10), method="express", budget="3steps", **SMALL)
    assert result.model.networks[0].parts.masking.counted == (True,)


def test_uncertainty_follows_the_error():
    noisy, clean = scenes.noisy_and_clean((96, 96))
    options = {"width": 16, "members": 1, "patch": 48, "budget": "120steps", "with_std": True}
    result = api.denoise(noisy, method="express", **options)
    error = np.abs(result.image - clean)
    order = np.argsort(result.std.ravel())
    quiet, loud = (error.ravel()[part].mean() for part in (order[:3000], order[-3000:]))
    assert loud > 1.5 * quiet
    inside = (error < 1.645 * result.std).mean()
    assert 0.6 < inside < 0.99
