from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy import ndimage

import scenes
from napari_blindspot import api, methods, simulate
from napari_blindspot.events import Step, Untrained
from napari_blindspot.methods import Spec
from napari_blindspot.model import load
from napari_blindspot.noise import NoiseLaw
from napari_blindspot.params import InputError

pytestmark = pytest.mark.usefixtures("few_pixels")
SMALL = {"prior": False, "width": 8, "depth": 1, "patch": 32, "batch": 2, "members": 1}


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
        len(
            methods.create("express", {"prior": False})
            .build(spec(3.0, 0.1, 1.0, budget_s=s))
            .network.members
        )
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
    options = {"prior": False, "width": 16, "members": 1, "patch": 48, "budget": "120steps"}
    result = api.denoise(noisy, method="express", with_std=True, **options)
    error = np.abs(result.image - clean)
    order = np.argsort(result.std.ravel())
    quiet, loud = (error.ravel()[part].mean() for part in (order[:3000], order[-3000:]))
    assert loud > 1.5 * quiet
    inside = (error < 1.645 * result.std).mean()
    assert 0.6 < inside < 0.99


def test_hidden_pixels_put_the_variance_right_after_a_training(tmp_path):
    noisy, _ = scenes.noisy_and_clean((64, 64))
    trained = api.denoise(noisy, method="express", budget="5steps", **SMALL).model
    predictor = trained.networks[0].parts.predictor
    assert len(predictor.scale) == 1
    trained.save(tmp_path / "model.safetensors")
    assert load(tmp_path / "model.safetensors").networks[0].parts.predictor == predictor


@pytest.mark.pretrained
def test_without_a_training_the_variance_is_left_as_it_is():
    noisy, _ = scenes.noisy_and_clean((64, 64))
    model = api.denoise(noisy, method="express", budget="instant").model
    assert model.networks[0].parts.predictor.scale == ()


@pytest.mark.pretrained
@pytest.mark.parametrize("budget", ["instant", "60steps"])
def test_the_truth_lies_in_the_interval_in_the_dark_as_well(budget):
    """Most of an image of nuclei is background, where a pixel says next to nothing of itself."""
    noisy, clean = scenes.noisy_and_clean((128, 128))
    result = api.denoise(noisy, method="express", budget=budget, with_std=True)
    inside = np.abs(result.image - clean) < 1.645 * result.std
    assert 0.75 < inside.mean() < 0.99
    assert inside[clean <= np.median(clean)].mean() > 0.7


@pytest.mark.pretrained
@pytest.mark.parametrize("shape", [(64, 64), (4, 48, 64)])
def test_instant_needs_no_training(shape):
    noisy, clean = scenes.noisy_and_clean(shape)
    result = api.denoise(noisy, method="express", budget="instant", with_std=True)
    assert result.model.networks[0].losses == ()
    assert np.mean((result.image - clean) ** 2) < 0.15 * np.mean((noisy - clean) ** 2)
    assert (result.std >= 0).all()
    assert np.median(result.std) > 0


def test_instant_is_refused_where_training_is_needed():
    with pytest.raises(InputError, match="use express with its defaults"):
        api.denoise(np.ones((64, 64)), method="n2v", budget="instant")
    with pytest.raises(InputError, match="use express with its defaults"):
        api.denoise(np.ones((64, 64)), method="express", prior=False, budget="instant")
    two = np.random.default_rng(0).poisson(9.0, (2, 64, 64))
    with pytest.raises(InputError, match="turn joint off"):
        api.denoise(two, axes="CYX", joint=True, method="express", budget="instant")


def test_the_start_is_pretrained_unless_it_is_switched_off_or_channels_go_together():
    def kinds(**options):
        values = {name: options.pop(name) for name in ("prior",) if name in options}
        built = methods.create("express", values).build(spec(3.0, 0.1, 1.0, **options))
        return {type(member).__name__ for member in built.network.members}

    assert kinds() == {"PriorUNet"}
    assert kinds(prior=False) == {"StabilisedUNet"}
    laws = (NoiseLaw(0.1, 0.1, 0.1),) * 2
    joint = Spec(2, 2, (0.0, 0.0), (1.0, 1.0), 10.0, laws, (0.0, 0.0))
    assert type(methods.create("express").build(joint).network.members[0]).__name__ == (
        "StabilisedUNet"
    )


def test_few_pixels_are_learned_from_more_slowly():
    def rate(pixels, budget_s=10.0, ndim=2):
        known = dataclasses.replace(
            spec(3.0, 0.1, 1.0, budget_s=budget_s), pixels=pixels, ndim=ndim
        )
        return methods.create("express").build(known).recipe.learning_rate

    assert rate(0) == rate(10**8) == pytest.approx(5e-4)
    assert rate(64**2) < rate(128**2) < rate(512**2)
    assert rate(128**2, budget_s=20.0) == pytest.approx(rate(128**2) / 2)
    assert rate(128**2, ndim=3) == rate(128**2)


def test_a_fitted_law_is_told_to_the_pretrained_network():
    method = methods.create("express")
    parts = method.renoised(method.build(spec(3.0, 0.1, 1.0)), (NoiseLaw(0.123, 0.2, 0.05),))
    (member,) = parts.network.members
    assert float(member.gain) == pytest.approx(0.123)
    assert float(member.offset) == pytest.approx(0.2)


def with_neighbours(y, x, **changes):
    return dataclasses.replace(spec(3.0, 0.1, 1.0), along=((y, x),), **changes)


def test_noise_that_neighbours_share_is_told_and_not_learned_from():
    method, known = methods.create("express"), with_neighbours((0.6, 0.2), (0.64, 0.18))
    parts, alone = method.build(known), method.build(spec(3.0, 0.1, 1.0))
    (member,) = parts.network.members
    told = member.correlation.flatten().tolist()
    assert told == pytest.approx([0.62, 0.19, 0.62, 0.19])
    assert float(member.gain) > 2.5 * float(alone.network.members[0].gain)
    assert not parts.recipe.learns
    assert alone.recipe.learns


@pytest.mark.parametrize(
    ("y", "x"), [((0.08, 0.0), (0.1, 0.0)), ((0.0, 0.0), (0.14, 0.1)), ((-0.3, 0.0), (-0.3, 0.0))]
)
def test_little_correlation_counts_as_none(y, x):
    parts = methods.create("express").build(with_neighbours(y, x))
    assert parts.recipe.learns
    assert not parts.network.members[0].correlation.any()


@pytest.mark.parametrize(
    ("y", "x", "expected"),
    [
        ((-0.02, 0.0), (0.6, 0.2), [0.0, 0.0, 0.6, 0.2]),
        ((0.95, -0.01), (0.3, 0.1), [0.85, 0.0, 0.3, 0.1]),
        ((0.2, 0.1), (0.3, 0.0), [0.25, 0.05, 0.25, 0.05]),
    ],
)
def test_each_axis_is_told_for_itself_unless_both_are_alike(y, x, expected):
    parts = methods.create("express").build(with_neighbours(y, x))
    told = parts.network.members[0].correlation.flatten().tolist()
    assert told == pytest.approx(expected)
    assert not parts.recipe.learns


@pytest.mark.parametrize(
    ("measured", "true"),
    [((0.26, -0.1, 0.06, 0.0, -0.01), (0.63, 0.17)), ((0.14, -0.06, 0.0, 0.0, 0.0), (0.26, 0.02))],
)
def test_correlation_of_high_frequencies_alone_is_that_of_a_blur(measured, true):
    parts = methods.create("express").build(with_neighbours(measured, measured))
    told = parts.network.members[0].correlation.flatten().tolist()
    assert told == pytest.approx([*true, *true], abs=0.08)


def test_without_the_start_nothing_is_told_of_neighbours():
    known = with_neighbours((0.6, 0.2), (0.6, 0.2))
    assert methods.create("express", {"prior": False}).build(known).recipe.learns


@pytest.mark.pretrained
@pytest.mark.parametrize(("sigma", "most"), [(0.75, 0.75), ((0.0, 0.8), 0.7)])
def test_shared_noise_is_taken_away_in_no_time(sigma, most, tmp_path):
    rng = np.random.default_rng(3)
    clean = np.asarray(simulate.nuclei((256, 256), rng, peak=200.0), np.float64)
    noise = ndimage.gaussian_filter(rng.standard_normal(clean.shape), sigma)
    noisy = clean + 40 * noise / noise.std()
    events = []
    result = api.denoise(noisy, budget="30s", axes="YX", with_std=True, progress=events.append)
    (told,) = [event.message for event in events if isinstance(event, Untrained)]
    assert told.startswith("Channel 0: neighbouring pixels share noise")
    assert not any(isinstance(event, Step) for event in events)
    error = ((result.image - clean) ** 2).mean()
    blurs = [
        ((ndimage.gaussian_filter(noisy, s) - clean) ** 2).mean() for s in (1, 1.5, 2, 2.5, 3, 4)
    ]
    assert error < most * min(blurs)
    assert 0.3 * error < (result.std**2).mean() < 1.7 * error
    result.model.save(tmp_path / "model.safetensors")
    again = api.apply(tmp_path / "model.safetensors", noisy, axes="YX", with_std=True)
    np.testing.assert_array_equal(again.image, result.image)
    np.testing.assert_array_equal(again.std, result.std)


@pytest.mark.pretrained
def test_neighbouring_frames_help_in_movies():
    """A scene that moves by a pixel a frame."""
    rng = np.random.default_rng(0)
    wide = np.asarray(simulate.nuclei((96, 110), rng, peak=40.0, background=2.0), np.float64)
    clean = np.stack([wide[:, t : t + 96] for t in range(9)])
    noisy = clean + rng.normal(0, 8, clean.shape)
    options = {"budget": "instant", "axes": "TYX", "device": "cpu"}
    errors = {
        dims: ((api.denoise(noisy, dims=dims, **options).image - clean) ** 2).mean()
        for dims in ("2D", "2D+T")
    }
    assert errors["2D+T"] < 0.85 * errors["2D"]
