"""Trainings that a killed or stopped batch had begun, and that go on."""

from __future__ import annotations

import dataclasses
import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from napari_blindspot import checkpoint
from napari_blindspot.batch import Batch, performing, run_batch
from napari_blindspot.batch.events import FileDone, FileFailed, FileProgress
from napari_blindspot.checkpoint import Checkpoints
from napari_blindspot.events import Step
from napari_blindspot.halting import Stop
from napari_blindspot.io import open_volume
from napari_blindspot.model import load

KILLED = """
import json, os, signal, sys
from pathlib import Path
import torch
from napari_blindspot import checkpoint
from napari_blindspot.batch import Batch, performing, run_batch
from napari_blindspot.batch.events import FileProgress
from napari_blindspot.events import Step
from napari_blindspot.job import Job

torch.set_num_threads(1)
checkpoint.INTERVAL_S = performing._INTERVAL_S = 0
options = json.loads(sys.argv[1])
job = Job.from_json(json.dumps(options.pop("job")))
for event in run_batch(Batch(job=job, **options)):
    if isinstance(event, FileProgress) and Path(event.file).name == sys.argv[2]:
        if isinstance(event.event, Step) and event.event.step == 3:
            os.kill(os.getpid(), signal.SIGKILL)
"""
MODEL = "blindspot_batch.model.safetensors"
unix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
pytestmark = pytest.mark.no_cover


@pytest.fixture(autouse=True)
def every_step(monkeypatch):
    """Every step is kept, and told."""
    monkeypatch.setattr(checkpoint, "INTERVAL_S", 0)
    monkeypatch.setattr(performing, "_INTERVAL_S", 0)


@pytest.fixture
def batch(folder, tmp_path, job):
    # A large batch sees the many pixels that the noise is fitted to in a few passes.
    params = {**job.params, "patch": 24, "batch": 64}
    six = dataclasses.replace(job, params=params, budget="6steps", float32=True)
    return Batch((str(folder),), str(tmp_path / "out"), six, save_models=True)


def killed_in(batch, name):
    """Do a batch in a process that is killed after step 3 for a file."""
    options = json.dumps(batch.options())
    done = subprocess.run([sys.executable, "-c", KILLED, options, name], check=False)
    assert done.returncode == -signal.SIGKILL


def halted_in(batch, name):
    """Do a batch in this process, stopped after step 3 for a file."""
    seen = []

    def flag():
        return Stop.HALT if any(s.step >= 3 for s in steps(seen, name)) else Stop.NO

    for event in run_batch(batch, flag):
        seen.append(event)  # noqa: PERF402 - the stop flag looks at the list as it grows
    assert seen[-1].stopped


def resumed(batch, **changes):
    events = list(run_batch(dataclasses.replace(batch, resume=True, **changes)))
    assert not [event for event in events if isinstance(event, FileFailed)]
    return events


def steps(events, name):
    """Training steps for a file."""
    return [
        event.event
        for event in events
        if isinstance(event, FileProgress)
        and Path(event.file).name == name
        and isinstance(event.event, Step)
    ]


def check_same(batch, tmp_path):
    """Results and losses are those of a batch that nobody killed, and nothing is left over."""
    whole = dataclasses.replace(batch, output=str(tmp_path / "whole"), resume=False, jobs=1)
    assert list(run_batch(whole))[-1].done == 3
    results = sorted(whole.folder.glob("*.tif"))
    assert len(results) == 3
    for result in results:
        pixels = [
            open_volume(folder / result.name).read() for folder in (whole.folder, batch.folder)
        ]
        np.testing.assert_array_equal(*pixels)
    models = sorted(whole.folder.glob("*.safetensors"))
    assert models
    for model in models:
        one, other = (load(f / model.name).networks[0] for f in (whole.folder, batch.folder))
        assert len(one.losses) == 6
        assert one.losses == other.losses
    assert not list(batch.folder.glob(".*"))


@unix
@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_the_training_on_an_image_goes_on_after_a_kill(batch, tmp_path, jobs):
    killed_in(batch, "b.tif")
    assert [path.name for path in sorted(batch.folder.glob(".*checkpoint*"))] == [
        ".b.model.safetensors.checkpoint-0"
    ]
    events = resumed(batch, jobs=jobs)
    done = {Path(e.file).name for e in events if isinstance(e, FileDone)}
    assert done == {"b.tif", "c.tif"}
    assert steps(events, "b.tif")[0].step == 4
    assert steps(events, "c.tif")[0].step == 1
    check_same(batch, tmp_path)


@unix
@pytest.mark.parametrize("train", ["first", pytest.param("together", marks=pytest.mark.slow)])
def test_the_training_for_all_goes_on_after_a_kill(batch, tmp_path, train):
    shared = dataclasses.replace(batch, train=train, save_models=False)
    killed_in(shared, MODEL)
    assert [step.step for step in steps(resumed(shared), MODEL)] == [4, 5, 6]
    check_same(shared, tmp_path)


def test_a_training_that_was_stopped_goes_on(batch, tmp_path):
    halted_in(batch, "b.tif")
    events = resumed(batch)
    assert [step.step for step in steps(events, "b.tif")] == [4, 5, 6]
    check_same(batch, tmp_path)


@pytest.mark.parametrize("change", ["image", "options"])
def test_another_training_begins_anew(batch, folder, make_image, change):
    halted_in(batch, "b.tif")
    if change == "image":
        make_image(folder / "b.tif", seed=31)
    else:
        batch = dataclasses.replace(batch, job=dataclasses.replace(batch.job, seed=7))
    assert steps(resumed(batch), "b.tif")[0].step == 1
    assert not list(batch.folder.glob(".*"))


@pytest.mark.parametrize("what", ["scribble", "of another"])
def test_a_state_that_is_of_no_use_does_not_matter(batch, tmp_path, what):
    halted_in(batch, "b.tif")
    (path,) = Checkpoints.of_job(_job_of(batch, "b.tif")).paths
    if what == "scribble":
        path.write_bytes(b"scribble")
    else:
        other = dataclasses.replace(batch, output=str(tmp_path / "other"))
        halted_in(other, "a.tif")
        (strange,) = Checkpoints.of_job(_job_of(other, "a.tif")).paths
        strange.replace(path)
    assert steps(resumed(batch), "b.tif")[0].step == 1
    assert not list(batch.folder.glob(".*"))


def test_without_resume_nothing_old_is_taken_up(batch):
    halted_in(batch, "b.tif")
    batch.journal.unlink()
    for path in batch.folder.glob("a*"):
        path.unlink()
    (batch.folder / "b.model.safetensors").unlink()
    events = list(run_batch(batch))
    assert steps(events, "b.tif")[0].step == 1
    assert not list(batch.folder.glob(".*"))


def _job_of(batch, name):
    from napari_blindspot.batch import make_plan

    plan = make_plan(dataclasses.replace(batch, resume=True))
    return next(task.job for task in plan.tasks if Path(task.file).name == name)
