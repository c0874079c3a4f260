"""Time left, speed and place of a run in words."""

from __future__ import annotations

import pytest

from napari_blindspot import telling
from napari_blindspot.events import Step, Tile
from napari_blindspot.telling import TimeLeft, describe, place, speed


@pytest.fixture
def clock(monkeypatch):
    """A clock that moves only when told to."""
    now = [100.0]
    monkeypatch.setattr(telling.time, "monotonic", lambda: now[0])
    return now


def test_time_left_counts_all_networks_and_starts_anew_with_the_prediction(clock):
    pace = TimeLeft()
    pace.networks = 2
    first = pace.fraction(Step(0, 1, 0.25, 1.0, 10.0))
    assert (first, pace.left(first)) == (0.125, "1:10 left")
    clock[0] += 30
    half = pace.fraction(Step(0, 4, 1.0, 1.0, 40.0))
    assert (half, pace.left(half)) == (0.5, "0:40 left")
    clock[0] += 100
    first_tile = pace.fraction(Tile(1, 4))
    clock[0] += 2
    assert pace.left(first_tile) == "0:06 left"
    assert pace.left(0.0) == ""


def test_what_is_being_done_and_how_it_goes():
    step = Step(1, 50, 0.5, 0.125, 2.0)
    assert describe(step, 1) == ("Training", "loss 0.125, 25 steps/s")
    assert describe(step, 3) == ("Training", "loss 0.125, 25 steps/s, network 2 of 3")
    assert describe(Tile(3, 12), 3) == ("Denoising", "tile 3 of 12")
    assert place(step, 1) == ""


@pytest.mark.parametrize(
    ("steps", "seconds", "words"),
    [(31, 1.0, "31 steps/s"), (5, 2.0, "2.5 steps/s"), (1, 30.0, "0.033 steps/s")],
)
def test_speed_has_two_figures(steps, seconds, words):
    assert speed(Step(0, steps, 0.1, 1.0, seconds)) == words
