"""Prediction of what does not fit into memory, as a whole or tile by tile."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import scenes
from napari_blindspot import api, prediction, results, ring, sources
from napari_blindspot.axes import Layout
from napari_blindspot.device import choose
from napari_blindspot.events import Finished, Halved, Tile
from napari_blindspot.halting import Stop, never
from napari_blindspot.io import open_volume, save_volume
from napari_blindspot.job import Job
from napari_blindspot.params import InputError
from napari_blindspot.prediction import predict
from napari_blindspot.run import run

TINY = {"width": 4, "depth": 1, "patch": 16}


@pytest.fixture(scope="module")
def model():
    noisy, _ = scenes.noisy_and_clean((96, 112))
    return api.train(noisy, method="n2v", budget="3steps", **TINY)


def predicted(model, volume, device="cpu"):
    layout = Layout(volume.axes, volume.shape, "YX")
    work = predict(model, volume, layout, device=choose(device), stop=never, seed=0, with_std=False)
    events = []
    while True:
        try:
            events.append(next(work))
        except StopIteration as end:
            return end.value.mean, events


def fail_above(monkeypatch, pixels, error):
    """Let every prediction of more than so many pixels run out of memory."""
    whole = prediction.predict_piece

    def limited(piece, *args, **options):
        if piece.n_values > pixels:
            raise error
        return whole(piece, *args, **options)

    monkeypatch.setattr(prediction, "predict_piece", limited)


ERRORS = [
    MemoryError(),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory"),
    RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes."),
    RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"),
]


@pytest.mark.parametrize("error", ERRORS, ids=["numpy", "cuda", "linux", "windows", "mps"])
def test_tiles_are_halved_when_memory_runs_out(monkeypatch, model, error):
    noisy, _ = scenes.noisy_and_clean((3, 96, 112))
    volume = api.as_volume(noisy, "TYX")
    expected, before = predicted(model, volume)
    fail_above(monkeypatch, 5000, error)
    found, events = predicted(model, volume)
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.ptp(noisy))
    assert len(before) == 3
    assert events[0] == Halved((96, 112), events[0].message)
    assert "ran out with a tile of 96 × 112 pixels" in events[0].message
    tiles = [event for event in events if isinstance(event, Tile)]
    assert len(tiles) >= 6
    assert tiles[-1] == Tile(len(tiles), len(tiles))


@pytest.mark.cuda
def test_tiles_are_halved_when_a_gpu_runs_out_of_memory(monkeypatch, model):
    noisy, _ = scenes.noisy_and_clean((96, 112))
    volume = api.as_volume(noisy)
    expected, _ = predicted(model, volume, "cuda")
    fail_above(monkeypatch, 5000, torch.OutOfMemoryError("CUDA out of memory."))
    found, events = predicted(model, volume, "cuda")
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.ptp(noisy))
    assert len(events) > 1


def halted_after(tiles, job, volume):
    """The end of a run that is halted after some tiles, whose partial result is kept."""
    events = []

    def stop():
        done = sum(isinstance(event, Tile) for event in events)
        return Stop.HALT if done >= tiles else Stop.NO

    for event in run(job, stop, [volume], keep_partial=True):
        events.append(event)  # noqa: PERF402 - the stop flag looks at the list as it grows
    assert sum(isinstance(event, Tile) for event in events) == tiles
    return events[-1]


def job_with(model, folder, **options):
    model.save(folder / "model.safetensors")
    return Job(model=str(folder / "model.safetensors"), **options)


def test_what_is_denoised_before_a_halt_is_kept(tmp_path, model):
    noisy, _ = scenes.noisy_and_clean((4, 40, 40))
    volume = api.as_volume(noisy, "TYX")
    whole, _ = predicted(model, volume)
    finished = halted_after(3, job_with(model, tmp_path), volume)
    assert finished.stopped
    assert finished.done == 0.75
    np.testing.assert_array_equal(finished.denoised.read()[:3], whole[:3])
    assert np.isnan(finished.denoised.read()[3:]).all()
    assert finished.denoised.axes == "TYX"


def test_a_pixel_is_done_in_one_channel_and_not_in_the_other(tmp_path):
    noisy, _ = scenes.noisy_and_clean((2, 40, 40))
    volume = api.as_volume(noisy, "CYX")
    model = api.train(noisy, method="n2v", budget="2steps", axes="CYX", **TINY)
    finished = halted_after(1, job_with(model, tmp_path), volume)
    assert finished.done == 0.5
    kept = finished.denoised.read()
    assert np.isfinite(kept[0]).all()
    assert np.isnan(kept[1]).all()


@pytest.mark.parametrize("limit", [2**26, 1000], ids=["memory", "file"])
@pytest.mark.parametrize("name", ["out.ome.tif", "out.ome.zarr"])
def test_files_of_a_halted_prediction_hold_what_is_done(tmp_path, monkeypatch, model, name, limit):
    monkeypatch.setattr(results, "WHOLE", limit)
    noisy, _ = scenes.noisy_and_clean((4, 40, 40))
    volume = api.as_volume(noisy.astype(np.uint16), "TYX")
    rest = []
    for float32 in (True, False):
        target = tmp_path / f"{float32}_{name}"
        job = job_with(model, tmp_path, output=str(target), float32=float32)
        assert halted_after(1, job, volume).done == 0.25
        saved = open_volume(target).read()
        assert (saved[0] > 0).mean() > 0.9
        rest.append(saved[1:])
    assert np.isnan(rest[0]).all()
    assert rest[1].dtype == np.uint16
    assert (rest[1] == 0).all()


def test_nothing_is_kept_without_a_tile(tmp_path, model):
    target = tmp_path / "out.ome.tif"
    job = job_with(model, tmp_path, output=str(target))
    finished = halted_after(0, job, api.as_volume(np.ones((24, 24))))
    assert (finished.denoised, finished.done) == (None, 0.0)
    assert not target.exists()


def test_results_in_ome_zarr_stay_in_the_file_however_small(tmp_path):
    noisy, _ = scenes.noisy_and_clean((3, 32, 32))
    target = tmp_path / "out.ome.zarr"
    options = {"method": "laine19", "params": {"width": 8, "depth": 1}, "budget": "1steps"}
    job = Job(output=str(target), float32=True, with_std=True, **options)
    *_, finished = run(job, volumes=[api.as_volume(noisy, "TYX")])
    assert finished.denoised.source == target
    assert not isinstance(finished.denoised.data, np.ndarray)
    assert finished.denoised.dtype == np.float32
    assert (finished.std.read() > 0).all()
    assert finished.done == 1.0


def test_memory_that_is_never_enough_is_one_sentence(monkeypatch, model):
    fail_above(monkeypatch, 0, MemoryError())
    with pytest.raises(InputError, match=r"smallest tile, \d+ values; close other programs"):
        predicted(model, api.as_volume(np.zeros((40, 40))))


def test_other_errors_are_not_hidden(monkeypatch, model):
    fail_above(monkeypatch, 0, RuntimeError("size mismatch"))
    with pytest.raises(RuntimeError, match="size mismatch"):
        predicted(model, api.as_volume(np.zeros((40, 40))))


@pytest.fixture
def everything_is_large(few_pixels, monkeypatch):
    for module in (results, sources):
        monkeypatch.setattr(module, "WHOLE", 1000)
    monkeypatch.setattr(ring, "MOST_BLOCKS", 16)


@pytest.mark.parametrize("name", ["out.ome.tif", "out.ome.zarr", "out.npy"])
@pytest.mark.parametrize("float32", [False, True])
def test_large_results_are_the_same_but_stay_in_files(tmp_path, monkeypatch, model, name, float32):
    noisy, _ = scenes.noisy_and_clean((5, 48, 64))
    source, saved = tmp_path / "in.ome.zarr", tmp_path / "model.safetensors"
    save_volume(source, api.as_volume(noisy.astype(np.uint16), "TYX"))
    model.save(saved)
    values = []
    for folder, limit in (("memory", 2**26), ("file", 1000)):
        (tmp_path / folder).mkdir()
        target = tmp_path / folder / name
        monkeypatch.setattr(results, "WHOLE", limit)
        job = Job((str(source),), str(target), model=str(saved), float32=float32)
        *_, finished = run(job)
        axes = "TYX" if name.endswith("npy") else None
        values.append(open_volume(target, axes=axes).read())
        beside = {path.name for path in target.parent.iterdir()}
        assert beside == {name, f"{name}.job.json"}
    np.testing.assert_array_equal(*values)
    assert values[0].dtype == (np.float32 if float32 else np.uint16)
    assert finished.denoised.source == target
    assert finished.denoised.axes == "TYX"


@pytest.mark.usefixtures("everything_is_large")
@pytest.mark.parametrize("dims", ["2D", "3D"])
def test_a_large_volume_is_denoised_and_its_uncertainty_found(tmp_path, dims):
    noisy, clean = scenes.noisy_and_clean((12, 48, 64))
    source, target, spread = (tmp_path / f"{word}.ome.zarr" for word in ("in", "out", "std"))
    save_volume(source, api.as_volume(noisy, "ZYX"))
    job = Job(
        (str(source),),
        str(target),
        uncertainty=str(spread),
        method="laine19",
        params={"width": 8, "depth": 1, "patch": 32},
        budget="60steps",
        dims=dims,
    )
    *_, finished = run(job)
    assert isinstance(finished, Finished)
    before, after = (
        scenes.peak_signal_to_noise(open_volume(path).read(), clean) for path in (source, target)
    )
    assert after > before + 1
    assert (open_volume(spread).read() > 0).all()


class BlindMean:
    """The first output of a network, whatever it means."""

    margin = 0

    def predict(self, network, noisy, chance, with_std):
        return SimpleNamespace(mean=network(noisy)[:, :1], std=None)


def test_a_blind_network_stays_blind_at_the_ends_of_an_odd_image():
    """Where its poolings want a multiple of 4, a reflection would show pixels their own value."""
    noisy, _ = scenes.noisy_and_clean((45, 46))
    small = {**TINY, "likelihood": "gaussian"}
    model = api.train(noisy, method="laine19", budget="3steps", **small)
    (network,) = model.networks
    blind = dataclasses.replace(
        network, parts=dataclasses.replace(network.parts, predictor=BlindMean())
    )
    model = dataclasses.replace(model, networks=(blind,))
    for place in ((44, 20), (43, 45), (42, 44), (44, 45)):
        other = noisy.copy()
        other[place] += 100
        before, after = (predicted(model, api.as_volume(x, "YX"))[0] for x in (noisy, other))
        assert before[place] == after[place]
        assert (before != after).any()
