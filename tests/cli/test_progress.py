"""Bars in a terminal, a few lines elsewhere, nothing if quiet."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from napari_blindspot.cli import progress
from napari_blindspot.cli.progress import Bars, Lines, Silence, on_screen
from napari_blindspot.events import Started, Step, Tile

STARTED = Started((8, 8), "YX", "axes YX as given", "Noise2Void", "CPU", 2)
EVENTS = [
    STARTED,
    *(Step(n, s, s / 20, 0.5 / s, s / 4) for n in (0, 1) for s in range(1, 21)),
    *(Tile(done, 10) for done in range(1, 11)),
]


@pytest.fixture
def clock(monkeypatch):
    """A clock that moves only when told to."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_lines_tell_each_quarter_once(capsys):
    view = Lines()
    for event in EVENTS:
        view.show(event)
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert out == ""
    assert lines[0] == "Noise2Void on CPU: axes YX as given"
    assert [line.split(",")[0] for line in lines[1:]] == [
        *(f"Training {percent} %" for percent in (2, 25, 50, 75, 100)),
        *(f"Denoising {percent} %" for percent in (10, 30, 50, 80, 100)),
    ]
    assert "loss 0.025, 4 steps/s, network 1 of 2" in lines[3]
    assert lines[-1] == "Denoising 100 %, tile 10 of 10"


def test_bars_follow_the_run_and_leave_the_screen():
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120)
    with progress.bars(console) as bars:
        view = Bars(bars)
        assert bars.tasks[0].description == "Starting"
        for event in EVENTS[:21]:
            view.show(event)
        # The first step is drawn, the others come too fast for the eye.
        (task,) = bars.tasks
        assert (task.description, task.completed, task.fields["percent"]) == (
            "Training",
            0.025,
            "2 %",
        )
        for event in EVENTS[21:41]:
            view.show(event)
        assert bars.tasks[0].fields["left"] == "measuring the noise"
        view.show(EVENTS[-1])
        (task,) = bars.tasks
        assert (task.description, task.completed) == ("Denoising", 1.0)
        view.say("Stopping [now]")
    assert "Stopping [now]" in screen.getvalue()
    assert screen.getvalue().endswith("\x1b[2K")


def test_bars_are_redrawn_ten_times_a_second(clock):
    with progress.bars(Console(file=io.StringIO(), force_terminal=True)) as bars:
        view = Bars(bars)
        drawn = set()
        for step in range(1, 1001):
            clock[0] += 0.01
            view.show(Step(0, step, step / 2000, 1.0, step / 100))
            drawn.add(bars.tasks[0].completed)
    assert 80 <= len(drawn) <= 101


@pytest.mark.parametrize(
    ("terminal", "quiet", "kind"),
    [(True, False, Bars), (True, True, Silence), (False, False, Lines), (False, True, Silence)],
)
def test_view_fits_the_screen(monkeypatch, terminal, quiet, kind):
    screen = io.StringIO()
    monkeypatch.setattr(
        progress, "Console", lambda **_: Console(file=screen, force_terminal=terminal)
    )
    monkeypatch.delenv("TERM", raising=False)
    with on_screen(quiet=quiet) as view:
        assert type(view) is kind
    if quiet:
        view.show(STARTED)
        view.say("hello")
        assert screen.getvalue() == ""
