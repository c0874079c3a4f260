from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from scipy import ndimage

import scenes
from napari_blindspot import api, methods
from napari_blindspot.losses import SmoothError
from napari_blindspot.measure.neighbours import noise_correlation
from napari_blindspot.methods import Spec
from napari_blindspot.methods.amsnet import independent_at
from napari_blindspot.noise import estimate_noise_law

pytestmark = pytest.mark.usefixtures("few_pixels")
SMALL = {"width": 8, "depth": 1, "patch": 32, "batch": 2, "deals": 1}
SPEC = Spec(2, 1, (0.0,), (1.0,))


def correlated(shape, sigma):
    """Structure, and noise behind a Gaussian of a known sigma."""
    _, clean = scenes.noisy_and_clean(shape)
    noise = np.random.default_rng(0).standard_normal(shape)
    noise = ndimage.gaussian_filter(noise, sigma) if sigma else noise
    return clean + clean.std() * noise / noise.std()


def test_distance_at_which_noise_is_independent():
    assert independent_at((), 0.1) == 1
    assert independent_at(((0.05, -0.02),), 0.1) == 1
    assert independent_at(((0.6, 0.1, 0.0),), 0.12) == 2
    assert independent_at(((0.6, 0.2, 0.05), (0.5, 0.0, -0.3)), 0.12) == 4


@pytest.mark.parametrize(("sigma", "factors", "refinements"), [(0, (1, 1), 0), (0.75, (3, 2), 16)])
def test_factors_follow_from_the_measured_correlation(sigma, factors, refinements):
    """Behind sigma 0.75 the correlations are 0.64, 0.17, 0.02."""
    image = correlated((256, 256), sigma)
    normal = ((image - image.mean()) / image.std()).astype(np.float32)[None, None]
    laws = estimate_noise_law(torch.from_numpy(normal))
    spec = dataclasses.replace(SPEC, along=noise_correlation(normal, laws))
    parts = methods.create("amsnet", SMALL).build(spec)
    assert (parts.network.factor, parts.predictor.factor) == factors
    assert parts.predictor.refinements == refinements


def test_the_method_is_told_the_correlation():
    image = correlated((128, 128), 1.0)
    result = api.denoise(image, method="amsnet", budget="1steps", refinements=0, **SMALL)
    (lags,) = result.model.networks[0].spec.correlation
    assert lags[0] > 0.4


def test_given_numbers_take_the_place_of_measured_ones():
    spec = dataclasses.replace(SPEC, along=(((0.6, 0.1, 0.0), (0.2, 0.3, 0.0)),))
    given = {"factor": 5, "prediction_factor": 1, "refinements": 3}
    parts = methods.create("amsnet", {**SMALL, **given}).build(spec)
    assert (parts.network.factor, parts.predictor.factor) == (5, 1)
    assert parts.predictor.refinements == 3


@pytest.mark.parametrize("origin", [0, 24])
def test_phases_and_masks_of_a_tile_are_those_of_the_whole(origin):
    from napari_blindspot.chance import Chance

    given = {"factor": 3, "prediction_factor": 2, "refinements": 1}
    parts = methods.create("amsnet", {**SMALL, **given}).build(SPEC)
    torch.nn.init.normal_(parts.network.network.network.head.weight)
    assert origin % parts.network.divisor[0] == 0
    noisy = torch.rand(1, 1, 192, 48)
    reach = parts.network.halo[0] + parts.predictor.margin
    with torch.no_grad():
        whole = parts.predictor.predict(parts.network, noisy, Chance(0, (0, 0))).mean
        shown = noisy[..., origin : origin + 156, :]
        tile = parts.predictor.predict(parts.network, shown, Chance(0, (origin, 0))).mean
    first = reach if origin else 0
    expected = whole[..., origin + first : origin + 156 - reach, :]
    assert expected.shape[-2] > 0
    torch.testing.assert_close(tile[..., first : 156 - reach, :], expected)


def test_smoothness_comes_in_at_the_end():
    plain, smooth = (
        methods.create("amsnet", {**SMALL, "smoothness": weight}) for weight in (0.0, 0.1)
    )
    assert plain.build(SPEC).recipe.noise_updates == ()
    parts = smooth.build(SPEC)
    assert parts.recipe.noise_updates == (0.7,)
    assert parts.loss.weight == 0
    tuned = smooth.renoised(parts, ())
    assert isinstance(tuned.loss, SmoothError)
    assert tuned.loss.weight == 0.1


def test_a_training_turns_to_the_smooth_loss():
    noisy = correlated((48, 48), 0)
    options = {**SMALL, "smoothness": 10.0, "factor": 1, "budget": "10steps"}
    result = api.denoise(noisy, method="amsnet", **options)
    losses = result.model.networks[0].losses
    assert min(losses[7:]) > 1.5 * max(losses[:7])


@pytest.mark.parametrize("backbone", ["unet", "dncnn", "nafnet", "restormer", "deamnet"])
@pytest.mark.parametrize("half", [False, True])
def test_every_backbone_learns(backbone, half, monkeypatch):
    if half:
        monkeypatch.setattr(
            "napari_blindspot.training.mixed_precision",
            lambda device: torch.autocast(device.type, torch.bfloat16),
        )
    noisy, clean = scenes.noisy_and_clean((64, 64))
    options = {**SMALL, "backbone": backbone, "budget": "20steps"}
    result = api.denoise(noisy, method="amsnet", **options)
    gain = [scenes.peak_signal_to_noise(image, clean) for image in (noisy, result.image)]
    assert gain[1] > gain[0]


def test_correlated_noise_is_removed():
    """More than by a plain blind-spot network, which learns the noise of the neighbours."""
    noisy, (_, clean) = correlated((128, 128), 0.75), scenes.noisy_and_clean((128, 128))
    options = {"width": 8, "depth": 1, "patch": 48, "batch": 2, "budget": "40steps"}
    errors = [
        np.std(api.denoise(noisy, method=name, **options).image - clean)
        for name in ("amsnet", "n2v")
    ]
    assert errors[0] < 0.8 * errors[1]
