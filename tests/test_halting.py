from __future__ import annotations

import threading

import pytest

from napari_blindspot import halting
from napari_blindspot.halting import Halted, Stop, asking, check


def halt():
    return Stop.HALT


def test_without_a_flag_nothing_is_asked():
    check()


@pytest.mark.parametrize("answer", [Stop.NO, Stop.APPLY])
def test_only_halt_ends_the_work(answer):
    with asking(lambda: answer):
        check()


def test_halt_ends_the_work_and_the_flag_before_holds_again():
    outer = iter([Stop.NO, Stop.HALT])
    with asking(lambda: next(outer)):
        check()
        with pytest.raises(Halted), asking(halt):
            check()
        halting._here.asker._due = 0.0
        with pytest.raises(Halted):
            check()
    check()


def test_other_threads_are_not_ended():
    found = []

    def work():
        check()
        found.append("done")

    with asking(halt):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert found == ["done"]


def test_a_flag_is_asked_fifty_times_a_second_at_most(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(halting.time, "monotonic", lambda: now[0])
    asked = []
    with asking(lambda: asked.append(now[0]) or Stop.NO):
        for step in range(1000):
            now[0] = step * 0.001
            check()
    assert 45 <= len(asked) <= 50
