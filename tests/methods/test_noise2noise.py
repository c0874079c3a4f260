"""Repeated frames that teach each other, from an array and from a file to the image."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import scenes
from napari_blindspot import api, reporting
from napari_blindspot.chance import Chance
from napari_blindspot.cli import app
from napari_blindspot.events import Finished, Preview, Started, Step, Watching
from napari_blindspot.halting import Stop
from napari_blindspot.inference import PlainPass
from napari_blindspot.inference.repeats import RepeatsPass
from napari_blindspot.io import open_volume, save_volume
from napari_blindspot.job import Job
from napari_blindspot.methods import Spec
from napari_blindspot.methods.noise2noise import Noise2Noise
from napari_blindspot.model import load
from napari_blindspot.params import InputError
from napari_blindspot.run import run

pytestmark = pytest.mark.usefixtures("few_pixels")
SMALL = {"width": 8, "depth": 1, "patch": 32, "batch": 2}
FIELDS = {"method": "noise2noise", "params": SMALL, "seed": 1}
QUICK = {"method": "noise2noise", "budget": "3steps", **SMALL}
LONGER = {**QUICK, "budget": "40steps", "batch": 4, "width": 16}


@pytest.fixture(autouse=True)
def one_thread():
    """Images this small only wait for one another's threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def repeated(shape=(32, 40), count=2, brightness=()):
    """Exposures `(count, *shape)` of the same nuclei, and the clean image."""
    _, clean = scenes.noisy_and_clean(shape, peak=25.0)
    photons = (clean - scenes.CAMERA.offset) / scenes.CAMERA.gain
    rng = np.random.default_rng(7)
    factors = brightness or (1.0,) * count
    return np.stack([scenes.CAMERA.expose(factor * photons, rng) for factor in factors]), clean


def started(frames, axes="TYX", **params):
    job = Job(method="noise2noise", params={**SMALL, **params}, budget="1steps")
    return next(run(job, volumes=[api.as_volume(frames, axes)]))


@pytest.mark.parametrize(
    ("result", "predictor"),
    [
        ("frames", PlainPass(turns=4)),
        ("average", RepeatsPass(2, turns=4)),
        ("halves", RepeatsPass(2, halves=True, turns=4)),
    ],
)
def test_each_result_has_its_predictor(result, predictor):
    method = Noise2Noise(result=result)
    parts = method.build(Spec(2, 2, (0.0,) * 2, (1.0,) * 2))
    assert parts.predictor == predictor
    assert parts.masking.halves == (result == "halves")
    assert method.needs_repeats == (result != "frames")
    output = parts.network(torch.zeros(1, 2, 16, 16))
    assert output.shape == (1, 2, 16, 16)


@pytest.mark.parametrize("result", ["average", "halves"])
def test_every_frame_of_a_mean_is_the_same_and_better_than_the_mean_of_the_noisy(result):
    frames, clean = repeated((64, 64), 4)
    options = {**LONGER, "budget": "60steps"}
    denoised = api.denoise(frames, axes="TYX", result=result, **options).image
    assert denoised.shape == frames.shape
    np.testing.assert_array_equal(denoised, np.broadcast_to(denoised[:1], frames.shape))
    gain = scenes.peak_signal_to_noise(denoised[0], clean) - scenes.peak_signal_to_noise(
        frames.mean(0), clean
    )
    assert gain > 1.0


def test_the_average_is_that_of_the_denoised_frames():
    frames, _ = repeated()
    each = api.denoise(frames, axes="TYX", **QUICK).image
    average = api.denoise(frames, axes="TYX", result="average", **QUICK).image
    np.testing.assert_allclose(average[0], each.mean(0), rtol=1e-5)


def test_frames_that_are_brighter_stay_brighter():
    frames, _ = repeated((64, 64), brightness=(1.0, 0.7))
    result = api.denoise(frames, axes="TYX", **LONGER).image
    ratios = result.mean((1, 2)) / frames.mean((1, 2))
    np.testing.assert_allclose(ratios, 1, atol=0.1)


def test_repeats_along_z_are_planes_also_where_there_are_many():
    frames, _ = repeated(count=9)
    one, other = (
        api.denoise(frames, axes=axes, repeats=axes[0], **QUICK) for axes in ("TYX", "ZYX")
    )
    assert other.model.spatial == "YX"
    np.testing.assert_array_equal(one.image, other.image)


def test_one_network_for_each_channel_of_all_frames():
    frames, _ = repeated((2, 32, 40), 3)
    result = api.denoise(frames, axes="TCYX", **QUICK)
    assert [network.channels for network in result.model.networks] == [(0,), (1,)]
    assert [network.spec.channels for network in result.model.networks] == [1, 1]
    alone = api.denoise(frames[:, 0], axes="TYX", **QUICK)
    np.testing.assert_array_equal(result.image[:, 0], alone.image)


def test_noise_is_told_by_the_repeats():
    frames, _ = repeated((128, 128))
    (law,) = api.denoise(frames, axes="TYX", **LONGER).noise
    signal = 100.0
    expected = scenes.CAMERA.gain * (signal - scenes.CAMERA.offset) + scenes.CAMERA.read_noise**2
    # What the network has not learned yet counts as noise; what it knows of it would be missing.
    assert 0.9 * expected < law.gain * signal + law.offset < 1.5 * expected


@pytest.mark.parametrize(
    ("shape", "axes", "params", "message"),
    [
        ((32, 32), "YX", {}, r"no axis T \(axes YX, 32 × 32\)\. Give two or more frames"),
        ((2, 32, 32), "ZYX", {}, r"lie along Z, name it T \(axes=TYX\) or choose repeats=Z"),
        ((1, 3, 32, 32), "TZYX", {}, r"1 place along T .*lie along Z, choose repeats=Z"),
        ((2, 32, 32), "TYX", {"repeats": "Z"}, r"lie along T, name it Z \(axes=ZYX\) or choose"),
        ((65, 32, 32), "TYX", {}, r"2 to 64 .* has 65\. Learn from a part: train_on=T=0:64"),
        ((2, 32, 32), "TYX", {"repeats": "X"}, "repeats='X' is not allowed; use T, Z"),
    ],
)
def test_what_has_no_repeats_is_refused_with_a_way_out(shape, axes, params, message):
    with pytest.raises(InputError, match=message):
        api.denoise(np.zeros(shape), axes=axes, method="noise2noise", **params)


def test_volumes_are_refused_where_planes_are_repeats():
    frames, _ = repeated(count=9)
    with pytest.raises(InputError, match="does not work in 3D; use --dims 2D"):
        api.denoise(frames, axes="ZYX", repeats="Z", dims="3D", **QUICK)


def test_inputs_have_as_many_repeats_as_one_another():
    frames, _ = repeated(count=3)
    with pytest.raises(InputError, match=r"different numbers of repeats: \[2, 3\]"):
        api.train(frames, frames[:2], axes="TYX", **QUICK)


def test_the_run_says_what_it_takes_for_repeats_and_warns_of_motion():
    frames, _ = repeated((96, 96))
    event = started(frames)
    assert isinstance(event, Started)
    assert "the 2 frames along T are repeats of one another" in event.note
    assert event.warning == ""
    moved = np.stack([frames[0], np.roll(frames[1], 5, axis=1)])
    assert "differ by more than independent noise" in started(moved).warning
    assert "copies of one another" in started(np.stack([frames[0]] * 2)).warning


def test_a_model_denoises_one_frame_or_more_than_it_has_learned_from(tmp_path):
    frames, _ = repeated(count=3)
    for result in ("frames", "average"):
        model = api.train(frames[:2], axes="TYX", result=result, **QUICK)
        model.save(path := str(tmp_path / f"{result}.safetensors"))
        assert load(path).method == model.method
        alone = api.apply(path, frames[2], axes="YX").image
        together = api.apply(path, frames, axes="TYX").image
        assert together.shape == frames.shape
        if result == "frames":
            np.testing.assert_allclose(together[2], alone, rtol=1e-5)
        else:
            each = [api.apply(path, frame, axes="YX").image for frame in frames]
            np.testing.assert_allclose(together[1], np.mean(each, 0), rtol=1e-5)


def test_a_model_of_repeats_says_that_it_tells_no_noise():
    frames, _ = repeated()
    model = api.train(frames, axes="TYX", **QUICK)
    with pytest.raises(InputError, match="leave out the model"):
        reporting.noise_report(frames[0], model=model)


def test_learning_from_two_frames_of_a_long_series():
    frames, _ = repeated(count=3)
    result = api.denoise(frames, axes="TYX", train_on="T=0:2", **QUICK)
    alone = api.denoise(frames[:2], axes="TYX", **QUICK)
    np.testing.assert_array_equal(result.image[:2], alone.image)


def test_a_series_too_large_for_memory_gives_a_model_that_denoises(monkeypatch):
    monkeypatch.setattr("napari_blindspot.sources.WHOLE", 1000)
    frames, clean = repeated((64, 64))
    result = api.denoise(frames, axes="TYX", **LONGER)
    before = scenes.peak_signal_to_noise(frames[0], clean)
    assert scenes.peak_signal_to_noise(result.image[0], clean) > before + 2


def test_pixels_held_out_are_those_of_all_frames():
    frames, _ = repeated((192, 192))
    job = Job(budget="3steps", held_out=True, **FIELDS)
    steps = [e for e in run(job, volumes=[api.as_volume(frames, "TYX")]) if isinstance(e, Step)]
    assert all(step.held_out is not None and 0 < step.held_out < 10 for step in steps)


def test_tiles_of_an_average_are_those_of_the_whole():
    frames, _ = repeated((72, 80), 3)
    method = Noise2Noise(**SMALL, result="average")
    torch.manual_seed(0)
    parts = method.build(Spec(2, 1, (0.0,), (1.0,)))
    noisy = torch.from_numpy(frames.astype(np.float32))[None] / 100
    halo = max(parts.network.halo) + -max(parts.network.halo) % 2
    predict = parts.predictor.predict
    with torch.no_grad():
        whole = predict(parts.network, noisy, Chance(0, (0, 0))).mean
        tile = predict(parts.network, noisy[..., 20:, 20:], Chance(0, (20, 20))).mean
    torch.testing.assert_close(tile[..., halo:, halo:], whole[..., 20 + halo :, 20 + halo :])


def test_the_preview_of_an_average_shows_the_frame_in_view(monkeypatch):
    monkeypatch.setattr("napari_blindspot.preview.SHARE", 1.0)
    frames, _ = repeated()
    region = (slice(1, 2), slice(3, 30), slice(0, 40))
    job = Job(method="noise2noise", params={**SMALL, "result": "average"}, budget="4steps")
    watching = Watching(lambda: region, 0.0)
    events = list(run(job, volumes=[api.as_volume(frames, "TYX")], watching=watching))
    shown = [event.image for event in events if isinstance(event, Preview)]
    np.testing.assert_allclose(shown[-1], events[-1].denoised.read()[region], rtol=0.05)


def test_a_file_through_the_command_line(tmp_path):
    frames, _ = repeated()
    noisy, denoised = (str(tmp_path / name) for name in ("noisy.ome.tif", "denoised.ome.tif"))
    save_volume(noisy, api.as_volume(frames, "TYX"))
    flags = [f"--param={name}={value}" for name, value in SMALL.items()]
    command = ["denoise", noisy, "-o", denoised, "--method=noise2noise", "--budget=3steps", *flags]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    written = open_volume(denoised)
    assert (written.axes, written.shape, written.dtype) == ("TYX", frames.shape, frames.dtype)
    expected = api.denoise(frames, axes="TYX", **QUICK).image
    np.testing.assert_array_equal(written.read(), np.rint(expected))
    refused = CliRunner().invoke(app, [*command, "--param=repeats=Z", "--overwrite"])
    assert refused.exit_code == 2


def test_a_training_that_was_cut_off_goes_on_as_if_nothing_had_happened(tmp_path):
    frames, _ = repeated()
    source, model = str(tmp_path / "noisy.ome.tif"), str(tmp_path / "model.safetensors")
    save_volume(source, api.as_volume(frames, "TYX"))
    job = Job(inputs=(source,), save_model=model, budget="12steps", **FIELDS)
    expected = _finished(run(job))
    cut = run(job, lambda: Stop.NO)
    for event in cut:
        if getattr(event, "step", 0) == 5:
            cut.close()
    resumed = _finished(run(job, resume=True))
    assert resumed.model.networks[0].losses == expected.model.networks[0].losses
    np.testing.assert_array_equal(resumed.denoised.read(), expected.denoised.read())


def _finished(events):
    (last,) = [event for event in events if isinstance(event, Finished)]
    return last
