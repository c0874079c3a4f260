"""What the user sees on stderr while a job runs: bars, plain lines, or nothing."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from contextlib import contextmanager
from typing import TYPE_CHECKING, final

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn

from napari_blindspot.cli.exits import say
from napari_blindspot.events import Started, Step, Tile
from napari_blindspot.telling import TimeLeft, describe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import TaskID

    from napari_blindspot.events import Event

_INTERVAL_S = 0.1


@contextmanager
def on_screen(*, quiet: bool) -> Iterator[View]:
    """Bars in a terminal, lines elsewhere, nothing if quiet."""
    console = Console(stderr=True)
    if quiet:
        yield Silence()
    elif console.is_terminal and not console.is_dumb_terminal:
        with bars(console) as progress:
            yield Bars(progress)
    else:
        yield Lines()


class View(ABC):
    """Shows the events of a run."""

    @abstractmethod
    def show(self, event: Event) -> None:
        """Show where the run is."""

    @abstractmethod
    def say(self, text: str) -> None:
        """Print one line."""


@final
class Silence(View):
    """Shows nothing."""

    def show(self, event: Event) -> None:
        """Show nothing."""

    def say(self, text: str) -> None:
        """Say nothing."""


@final
class Lines(View):
    """A few plain lines, for logs."""

    def __init__(self) -> None:
        self._pace = TimeLeft()
        self._quarter: tuple[type[Event], int] | None = None

    def show(self, event: Event) -> None:
        """Print a line at the start and in each quarter of the training and the prediction."""
        if isinstance(event, Started):
            self._pace.networks = event.networks
            say(f"{event.method} on {event.device}: {event.note}")
        elif isinstance(event, Step | Tile):
            fraction = self._pace.fraction(event)
            quarter = (type(event), int(fraction * 4))
            if quarter != self._quarter:
                self._quarter = quarter
                words = describe(event, self._pace.networks)
                say(f"{words[0]} {100 * fraction:.0f} %, {words[1]}{self._rest(fraction)}")

    def say(self, text: str) -> None:
        """Print one line."""
        say(text)

    def _rest(self, fraction: float) -> str:
        return f", {self._pace.left(fraction)}" if fraction < 1 else ""


@final
class Bars(View):
    """Progress bar of one run, redrawn at most ten times a second and gone at the end.

    Parameters
    ----------
    progress : Progress
        Where the bar is drawn, beside those of other runs.
    label : str
        Which run it is, if there are several.
    """

    def __init__(self, progress: Progress, label: str = "") -> None:
        self._pace = TimeLeft()
        self._drawn = 0.0
        self._progress = progress
        self._label = label
        self._task: TaskID | None = None
        self._begin("Starting")

    def show(self, event: Event) -> None:
        """Move the bar."""
        if isinstance(event, Started):
            self._pace.networks = event.networks
            self._begin("Preparing")
        elif isinstance(event, Step | Tile):
            self._move(event)

    def say(self, text: str) -> None:
        """Print one line above the bars."""
        self._progress.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        """Take the bar off the screen."""
        if self._task is not None:
            self._progress.remove_task(self._task)
            self._task = None

    def _begin(self, phase: str) -> TaskID:
        self.close()
        self._phase = phase
        self._task = self._progress.add_task(
            f"{escape(self._label)}{phase}", total=None, percent="", left="", detail=""
        )
        return self._task

    def _move(self, event: Step | Tile) -> None:
        fraction = self._pace.fraction(event)
        name, detail = describe(event, self._pace.networks)
        task = self._task
        if task is None or name != self._phase:
            task = self._begin(name)
        now = time.monotonic()
        if now - self._drawn < _INTERVAL_S and fraction < 1:
            return
        self._drawn = now
        fitting = isinstance(event, Step) and fraction >= 1
        self._progress.update(
            task,
            total=1.0,
            completed=fraction,
            percent=f"{100 * fraction:.0f} %",
            left="measuring the noise" if fitting else self._pace.left(fraction),
            detail=detail,
        )


def bars(console: Console) -> Progress:
    """Place on the screen where bars are drawn."""
    return Progress(
        TextColumn("[bold]{task.description}"),
        BarColumn(bar_width=28),
        TextColumn("{task.fields[percent]:>5}"),
        TextColumn(" {task.fields[left]}", style="cyan"),
        TextColumn(" {task.fields[detail]}", style="dim"),
        console=console,
        transient=True,
        refresh_per_second=1 / _INTERVAL_S,
    )
