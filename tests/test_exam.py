from __future__ import annotations

import re

import numpy as np
import pytest
import torch

import scenes
from napari_blindspot import api, methods
from napari_blindspot.axes import Layout
from napari_blindspot.events import NotSpared, Settled, Step
from napari_blindspot.exam import Exam, held_out
from napari_blindspot.lesson import views
from napari_blindspot.methods import Spec
from napari_blindspot.noise import NoiseLaw
from napari_blindspot.normalization import Normalization
from napari_blindspot.series import Series

pytestmark = [pytest.mark.usefixtures("few_pixels"), pytest.mark.no_cover]


def series_of(image):
    volume = api.as_volume(image)
    return Series(volume, Layout("YX", image.shape, "YX"), (0,))


def held_out_losses(image, method="n2v", **options):
    events = []
    api.denoise(
        image,
        method=method,
        budget="60steps",
        held_out=True,
        progress=events.append,
        width=4,
        depth=1,
        patch=64,
        batch=8,
        **options,
    )
    return [e.held_out for e in events if isinstance(e, Step) and e.held_out is not None]


def test_patches_show_what_is_held_out():
    image, _ = scenes.noisy_and_clean((300, 280))
    series = series_of(image)
    (held,) = held_out([series], 0)
    exam = Exam.of([series], [held], Normalization((0.0,), (1.0,)), (64, 64), torch.device("cpu"))
    assert exam.noisy.shape == exam.held.shape
    mask = held.window(0, [slice(0, 300), slice(0, 280)])
    shown = set(exam.noisy[exam.held > 0].numpy().tolist())
    assert shown <= set(image[mask].astype(np.float32).tolist())
    assert exam.held.mean() > 0.01


@pytest.mark.parametrize(
    ("method", "whole"), [("n2v", 2**25), ("express", 2**25), ("laine19", 2**25), ("n2v", 1)]
)
def test_the_loss_on_held_out_pixels_falls(monkeypatch, method, whole):
    monkeypatch.setattr("napari_blindspot.sources.WHOLE", whole)
    image, _ = scenes.noisy_and_clean((256, 256))
    losses = held_out_losses(image, method)
    assert 50 <= len(losses) <= 51
    assert np.isfinite(losses).all()
    # Recorrupted pairs are made anew for another noise up to 0.4 of the budget.
    settled = losses[len(losses) // 2 :] if method == "express" else losses
    assert settled[-1] < settled[0]


def test_nothing_is_learned_from_held_out_pixels(monkeypatch):
    """Other values there, far from all that a patch shows elsewhere, change no target."""
    drawn = []
    train = "napari_blindspot.training._pair"
    from napari_blindspot import training

    real = training._pair

    def noted(*arguments):
        pair = real(*arguments)
        drawn.append(pair)
        return pair

    monkeypatch.setattr(train, noted)
    image, _ = scenes.noisy_and_clean((256, 256))
    image = image.astype(np.float32)
    (held,) = held_out([series_of(image)], 0, decide=True)
    image[held.window(0, [slice(0, 256)] * 2)] = 1e6
    held_out_losses(image)
    assert len(drawn) == 60
    seen = [(pair.target.max(), pair.target[pair.mask > 0].max()) for pair in drawn]
    tops = [float(top) for top, _ in seen]
    assert max(tops) > 3
    assert max(float(counted) for _, counted in seen) < 1


def test_without_held_out_pixels_there_is_no_such_loss():
    image, _ = scenes.noisy_and_clean((64, 64))
    assert held_out_losses(image) == []


@pytest.mark.usefixtures("few_pixels")
def test_a_training_that_gains_nothing_more_ends_early_and_can_be_repeated():
    noise = np.random.default_rng(0).normal(10, 1, (128, 128)).astype(np.float32)
    small = {"width": 4, "depth": 1, "patch": 32, "batch": 4}
    options = {"budget": "1500steps", "threads": 1, "early_stop": True, **small}
    first = api.denoise(noise, method="n2v", **options)
    (network,) = first.model.networks
    assert re.fullmatch(r"@\d+:\d+:\d+", network.pace)
    assert 200 <= len(network.losses) < 1250
    again = api.denoise(noise, method="n2v", pace=(network.pace,), **options)
    np.testing.assert_array_equal(first.image, again.image)


@pytest.mark.usefixtures("few_pixels")
@pytest.mark.parametrize(
    ("side", "settles", "ends_early"), [(128, 20, True), (128, 0, False), (300, 20, False)]
)
def test_a_network_ends_by_itself_where_it_has_seen_a_small_image_often(side, settles, ends_early):
    """400 steps of 4 patches of 32 x 32 pixels ask 50 times for half of 128 x 128 pixels."""
    noise = np.random.default_rng(0).normal(10, 1, (side, side)).astype(np.float32)
    small = {"layers": 3, "patch": 32, "batch": 4, "settles": settles}
    (network,) = api.train(noise, method="noise2fast", budget="400steps", **small).networks
    assert (len(network.losses) < 400) == ends_early


@pytest.mark.usefixtures("few_pixels")
def test_a_network_that_begins_to_learn_noise_by_heart_goes_back():
    """There is nothing but noise: what is left of it in the result was learned by heart."""
    noise = np.random.default_rng(0).normal(10, 1, (128, 128)).astype(np.float32)
    small = {"layers": 4, "patch": 32, "turns": 1}
    left = [
        api.denoise(
            noise, method="noise2fast", budget="800steps", settles=settles, **small
        ).image.std()
        for settles in (20, 0)
    ]
    assert left[0] < 0.5 * left[1]


@pytest.mark.parametrize(
    ("method", "share"), [("n2v", 0.02), ("laine19", 1.0), ("noise2self", 1 / 16)]
)
def test_how_many_pixels_a_mask_asks_for(method, share):
    exam = Exam(torch.zeros(4, 1, 64, 64), torch.ones(4, 1, 64, 64))
    parts = methods.create(method, {}).build(Spec(2, 1, (0.0,), (1.0,)))
    assert exam.hidden_share(parts) == pytest.approx(share, rel=0.1)


def test_volumes_use_their_budget_up():
    planes, volume = (Spec(n, 1, (0.0,), (1.0,)) for n in (2, 3))
    method = methods.create("n2v", {})
    assert views(method.build(planes), planes) == 20
    assert views(method.build(volume), volume) == 0


def test_repeated_frames_ask_for_each_pixel_in_every_frame():
    frames = torch.zeros(4, 2, 64, 64)
    exam = Exam(frames, torch.ones(4, 1, 64, 64))
    parts = methods.create("noise2noise", {}).build(Spec(2, 1, (0.0,), (1.0,)))
    assert exam.hidden_share(parts) == pytest.approx(2.0)
    assert sum(exam.marks(parts).weights) == frames.numel()


def test_marks_are_told_apart_and_add_up():
    """Each group has pixels of its own; the mean of all is the error at all held-out pixels."""
    generator = torch.Generator().manual_seed(0)
    noisy = torch.randn(6, 1, 32, 32, generator=generator)
    exam = Exam(noisy, (torch.rand(noisy.shape, generator=generator) < 0.4).float())
    parts = methods.create("laine19", {"likelihood": "gaussian"}).build(
        Spec(2, 1, (0.0,), (1.0,), noise=(NoiseLaw(0.0, 1.0),))
    )
    marks = exam.marks(parts)
    assert len(marks.losses) == 8
    assert sum(marks.weights) == exam.held.sum()
    with torch.no_grad():
        mean, _ = parts.predictor.moments(parts.network(noisy))
    error = float(((mean - noisy)[exam.held > 0] ** 2).mean())
    assert marks.mean == pytest.approx(error, rel=1e-4)


@pytest.mark.parametrize("tiles", [1, 32])
def test_there_are_groups_of_pixels_to_tell_chance_by(tiles):
    exam = Exam(torch.randn(tiles, 1, 128, 128), torch.ones(tiles, 1, 128, 128))
    for name in ("laine19", "n2v", "noise2fast"):
        parts = methods.create(name, {"width": 4} if name != "noise2fast" else {"layers": 3})
        marks = exam.marks(parts.build(Spec(2, 1, (0.0,), (1.0,), noise=(NoiseLaw(0.0, 1.0),))))
        assert 8 <= len(marks.losses) <= 16
        assert min(marks.weights) > 0.5 * max(marks.weights)


@pytest.mark.parametrize("early_stop", [True, False])
def test_masks_that_miss_all_held_out_pixels_decide_nothing(early_stop):
    image, _ = scenes.noisy_and_clean((128, 128))
    small = {"width": 4, "depth": 1, "batch": 1, "mask_fraction": 0.0005, "threads": 1}
    model = api.train(
        image, method="n2v", budget="230steps", early_stop=early_stop, seed=2, **small
    )
    assert len(model.networks[0].losses) == 230


def test_masks_that_hide_few_pixels_are_drawn_several_times():
    exam = Exam(torch.zeros(4, 1, 64, 64), torch.ones(4, 1, 64, 64))
    marks = exam.marks(methods.create("n2v", {}).build(Spec(2, 1, (0.0,), (1.0,))))
    assert sum(marks.weights) >= 2000 > 4 * 64 * 64 * 0.025


def test_a_training_says_that_it_ends_by_itself():
    noise = np.random.default_rng(0).normal(10, 1, (128, 128)).astype(np.float32)
    small = {"layers": 3, "patch": 32, "batch": 4}
    events = []
    model = api.train(
        noise, method="noise2fast", budget="400steps", settles=20, progress=events.append, **small
    )
    (told,) = [event for event in events if isinstance(event, Settled)]
    assert 100 <= told.best_step < told.step < len(model.networks[0].losses)
    assert model.networks[0].pace.endswith(f":{told.step}:{told.best_step}")
    assert f"back to step {told.best_step}" in told.message


def test_a_small_image_cannot_spare_pixels_and_says_so():
    image, _ = scenes.noisy_and_clean((64, 64))
    events = []
    small = {"width": 4, "depth": 1, "batch": 1, "progress": events.append}
    two = np.stack([image, image])
    model = api.train(two, method="n2v", axes="CYX", budget="4steps", early_stop=True, **small)
    assert len(model.networks) == 2
    assert sum(isinstance(event, NotSpared) for event in events) == 1
