from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

import scenes
from napari_blindspot import api
from napari_blindspot.events import Finished, NoiseFitted, Started, Step, Tile
from napari_blindspot.halting import Stop
from napari_blindspot.io import open_volume, save_volume
from napari_blindspot.job import Job
from napari_blindspot.params import InputError
from napari_blindspot.run import run

pytestmark = pytest.mark.usefixtures("few_pixels")
QUICK = {"method": "n2v", "params": {"width": 4, "patch": 16}, "budget": "3steps"}


@pytest.fixture
def stack(tmp_path):
    noisy, _ = scenes.noisy_and_clean((3, 32, 36))
    path = tmp_path / "in.ome.tif"
    save_volume(path, api.as_volume(noisy, "TYX"))
    return path


def test_events_come_in_order(stack, tmp_path):
    job = Job(inputs=(str(stack),), output=str(tmp_path / "out.ome.tif"), **QUICK)
    events = list(run(job))
    kinds = [type(event) for event in events]
    assert kinds == [Started, Step, Step, Step, NoiseFitted, Tile, Tile, Tile, Finished]
    assert events[0].axes == "TYX"
    assert events[0].networks == 1
    assert events[7].done == events[7].total == 3


def test_a_job_reproduces_its_pixels_to_the_last_bit(stack, tmp_path):
    out = [str(tmp_path / f"{k}.ome.tif") for k in range(2)]
    job = Job(inputs=(str(stack),), output=out[0], float32=True, **QUICK)
    list(run(job))
    again = Job.load(f"{out[0]}.job.json")
    assert again == dataclasses.replace(job, threads=torch.get_num_threads())
    list(run(dataclasses.replace(again, output=out[1])))
    np.testing.assert_array_equal(open_volume(out[0]).read(), open_volume(out[1]).read())


@pytest.mark.parametrize(
    "targets", [{"output": "a.png"}, {"output": "a.tif", "uncertainty": "s.png"}]
)
def test_a_format_that_cannot_hold_the_result_is_refused_before_the_training(
    stack, tmp_path, targets
):
    paths = {name: str(tmp_path / file) for name, file in targets.items()}
    events = run(Job(inputs=(str(stack),), **paths, budget="1steps", method="laine19"))
    with pytest.raises(InputError, match=r"write a \.tif"):
        next(events)


def test_float32_keeps_fractions_and_the_input_dtype_rounds(stack, tmp_path):
    paths = [str(tmp_path / name) for name in ("float.ome.tif", "integer.ome.tif")]
    for path, float32 in zip(paths, (True, False), strict=True):
        list(run(Job(inputs=(str(stack),), output=path, float32=float32, **QUICK)))
    exact, rounded = (open_volume(path) for path in paths)
    assert exact.dtype == np.float32
    assert rounded.dtype == np.uint16
    np.testing.assert_array_equal(np.rint(exact.read()), rounded.read())


def test_training_on_several_files_saves_a_model_only(stack, tmp_path):
    model = tmp_path / "m.safetensors"
    job = Job(inputs=(str(stack),) * 2, save_model=str(model), train_only=True, **QUICK)
    *_, finished = run(job)
    assert finished.denoised is None
    assert model.exists()
    applied = Job(inputs=(str(stack),), model=str(model), output=str(tmp_path / "out.ome.tif"))
    events = list(run(applied))
    assert not any(isinstance(event, Step) for event in events)
    assert events[0].method == "Noise2Void"


def test_one_network_per_channel_unless_joint():
    noisy, _ = scenes.noisy_and_clean((2, 24, 24))
    volume = api.as_volume(noisy, "CYX")
    for joint, networks in ((False, 2), (True, 1)):
        started, *_, finished = run(Job(joint=joint, **QUICK), volumes=[volume])
        assert started.networks == networks
        assert len(finished.model.networks) == networks


def test_channels_with_different_brightness_keep_it():
    noisy, _ = scenes.noisy_and_clean((48, 48))
    both = np.stack([noisy, noisy.astype(np.uint16) * 20])
    result = api.denoise(both, axes="CYX", **_flat(QUICK))
    np.testing.assert_allclose(result.image.mean((1, 2)), both.mean((1, 2)), rtol=0.1)


def _flat(quick):
    return {**{k: v for k, v in quick.items() if k != "params"}, **quick["params"]}


@pytest.mark.parametrize("depth", [3, 8])
def test_thick_stacks_are_denoised_as_volumes(depth):
    noisy, _ = scenes.noisy_and_clean((depth, 24, 24))
    result = api.denoise(noisy, axes="ZYX", **_flat(QUICK))
    assert result.model.spatial == ("ZYX" if depth >= 8 else "YX")
    flat = api.denoise(noisy, axes="ZYX", dims="2D", **_flat(QUICK))
    assert flat.model.spatial == "YX"


@pytest.mark.parametrize("axes", ["TYX", "TZYX", "YTX"])
def test_frames_see_those_before_and_after_them(axes, tmp_path):
    lengths = {"T": 5, "Z": 2, "Y": 24, "X": 28}
    noisy = np.random.default_rng(0).random([lengths[letter] for letter in axes], np.float32)
    result = api.denoise(noisy, axes=axes, dims="2D+T", **_flat(QUICK))
    assert (result.model.spatial, result.model.dims) == ("TYX", "2D+T")
    assert len(result.model.networks[0].parts.network.divisor) == 3
    result.model.save(tmp_path / "model.safetensors")
    again = api.apply(tmp_path / "model.safetensors", noisy, axes=axes, device="cpu")
    np.testing.assert_allclose(again.image, result.image, rtol=1e-4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dims": "3D"}, "A 3D network needs a Z axis, the input has YX; use --dims 2D"),
        ({"dims": "2D+T"}, "A 2D.T network needs a T axis, the input has YX; use --dims 2D"),
        ({"uncertainty": "u.tif"}, "has no uncertainty"),
        ({"device": "cuda:9"}, "not available"),
        ({"device": "tpu"}, "auto, cpu, cuda, mps"),
    ],
)
def test_impossible_wishes_are_refused(options, message):
    volume = api.as_volume(np.ones((16, 16)))
    with pytest.raises(InputError, match=message):
        list(run(Job(**QUICK, **options), volumes=[volume]))


def test_inputs_must_agree_in_channels():
    volumes = [api.as_volume(np.ones((2, 16, 16)), "CYX"), api.as_volume(np.ones((16, 16)))]
    with pytest.raises(InputError, match="different numbers of channels"):
        list(run(Job(train_only=True, **QUICK), volumes=volumes))


def test_a_model_is_refused_for_other_channels(tmp_path):
    path = str(tmp_path / "m.safetensors")
    api.train(np.random.default_rng(0).random((16, 16)), **_flat(QUICK)).save(path)
    with pytest.raises(InputError, match="trained on 1 channels"):
        api.apply(path, np.ones((2, 16, 16)), axes="CYX")


@pytest.mark.parametrize("values", [np.nan, np.inf])
def test_missing_values_do_not_spread(values):
    noisy = np.random.default_rng(0).normal(10, 1, (32, 32))
    noisy[3, 4] = values
    result = api.denoise(noisy, **_flat(QUICK))
    assert np.isfinite(result.image).all()


@pytest.mark.parametrize("shape", [(5, 7), (1, 64), (64, 1), (16, 16)])
def test_constant_and_tiny_images(shape):
    for method in ("n2v", "express"):
        image = np.full(shape, 7, np.uint8)
        result = api.denoise(image, method=method, budget="2steps")
        assert result.image.shape == shape
        np.testing.assert_allclose(result.image, 7, atol=2)


def test_halt_during_the_prediction_keeps_the_model(tmp_path):
    noisy, _ = scenes.noisy_and_clean((4, 24, 24))
    out = tmp_path / "out.ome.tif"
    events = []

    def after_a_tile():
        return Stop.HALT if any(isinstance(event, Tile) for event in events) else Stop.NO

    for event in run(Job(output=str(out), **QUICK), after_a_tile, [api.as_volume(noisy, "TYX")]):
        events.append(event)  # noqa: PERF402 - the stop flag looks at the list as it grows
    finished = events[-1]
    assert finished.stopped
    assert finished.denoised is None
    assert len(finished.model.networks) == 1
    assert not out.exists()


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_second_run_on_any_of_the_targets_is_refused_until_the_first_ends(stack, tmp_path):
    paths = {"output": "out.tif", "uncertainty": "std.tif", "save_model": "m.safetensors"}
    targets = {name: str(tmp_path / file) for name, file in paths.items()}
    params = {"width": 4, "depth": 1, "patch": 16, "batch": 4}
    quick = {"method": "laine19", "params": params, "budget": "1steps"}
    job = Job(inputs=(str(stack),), **targets, **quick)
    first = run(job)
    next(first)
    before = files(tmp_path)
    assert [name for name in before if name.endswith(".lock")] == [
        ".m.safetensors.lock",
        ".out.tif.lock",
        ".std.tif.lock",
    ]
    for name, target in targets.items():
        output = {} if name == "output" else {"output": str(tmp_path / "b.tif")}
        second = Job(inputs=(str(stack),), **{name: target}, **output, **quick)
        with pytest.raises(InputError, match=r"is being written by process \d+ on"):
            next(run(second))
    assert files(tmp_path) == before
    # Whoever has seen the end may go on at once.
    assert next(event for event in first if isinstance(event, Finished))
    assert files(tmp_path) == sorted(["in.ome.tif", "out.tif.job.json", *paths.values()])
    assert isinstance(next(run(job)), Started)


@pytest.mark.parametrize("end", ["closed", "forgotten", "failed"])
def test_a_run_that_does_not_end_well_frees_its_targets(stack, tmp_path, monkeypatch, end):
    job = Job(inputs=(str(stack),), output=str(tmp_path / "out.tif"), **QUICK)
    events = run(job)
    while not isinstance(next(events), Step):
        pass
    if end == "closed":
        events.close()
    elif end == "forgotten":
        del events
    else:
        with pytest.raises(OSError, match="the cable"):
            events.throw(OSError("the cable is loose"))
    assert files(tmp_path) == ["in.ome.tif"]
    assert isinstance(list(run(job))[-1], Finished)
