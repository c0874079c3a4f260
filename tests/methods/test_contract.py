"""What every method must keep, whatever it does inside."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch

import scenes
from napari_blindspot import api, halting, methods
from napari_blindspot import device as devices
from napari_blindspot.budget import Budget
from napari_blindspot.events import Finished, NoiseFitted, Started, Step, Tile
from napari_blindspot.halting import Stop
from napari_blindspot.io import open_volume, save_volume
from napari_blindspot.job import Job
from napari_blindspot.layouts import to_denoise
from napari_blindspot.methods import Spec
from napari_blindspot.model import load
from napari_blindspot.noise import NoiseLaw
from napari_blindspot.prediction import predict
from napari_blindspot.run import run

pytestmark = [pytest.mark.usefixtures("few_pixels"), pytest.mark.no_cover]
SMALL = {"width": 8, "depth": 1, "patch": 32, "batch": 2, "members": 1, "copies": 4}
DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.cuda)]
NAMES = list(methods.available())
NAMES_3D = [name for name in NAMES if 3 in methods.get(name).dims]


def small(name, **changes):
    """Parameters that make a method quick: a small network and small patches."""
    declared = {p.name for p in methods.get(name).declared()}
    return {key: value for key, value in {**SMALL, **changes}.items() if key in declared}


def spec_for(ndim, channels):
    return Spec(
        ndim=ndim,
        channels=channels,
        mean=(0.0,) * channels,
        std=(1.0,) * channels,
        noise=(NoiseLaw(0.0, 1.0),) * channels,
    )


def trained(name, image, steps=3, **options):
    return api.denoise(image, method=name, budget=f"{steps}steps", **small(name), **options)


@pytest.mark.parametrize("name", NAMES)
def test_declares_itself(name):
    cls = methods.get(name)
    assert cls.name == name
    assert all(
        isinstance(text, str) and text for text in (cls.title, cls.reference, cls.assumption)
    )
    assert dataclasses.is_dataclass(cls)
    assert cls.__subclasses__() == []


@pytest.mark.parametrize("name", NAMES)
def test_settings_of_the_paper_are_allowed_and_others_than_the_defaults(name):
    cls = methods.get(name)
    values = cls.of(cls.paper).values()
    assert Budget.parse(cls.paper_budget)
    assert all(
        values[key] != default for key, default in cls().values().items() if key in cls.paper
    )


@pytest.mark.parametrize("name", NAMES)
def test_parameters_survive_json_and_command_line_text(name):
    cls = methods.get(name)
    for method in (cls(), cls.of(small(name))):
        assert cls.of(json.loads(json.dumps(method.values()))) == method
        as_text = {k: "auto" if v is None else str(v) for k, v in method.values().items()}
        assert cls.of(as_text) == method
        job = Job(method=name, params=method.values())
        assert Job.from_json(job.to_json()) == job


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", NAMES)
def test_odd_2d_image(name, device):
    noisy, axes, _ = scenes.noisy_for(name, (37, 43))
    kept = noisy.copy()
    result = trained(name, noisy, device=device, axes=axes)
    assert result.image.shape == noisy.shape
    assert result.image.dtype == np.float32
    assert np.isfinite(result.image).all()
    np.testing.assert_array_equal(noisy, kept)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", NAMES_3D)
def test_odd_3d_image(name, device):
    noisy, axes, _ = scenes.noisy_for(name, (9, 37, 33), "ZYX")
    options = {"axes": axes, "dims": "3D", "with_std": True}
    result = trained(name, noisy, device=device, steps=2, **options)
    assert result.image.shape == noisy.shape
    assert np.isfinite(result.image).all()
    assert (result.std is not None) == methods.get(name).has_std
    if result.std is not None:
        assert (result.std >= 0).all()
        assert np.isfinite(result.std).all()


@pytest.mark.parametrize("name", NAMES)
def test_joint_channels_of_a_time_lapse(name):
    noisy, _ = scenes.noisy_and_clean((4, 32, 32))
    series = noisy.reshape(2, 2, 32, 32)
    result = trained(name, series, axes="TCYX", joint=True)
    assert result.image.shape == series.shape
    assert len(result.model.networks) == 1
    assert len(result.noise) == 2


@pytest.mark.parametrize("name", NAMES)
def test_same_seed_same_losses_and_pixels(name):
    noisy, axes, _ = scenes.noisy_for(name, (40, 40))
    first, second, other = (
        trained(name, noisy, steps=5, seed=seed, axes=axes) for seed in (3, 3, 4)
    )
    assert first.model.networks[0].losses == second.model.networks[0].losses
    np.testing.assert_array_equal(first.image, second.image)
    assert first.model.networks[0].losses != other.model.networks[0].losses


@pytest.mark.parametrize("name", NAMES)
def test_learns_in_half_precision_nearly_the_same(name, monkeypatch):
    """What a card with bfloat16 does, here on a CPU."""
    noisy, axes, _ = scenes.noisy_for(name, (40, 40))
    exact = trained(name, noisy, steps=10, axes=axes)
    monkeypatch.setattr(
        "napari_blindspot.training.mixed_precision",
        lambda device: torch.autocast(device.type, torch.bfloat16),
    )
    half = trained(name, noisy, steps=10, axes=axes)
    losses, nearly = exact.model.networks[0].losses, half.model.networks[0].losses
    assert losses != nearly
    np.testing.assert_allclose(nearly[0], losses[0], rtol=0.02, atol=0.01)
    # Meanwhile either can go astray: the learning rate is highest at the first step.
    np.testing.assert_allclose(np.mean(nearly[-4:]), np.mean(losses[-4:]), rtol=0.2)
    weights = half.model.networks[0].parts.network.parameters()
    assert {weight.dtype for weight in weights} == {torch.float32}


@pytest.mark.parametrize("name", NAMES)
def test_tiled_equals_untiled(name):
    noisy, axes, _ = scenes.noisy_for(name, (156, 166))
    result = trained(name, noisy, steps=8, axes=axes)
    volume = api.as_volume(noisy, axes)
    layout = to_denoise(volume, "YX", result.model.method)
    parts = result.model.networks[0].parts
    halo = max(parts.network.halo) + parts.predictor.margin

    def predicted(tile):
        work = predict(
            result.model,
            volume,
            layout,
            device=devices.choose("cpu"),
            stop=lambda: Stop.NO,
            seed=0,
            tile=tile,
        )
        tiles = 0
        while True:
            try:
                tiles += isinstance(next(work), Tile)
            except StopIteration as end:
                return end.value, tiles

    whole, one = predicted((512, 512))
    tiled, several = predicted((2 * halo + 48, 2 * halo + 56))
    assert one == layout.n_samples
    assert several > 2 * one
    scale = float(np.ptp(noisy))
    assert np.abs(whole.mean - tiled.mean).max() < 1e-5 * scale
    if whole.std is not None:
        assert np.abs(whole.std - tiled.std).max() < 1e-5 * scale


@pytest.mark.parametrize("name", NAMES)
def test_saved_model_gives_the_same_pixels(name, tmp_path):
    noisy, axes, _ = scenes.noisy_for(name, (40, 44))
    result = trained(name, noisy, axes=axes)
    path = tmp_path / "model.safetensors"
    result.model.save(path)
    again = api.apply(str(path), noisy, axes=axes)
    np.testing.assert_array_equal(again.image, result.image)
    assert load(path).method == result.model.method


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("answer", [Stop.APPLY, Stop.HALT])
def test_stop_is_obeyed_within_one_step(name, answer):
    noisy, axes, _ = scenes.noisy_for(name, (32, 32))
    job = Job(method=name, params=small(name), budget="1000steps")
    steps = []

    def after_two():
        return answer if len(steps) == 2 else Stop.NO

    for event in run(job, after_two, [api.as_volume(noisy, axes)]):
        if isinstance(event, Step):
            steps.append(event)
        if isinstance(event, Finished):
            finished = event
    assert len(steps) == 2
    assert finished.stopped
    assert len(finished.model.networks[0].losses) == 2
    assert (finished.denoised is None) == (answer is Stop.HALT)


@pytest.mark.parametrize("phase", ["beginning", "training", "prediction"])
@pytest.mark.parametrize("name", NAMES)
def test_a_halt_is_obeyed_at_once_and_leaves_a_model_that_can_be_applied(
    name, phase, tmp_path, monkeypatch
):
    monkeypatch.setattr(halting, "_INTERVAL_S", 0.0)
    noisy, axes, _ = scenes.noisy_for(name, (32, 32))
    budget = "1000steps" if phase == "training" else "2steps"
    job = Job(method=name, params=small(name), budget=budget)
    due = {"beginning": Started, "training": Step, "prediction": NoiseFitted}[phase]
    events, later = [], []

    def some_time_later():
        if any(isinstance(event, due) for event in events):
            later.append("asked")
        return Stop.HALT if len(later) > 5 else Stop.NO

    for event in run(job, some_time_later, [api.as_volume(noisy, axes)], keep_partial=True):
        events.append(event)  # noqa: PERF402 - the stop flag looks at the list as it grows
    assert not any(isinstance(event, Tile) for event in events)
    assert sum(isinstance(event, Step) for event in events) < 10
    finished = events[-1]
    assert (finished.stopped, finished.denoised, finished.done) == (True, None, 0.0)
    finished.model.save(tmp_path / "model.safetensors")
    result = api.apply(str(tmp_path / "model.safetensors"), noisy, axes=axes)
    assert np.isfinite(result.image).all()


@pytest.mark.parametrize("name", NAMES)
def test_axes_scale_units_and_dtype_are_kept(name, tmp_path):
    noisy, axes, _ = scenes.noisy_for(name, (2, 32, 40), "CYX")
    source = dataclasses.replace(
        api.as_volume(noisy, axes),
        scale=(1.0,) * (noisy.ndim - 2) + (0.25, 0.5),
        units=("",) * (noisy.ndim - 2) + ("micrometer", "micrometer"),
        channel_names=("nuclei", "membrane"),
    )
    paths = [str(tmp_path / file) for file in ("in.ome.tif", "out.ome.tif")]
    save_volume(paths[0], source)
    job = Job(inputs=(paths[0],), output=paths[1], method=name, params=small(name), budget="2steps")
    *_, finished = run(job)
    result = open_volume(paths[1])
    assert (result.axes, result.shape, result.dtype) == (axes, noisy.shape, noisy.dtype)
    assert result.scale == source.scale
    assert result.units == source.units
    assert result.channel_names == source.channel_names
    expected = np.clip(np.rint(finished.denoised.read()), 0, 65535)
    np.testing.assert_array_equal(result.read(), expected)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("ndim", "channels"), [(2, 1), (2, 2), (3, 1)])
def test_no_leak(name, ndim, channels):
    """The prediction of a pixel that counts does not depend on its own value."""
    torch.manual_seed(0)
    if ndim not in methods.get(name).dims:
        pytest.skip("this method is 2D only")
    parts = methods.create(name, small(name)).build(spec_for(ndim, channels))
    with torch.no_grad():
        for parameter in parts.network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    noisy = torch.randn(1, channels, *(16,) * ndim)
    if parts.network.is_blind:
        assert_blind(parts.network, noisy)
        return
    for masking in filter(None, (parts.masking, parts.blind)):
        if masking.hides:
            assert_masked(masking, parts.network, noisy)
        else:
            assert_uncorrelated(masking, channels * (2 if methods.get(name)().repeats else 1))


def assert_blind(network, noisy):
    """The gradient with respect to the pixel itself is exactly 0, and not everywhere."""
    noisy.requires_grad_()
    space = noisy.shape[2:]
    for place in ((0,) * len(space), tuple(n // 2 for n in space), tuple(n - 1 for n in space)):
        output = network(noisy)[(0, slice(None), *place)].sum()
        (gradient,) = torch.autograd.grad(output, noisy)
        assert (gradient[(0, slice(None), *place)] == 0).all()
        assert (gradient != 0).any()


def assert_masked(masking, network, noisy):
    """Other values under the mask change nothing that the network is shown."""
    pair = masking.sample(noisy, torch.Generator().manual_seed(1))
    changed = torch.where(pair.mask == 1, noisy + 100 * torch.randn_like(noisy), noisy)
    other = masking.sample(changed, torch.Generator().manual_seed(1))
    counted = pair.mask == 1
    assert counted.any()
    with torch.no_grad():
        seen, unseen = (network(p.input, p.mask)[:, : noisy.shape[1]] for p in (pair, other))
    assert torch.equal(seen[counted], unseen[counted])


def assert_uncorrelated(masking, channels):
    """Noise of the variance that the scheme is told, here 1, is not in input and target alike."""
    generator = torch.Generator().manual_seed(1)
    noisy = torch.randn(1, channels, 400, 400, generator=generator)
    pair = masking.sample(noisy, generator)
    covariance = (pair.input * pair.target).mean()
    assert abs(float(covariance)) < 0.01 * float(pair.input.std() * pair.target.std())


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_psnr_gain_reaches_the_declared_floor(name):
    noisy, axes, clean = scenes.noisy_for(name, (96, 96), peak=25.0)
    before = scenes.peak_signal_to_noise(noisy, clean)
    options = {"axes": axes, **small(name, width=16, depth=2, batch=4)}
    result = api.denoise(noisy, method=name, budget="120steps", **options)
    gain = scenes.peak_signal_to_noise(result.image, clean) - before
    assert gain >= methods.get(name).gain_floor_db
