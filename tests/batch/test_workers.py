"""Processes that share the work, die, or are stopped."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import sys

import pytest

from napari_blindspot.batch import Batch, run_batch
from napari_blindspot.batch.events import (
    FileDone,
    FileFailed,
    FileProgress,
    FileStopped,
)
from napari_blindspot.batch.performing import Failed, perform
from napari_blindspot.batch.planning import Task
from napari_blindspot.batch.workers import Alone, cores
from napari_blindspot.events import Step
from napari_blindspot.halting import Stop, never
from napari_blindspot.job import Job

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")


@pytest.fixture
def batch(folder, tmp_path, job):
    return Batch((str(folder),), str(tmp_path / "out"), job, jobs=2)


@posix
def test_a_process_that_is_killed_fails_its_image_only(batch, tmp_path):
    events, killed = [], []
    for event in run_batch(batch):
        events.append(event)
        if isinstance(event, FileProgress) and not killed:
            killed = multiprocessing.active_children()[:1]
            os.kill(killed[0].pid, signal.SIGKILL)
    (failed,) = [event for event in events if isinstance(event, FileFailed)]
    assert failed.message == (
        "Its process was killed by SIGKILL; the system does so when memory runs out: use fewer "
        "--jobs."
    )
    assert (events[-1].done, events[-1].failed, events[-1].left) == (2, 1, 0)
    assert not multiprocessing.active_children()
    assert not list((tmp_path / "out").glob(".*"))


def test_halt_reaches_the_processes(folder, tmp_path, make_image):
    long = Job(method="n2v", params={"width": 4, "depth": 1}, budget="600s", device="cpu")
    events = []

    def when_training():
        steps = (e for e in events if isinstance(e, FileProgress) and isinstance(e.event, Step))
        return Stop.HALT if any(steps) else Stop.NO

    for event in run_batch(
        Batch((str(folder),), str(tmp_path / "out"), long, jobs=2), when_training
    ):
        events.append(event)  # noqa: PERF402 - the stop flag looks at the list as it grows
    assert sum(isinstance(event, FileStopped) for event in events) == 2
    assert not any(isinstance(event, FileDone) for event in events)
    assert (events[-1].stopped, events[-1].left) == (True, 3)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["blindspot_batch.jsonl"]


def test_a_closed_batch_ends_its_processes(batch, tmp_path):
    run = run_batch(batch)
    while not isinstance(next(run), FileProgress):
        pass
    assert multiprocessing.active_children()
    run.close()
    assert not multiprocessing.active_children()
    assert not list((tmp_path / "out").glob(".*"))


def test_steps_are_thinned(folder, tmp_path, job):
    endless = Job(
        inputs=(str(folder / "a.tif"),),
        output=str(tmp_path / "a.ome.tif"),
        method="n2v",
        params=job.params,
        budget="200steps",
        device="cpu",
    )
    steps = [m for m in perform(endless, never) if isinstance(m, Step)]
    assert steps[0].step == 1
    assert steps[-1].step == 200
    gaps = [b.elapsed_s - a.elapsed_s for a, b in itertools.pairwise(steps[:-1])]
    assert len(steps) < 200
    assert min(gaps, default=1.0) > 0.05


def test_alone_does_one_task_at_a_time(tmp_path):
    staff = Alone(never)
    assert list(staff.messages()) == []
    job = Job(inputs=(str(tmp_path / "none.tif"),), output=str(tmp_path / "out.tif"))
    staff.give(Task("none.tif", job, "new"))
    assert (staff.free, staff.busy) == (0, 1)
    ((_, message),) = staff.messages()
    assert isinstance(message, Failed)
    assert (staff.free, staff.busy) == (1, 0)


def test_cores_are_those_that_this_process_may_use():
    assert 1 <= cores() <= (os.cpu_count() or 1)
