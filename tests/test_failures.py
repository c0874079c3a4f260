"""Full disks, read-only folders and inputs that vanish: one sentence, and nothing is damaged."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import disks
from napari_blindspot import api, checkpoint, fitting, results, ring, series, sources
from napari_blindspot.batch import Batch, run_batch
from napari_blindspot.batch.events import FileDone, FileFailed, FileProgress
from napari_blindspot.checkpoint import Checkpoints
from napari_blindspot.cli import app
from napari_blindspot.events import Finished, NotKept, Step
from napari_blindspot.io import open_volume, save_volume
from napari_blindspot.job import Job
from napari_blindspot.params import InputError
from napari_blindspot.run import run

TINY = {"width": 4, "depth": 1, "patch": 32, "batch": 64}
OPTIONS = ["--method=n2v", "--budget=2steps", "--device=cpu"]
OPTIONS += [f"--param={name}={value}" for name, value in TINY.items()]
PAGE = 4096


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """One thread, and few pixels to measure the noise: what is denoised does not matter here."""
    monkeypatch.setattr(fitting, "_PIXELS_AT_THE_END", 1000)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a disk of 1 MB."""
    with disks.mounted(tmp_path / "small", "size=1m") as folder:
        yield folder


def image(path, shape=(3, 64, 64), seed=0):
    noisy = np.random.default_rng(seed).poisson(40.0, shape).astype(np.uint16)
    save_volume(path, api.as_volume(noisy, "TZYX"[-len(shape) :]))
    return path


@pytest.fixture
def noisy(tmp_path):
    return image(tmp_path / "noisy.ome.tif")


@pytest.fixture
def streamed(monkeypatch):
    """Every image counts as too large for memory."""
    for module in (results, sources, series):
        monkeypatch.setattr(module, "WHOLE", 1000)
    monkeypatch.setattr(ring, "MOST_BLOCKS", 8)
    monkeypatch.setattr(sources, "_PROBE", 2**14)


def job_of(noisy, **targets):
    given = {name: str(path) for name, path in targets.items()}
    job = Job((str(noisy),), **given, method="n2v", params=TINY, budget="2steps", device="cpu")
    return dataclasses.replace(job, train_only="output" not in given)


def invoke(*words):
    """Exit code and the sentence on stderr."""
    done = CliRunner().invoke(app, [str(word) for word in words])
    return done.exit_code, [line for line in done.stderr.splitlines() if line.startswith("Error")]


def names(folder):
    return sorted(path.name for path in folder.rglob("*") if path.name != "ballast")


FULL = r"Error: \S+ was not written: no space left in \S+; free some\."


@pytest.mark.parametrize("name", ["out.ome.tif", "out.npy", "out.ome.zarr"])
@pytest.mark.parametrize("held", [True, False], ids=["held", "streamed"])
def test_a_full_disk_leaves_the_old_result(small_disk, noisy, name, held, request):
    if not held:
        request.getfixturevalue("streamed")
    old = np.full((3, 64, 64), 7, np.uint16)
    save_volume(small_disk / name, api.as_volume(old, "ZYX"))
    before = names(small_disk)
    disks.fill(small_disk, 4 * PAGE)
    code, said = invoke("denoise", noisy, "-o", small_disk / name, *OPTIONS)
    assert (code, len(said)) == (2, 1)
    assert re.fullmatch(FULL, said[0])
    assert names(small_disk) == before
    np.testing.assert_array_equal(open_volume(small_disk / name).read().reshape(old.shape), old)


def test_a_full_disk_leaves_the_old_model(small_disk, noisy):
    target = small_disk / "m.safetensors"
    target.write_bytes(b"the old one")
    disks.fill(small_disk, 2 * PAGE)
    code, said = invoke("train", noisy, "-o", target, *OPTIONS)
    assert (code, len(said)) == (2, 1)
    assert re.fullmatch(FULL, said[0])
    assert target.read_bytes() == b"the old one"
    assert names(small_disk) == ["m.safetensors"]


def test_a_disk_without_a_free_byte_is_found_before_the_training(small_disk, noisy):
    disks.fill(small_disk, 0)
    with pytest.raises(InputError, match="no space left"):
        next(run(job_of(noisy, output=small_disk / "out.tif")))
    assert names(small_disk) == []


def test_a_file_may_grow_to_a_limit_only(tmp_path, noisy):
    """The same without a disk to fill, in a process of its own: the limit cannot be undone."""
    pytest.importorskip("resource")
    out = tmp_path / "out.ome.tif"
    out.write_bytes(b"the old one")
    program = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)); "
        "from napari_blindspot.cli import main; main()"
    )
    words = ["denoise", str(noisy), "-o", str(out), "--quiet", *OPTIONS]
    done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True)
    assert done.returncode == 2
    assert re.fullmatch(FULL, done.stderr.strip())
    assert out.read_bytes() == b"the old one"
    assert names(tmp_path) == ["noisy.ome.tif", "out.ome.tif"]


def test_a_state_that_cannot_be_kept_ends_no_training(small_disk, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "INTERVAL_S", 0)
    pixels = np.random.default_rng(0).poisson(40.0, (2, 64, 64)).astype(np.uint16)
    two = tmp_path / "two.ome.tif"
    save_volume(two, api.as_volume(pixels, "CYX"))
    job = job_of(two, save_model=small_disk / "m.safetensors")
    events = []
    disks.fill(small_disk, 2 * PAGE)
    for event in run(job):
        events.append(event)
        if isinstance(event, Step) and (event.network, event.step) == (1, 2):
            assert names(small_disk) == [".m.safetensors.lock"]
            os.truncate(small_disk / "ballast", 0)
    (told,) = [event.message for event in events if isinstance(event, NotKept)]
    path = re.escape(str(Checkpoints.of_job(job).target.parent / ".m.safetensors.checkpoint-0"))
    assert re.fullmatch(
        rf"The training goes on, but its state cannot be kept: {path} was not written: no space "
        r"left in \S+; free some\.",
        told,
    )
    assert sum(isinstance(event, Step) for event in events) == 4
    assert isinstance(events[-1], Finished)
    assert names(small_disk) == ["m.safetensors"]


def test_the_command_says_once_that_no_state_is_kept(small_disk, noisy, monkeypatch):
    monkeypatch.setattr(checkpoint, "INTERVAL_S", 0)
    disks.fill(small_disk, 2 * PAGE)
    words = ["denoise", noisy, "-o", small_disk / "out.tif", *OPTIONS]
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.stderr.count("its state cannot be kept") == 1


def test_a_batch_on_a_full_disk_goes_on_and_is_resumed(small_disk, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    image(folder / "a.tif", (40, 40))
    image(folder / "b.tif", (30, 64, 64))
    image(folder / "c.tif", (40, 40))
    batch = Batch((str(folder),), str(small_disk), job_of(folder, output="out"))
    small_disk.mkdir(exist_ok=True)
    disks.fill(small_disk, 25 * PAGE)
    events = list(run_batch(batch))
    (failed,) = [event for event in events if isinstance(event, FileFailed)]
    assert failed.file == str(folder / "b.tif")
    assert re.fullmatch(FULL, f"Error: {failed.message}")
    assert [name for name in names(small_disk) if not name.endswith("json")] == [
        "a.ome.tif",
        "blindspot_batch.jsonl",
        "c.ome.tif",
    ]
    (small_disk / "ballast").unlink()
    events = list(run_batch(dataclasses.replace(batch, resume=True)))
    assert [event.file for event in events if isinstance(event, FileDone)] == [failed.file]


def test_a_journal_that_cannot_be_written_ends_the_batch(small_disk, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for name in "abcdef":
        image(folder / f"{name}.tif", (40, 40))
    batch = Batch((str(folder),), str(small_disk), job_of(folder, output="out"))
    with pytest.raises(  # noqa: PT012
        InputError, match=r"The journal \S+ cannot be written \(No space left on device\); make"
    ):
        for event in run_batch(batch):
            if isinstance(event, FileProgress) and event.file.endswith("b.tif"):
                disks.fill(small_disk, 0)
    assert not [name for name in names(small_disk) if name.startswith(".")]
    (small_disk / "ballast").unlink()
    assert list(run_batch(dataclasses.replace(batch, resume=True)))[-1].failed == 0
    assert len(list(small_disk.glob("*.tif"))) == 6


@pytest.mark.parametrize("command", ["denoise", "train", "batch"])
def test_a_read_only_folder_is_found_before_any_work(small_disk, noisy, command):
    targets = {"denoise": "out.tif", "train": "m.safetensors", "batch": "."}
    (small_disk / "out.tif").write_bytes(b"the old one")
    disks.make_read_only(small_disk)
    code, said = invoke(command, noisy, "-o", small_disk / targets[command], *OPTIONS)
    assert (code, len(said)) == (2, 1)
    assert re.search(r"cannot be written", said[0])
    assert "ead-only" in said[0] or "choose another folder" in said[0]
    assert (small_disk / "out.tif").read_bytes() == b"the old one"
    assert names(small_disk) == ["out.tif"]


def test_a_folder_that_is_removed_during_the_training(tmp_path, noisy, monkeypatch):
    monkeypatch.setattr(checkpoint, "INTERVAL_S", 0)
    (tmp_path / "out").mkdir()
    events = []
    with pytest.raises(  # noqa: PT012 - what happens to the folder happens on the way
        InputError, match=r"out\.tif cannot be written: no folder \S+/out;"
    ):
        for event in run(job_of(noisy, output=tmp_path / "out" / "out.tif")):
            events.append(event)
            shutil.rmtree(tmp_path / "out", ignore_errors=True)
    assert sum(isinstance(event, NotKept) for event in events) == 1
    assert names(tmp_path) == ["noisy.ome.tif"]


def vanishing(job, harm):
    """Run a job; after the first step something happens to its input."""
    for event in run(job):
        if isinstance(event, Step) and event.step == 1:
            harm()


@pytest.mark.usefixtures("streamed")
def test_an_image_folder_that_is_removed(tmp_path):
    source = image(tmp_path / "in.ome.zarr")
    (tmp_path / "out.tif").write_bytes(b"the old one")
    with pytest.raises(InputError, match=r"in\.ome\.zarr cannot be used: it is no longer there"):
        vanishing(job_of(source, output=tmp_path / "out.tif"), lambda: shutil.rmtree(source))
    assert names(tmp_path) == ["out.tif"]
    assert (tmp_path / "out.tif").read_bytes() == b"the old one"


@pytest.mark.usefixtures("streamed")
def test_a_chunk_that_is_damaged(tmp_path):
    source = image(tmp_path / "in.ome.zarr")

    def scribble():
        for chunk in (source / "0" / "c").rglob("*"):
            if chunk.is_file():
                chunk.write_bytes(chunk.read_bytes()[:10])

    with pytest.raises(InputError, match=r"in\.ome\.zarr cannot be read as OME-Zarr"):
        vanishing(job_of(source, output=tmp_path / "out.tif"), scribble)
    assert not [name for name in names(tmp_path) if "out.tif" in name]


@pytest.mark.parametrize("name", ["in.ome.tif", "in.npy"])
@pytest.mark.parametrize("held", [True, False], ids=["held", "streamed"])
def test_a_file_that_is_cut_off(tmp_path, name, held, request):
    """To touch what is gone of a memory map would end the whole process."""
    if not held:
        request.getfixturevalue("streamed")
    source = image(tmp_path / name)
    with pytest.raises(InputError, match=rf"{name} was cut off while it was in use"):
        vanishing(job_of(source, output=tmp_path / "out.tif"), lambda: os.truncate(source, 1000))
    assert names(tmp_path) == [name]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows removes no open file")
def test_a_file_that_is_removed_is_read_to_the_end(tmp_path):
    source = image(tmp_path / "in.ome.tif")
    vanishing(job_of(source, output=tmp_path / "out.tif"), source.unlink)
    assert open_volume(tmp_path / "out.tif").shape == (3, 64, 64)
