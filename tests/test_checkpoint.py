"""Runs that are killed and go on."""

from __future__ import annotations

import dataclasses
import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import scenes
from napari_blindspot import api, checkpoint, ring, sources
from napari_blindspot.checkpoint import Checkpoints, Progress
from napari_blindspot.events import Finished, Step
from napari_blindspot.halting import Stop
from napari_blindspot.io import open_volume, save_volume
from napari_blindspot.job import Job
from napari_blindspot.optimizer import OPTIMIZERS
from napari_blindspot.params import InputError
from napari_blindspot.run import run

KILLED = """
import os, signal, sys
import torch
from napari_blindspot import checkpoint, fitting, ring, sources
from napari_blindspot.events import Step
from napari_blindspot.job import Job
from napari_blindspot.run import run

checkpoint.INTERVAL_S = 0
fitting._PIXELS_IN_TRAINING, fitting._PIXELS_AT_THE_END = 30_000, 100_000
ring.MOST_BLOCKS = 8
sources.WHOLE = int(sys.argv[3])
torch.set_num_threads(int(sys.argv[4]))
network, step = map(int, sys.argv[2].split("."))
for event in run(Job.load(sys.argv[1])):
    if isinstance(event, Step) and (event.network, event.step) == (network, step):
        os.kill(os.getpid(), signal.SIGKILL)
"""
pytestmark = [pytest.mark.usefixtures("few_pixels"), pytest.mark.no_cover]
needs_sigkill = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
TINY = {"width": 4, "depth": 1, "patch": 48}


def save_input(folder, seed):
    frames = [scenes.noisy_and_clean((3, 48, 52), seed=2 * seed + i)[0] for i in range(2)]
    save_volume(folder / "in.ome.tif", api.as_volume(np.stack(frames), "CTYX"))


@pytest.fixture
def job(tmp_path):
    save_input(tmp_path, 0)
    return Job(
        (str(tmp_path / "in.ome.tif"),),
        str(tmp_path / "out.ome.tif"),
        method="express",
        params={**TINY, "members": 1, "turns": 1, "similar": False},
        budget="12steps",
        float32=True,
    )


def losses(events):
    return [(e.network, e.step, e.loss) for e in events if isinstance(e, Step)]


def kill(job, step, whole=2**26):
    """Run a job in a process of its own that is killed at a step, as `network.step`."""
    written = Path(job.output).with_name("job.json")
    written.write_text(job.to_json())
    options = [str(written), step, str(whole), str(torch.get_num_threads())]
    command = [sys.executable, "-c", KILLED, *options]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert not Path(job.output).exists()


@needs_sigkill
def test_a_killed_training_ends_as_early_as_it_would_have(tmp_path):
    noise = np.random.default_rng(0).normal(10, 1, (128, 128)).astype(np.float32)
    save_volume(tmp_path / "in.ome.tif", api.as_volume(noise, "YX"))
    job = Job(
        (str(tmp_path / "in.ome.tif"),),
        str(tmp_path / "out.ome.tif"),
        method="n2v",
        params={"width": 4, "depth": 1, "patch": 16, "batch": 4},
        budget="1500steps",
        early_stop=True,
        threads=1,
    )
    expected = losses(run(dataclasses.replace(job, output=str(tmp_path / "whole.ome.tif"))))
    assert 250 <= len(expected) < 1250
    for left in (150, 5):  # before the end is near, and on the way out
        kill(job, f"0.{len(expected) - left}")
        resumed = losses(run(job, resume=True))
        assert 0 < len(resumed) < len(expected)
        assert expected[-len(resumed) :] == resumed
        Path(job.output).unlink()


@pytest.mark.pretrained
@needs_sigkill
@pytest.mark.parametrize(("killed_at", "whole"), [("0.1", 2**26), ("1.5", 1000)])
def test_a_killed_training_goes_on_as_if_nothing_had_happened(
    tmp_path, monkeypatch, job, killed_at, whole
):
    monkeypatch.setattr(sources, "WHOLE", whole)
    monkeypatch.setattr(ring, "MOST_BLOCKS", 8)
    expected = list(run(dataclasses.replace(job, output=str(tmp_path / "whole.ome.tif"))))

    kill(job, killed_at, whole)
    resumed = list(run(job, resume=True))

    left = losses(resumed)
    assert 0 < len(left) < 24
    assert losses(expected)[-len(left) :] == left
    for one, other in zip(resumed[-1].model.networks, expected[-1].model.networks, strict=True):
        assert one.losses == other.losses
        assert one.noise == other.noise
    pixels = [open_volume(tmp_path / f"{name}.ome.tif").read() for name in ("whole", "out")]
    np.testing.assert_array_equal(*pixels)
    assert not Checkpoints.of_job(job).paths


def halted_after(job, steps, **options):
    events = []

    def stop():
        done = sum(isinstance(event, Step) for event in events)
        return Stop.HALT if done == steps else Stop.NO

    for event in run(job, stop, **options):
        events.append(event)  # noqa: PERF402 - the stop flag looks at the list as it grows
    return events


def test_a_halted_training_keeps_its_state_and_a_finished_one_does_not(monkeypatch, job):
    monkeypatch.setattr(checkpoint, "INTERVAL_S", 0)
    halted_after(job, 5)
    # The network of the second channel had not begun.
    assert [path.name for path in Checkpoints.of_job(job).paths] == [".out.ome.tif.checkpoint-0"]
    *_, finished = run(job, resume=True)
    assert isinstance(finished, Finished)
    assert not Checkpoints.of_job(job).paths


def test_short_trainings_leave_no_state(job):
    halted_after(job, 5)
    assert not Checkpoints.of_job(job).paths


@pytest.mark.parametrize("change", [{"seed": 3}, {"budget": "13steps"}, {"joint": True}])
def test_a_state_of_another_job_is_refused(monkeypatch, job, change):
    monkeypatch.setattr(checkpoint, "INTERVAL_S", 0)
    halted_after(job, 5)
    other = dataclasses.replace(job, **change)
    with pytest.raises(InputError, match="belongs to a run with other inputs or parameters"):
        list(run(other, resume=True))


def test_a_state_of_other_data_is_refused(tmp_path, monkeypatch, job):
    monkeypatch.setattr(checkpoint, "INTERVAL_S", 0)
    halted_after(job, 5)
    save_input(tmp_path, 1)
    with pytest.raises(InputError, match="belongs to a run with other inputs"):
        list(run(job, resume=True))


def test_nothing_to_resume_is_a_beginning(job):
    assert losses(run(job, resume=True))[0][:2] == (0, 1)


def test_jobs_that_train_nothing_or_name_no_file_have_no_checkpoints(job):
    assert Checkpoints.of_job(Job()) is None
    assert Checkpoints.of_job(dataclasses.replace(job, model="m.safetensors")) is None
    assert json.loads(Checkpoints.of_job(job).of(1, {"mean": 2}).identity)["network"] == 1


def test_what_a_killed_run_left_beside_its_target_goes(tmp_path, job):
    halved = [
        ".out.ome.tif.part-7",
        ".out.ome.tif.pixels.part-7",
        "..out.ome.tif.checkpoint-0.part-7",
    ]
    for name in [*halved, ".other.ome.tif.part-7"]:
        (tmp_path / name).write_text("x")
    list(run(dataclasses.replace(job, budget="2steps")))
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"in.ome.tif", "out.ome.tif", "out.ome.tif.job.json", ".other.ome.tif.part-7"}


def test_who_goes_back_leaves_no_number_behind_that_is_none():
    """A step that went astray is in the moments of the optimiser too."""
    network = torch.nn.Linear(3, 2)
    optimizer = OPTIMIZERS["muon"](network.parameters(), 0.0)
    averages = [weight.detach().clone() for weight in network.parameters()]
    progress = Progress(network, optimizer, averages, torch.Generator(), None, None)
    progress.best = [weight.clone() for weight in averages]
    for loss in (float("nan"), 1.0):
        optimizer.zero_grad()
        (network(torch.ones(1, 3)).sum() * loss).backward()
        optimizer.rate = 0.1
        optimizer.step()
        progress.go_back()
    assert all(moment.isfinite().all() for moment in optimizer.tensors().values())
    optimizer.step()
    assert all(weight.isfinite().all() for weight in network.parameters())
