"""Work in another thread, told to this one."""

from __future__ import annotations

import threading
import time

import pytest

from napari_blindspot._gui.task import Task, sentence, thinned
from napari_blindspot.events import Started, Step, Tile
from napari_blindspot.halting import Stop
from napari_blindspot.params import InputError

pytestmark = pytest.mark.gui


def counting(stop):
    count = 0
    while stop() is Stop.NO:
        count += 1
        yield count
        time.sleep(0.001)
    yield stop()


def test_events_arrive_in_the_main_thread_in_order_and_then_it_is_over(qtbot):
    seen = []

    def work(stop):
        yield threading.get_ident()
        yield "second"

    task = Task(work, "Working")
    task.happened.connect(lambda event: seen.append((event, threading.get_ident())))
    with qtbot.waitSignal(task.over):
        task.start()
        assert task.runs

    here = threading.get_ident()
    assert [thread for _, thread in seen] == [here, here]
    assert seen[0][0] != here
    assert seen[1][0] == "second"
    assert not task.runs


def test_the_work_is_told_to_stop_and_closed_in_its_own_thread(qtbot):
    seen, closed = [], []

    def work(stop):
        try:
            yield from counting(stop)
        finally:
            closed.append(threading.get_ident())

    task = Task(work, "Counting")
    task.happened.connect(seen.append)
    with qtbot.waitSignal(task.over):
        task.start()
        qtbot.waitUntil(lambda: len(seen) > 3)
        task.stop(Stop.APPLY)

    assert seen[-1] is Stop.APPLY
    assert closed
    assert closed[0] != threading.get_ident()


def test_an_error_is_one_sentence_with_details_and_then_it_is_over(qtbot):
    def work(stop):
        yield 1
        raise InputError("axes='YY' names an axis twice; use each letter at most once.")

    task, told = Task(work, "Failing"), []
    task.failed.connect(lambda *values: told.append(values))
    with qtbot.waitSignal(task.over):
        task.start()

    ((words, details),) = told
    assert words == "axes='YY' names an axis twice; use each letter at most once."
    assert "Traceback" in details
    assert "def work" not in words


def test_an_abandoned_task_ends_and_tells_nothing_more(qtbot):
    told, ended = [], threading.Event()

    def work(stop):
        try:
            yield from counting(stop)
        finally:
            ended.set()

    task = Task(work, "Counting")
    task.happened.connect(told.append)
    task.over.connect(lambda: told.append("over"))
    task.start()
    qtbot.waitUntil(lambda: len(told) > 2)
    task.abandon()
    assert ended.wait(2)
    qtbot.wait(50)

    assert Stop.HALT not in told
    assert "over" not in told


def test_steps_are_thinned_but_no_other_event_and_never_the_last():
    steps = [
        Step(0, step, step / 100, 1.0, 0.1, 0.5 if step == 40 else None) for step in range(1, 101)
    ]
    tiles = [Tile(done, 50) for done in range(1, 51)]
    started = Started((4, 4), "YX", "", "", "", 1)

    kept = list(thinned([started, *steps, *tiles]))

    assert kept[0] is started
    assert steps[39] in kept
    assert steps[-1] in kept
    assert tiles[-1] in kept
    assert len(kept) < 12


def test_errors_without_a_sentence_of_their_own_get_one():
    assert "not enough memory" in sentence(MemoryError())
    assert "ValueError" in sentence(ValueError())
    assert "report" in sentence(RuntimeError("a\n  b"))
    assert "a b" in sentence(RuntimeError("a\n  b"))
