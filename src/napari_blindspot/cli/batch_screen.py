"""What the user sees on stderr while a batch runs: bars, a line per image, or errors only."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, final

from rich.console import Console

from napari_blindspot.batch.events import (
    BatchFinished,
    BatchStarted,
    FileDone,
    FileFailed,
    FileProgress,
    FileStarted,
    FileStopped,
    ModelReady,
    ModelStarted,
)
from napari_blindspot.cli.exits import say
from napari_blindspot.cli.outcome import duration, shown
from napari_blindspot.cli.progress import Bars, bars
from napari_blindspot.events import Notice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Progress

    from napari_blindspot.batch.events import BatchEvent

_NAME_WIDTH = 32


@contextmanager
def on_screen(*, quiet: bool) -> Iterator[BatchView]:
    """Bars in a terminal, lines elsewhere, errors only if quiet."""
    console = Console(stderr=True)
    if quiet:
        yield BatchErrors()
    elif console.is_terminal and not console.is_dumb_terminal:
        with bars(console) as progress:
            yield BatchBars(progress)
    else:
        yield BatchLines()


class BatchView(ABC):
    """Shows the events of a batch."""

    @abstractmethod
    def show(self, event: BatchEvent) -> None:
        """Show where the batch is."""

    @abstractmethod
    def say(self, text: str) -> None:
        """Print one line."""


@final
class BatchErrors(BatchView):
    """Shows what went wrong, nothing else."""

    def show(self, event: BatchEvent) -> None:
        """Print the sentence of an image that failed."""
        if isinstance(event, FileFailed):
            say(f"Error: {in_words(event)}")

    def say(self, text: str) -> None:
        """Say nothing."""


@final
class BatchLines(BatchView):
    """One line when an image is begun and one when it ends, for logs."""

    def show(self, event: BatchEvent) -> None:
        """Print what is new."""
        text = in_words(event)
        if text:
            say(text)

    def say(self, text: str) -> None:
        """Print one line."""
        say(text)


@final
class BatchBars(BatchView):
    """A bar for the batch and one for each image at work; what ended is a line above them.

    Parameters
    ----------
    progress : Progress
        Where the bars are drawn.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._runs: dict[str, Bars] = {}
        self._todo = self._ended = self._failed = 0
        self._began = time.monotonic()
        self._all = progress.add_task("Starting", total=None, percent="", left="", detail="")

    def show(self, event: BatchEvent) -> None:
        """Move the bars."""
        text = "" if isinstance(event, FileStarted) else in_words(event)
        if text:
            self.say(text)
        match event:
            case BatchStarted():
                self._todo = event.todo
            case ModelStarted():
                self._close(event.model)
                self._runs[event.model] = Bars(self._progress, "Model: ")
            case ModelReady():
                self._close(event.model)
                self._began = time.monotonic()
            case FileStarted():
                self._runs[event.file] = Bars(self._progress, _label(event.file))
            case FileProgress():
                self._runs[event.file].show(event.event)
                return
            case FileDone() | FileFailed() | FileStopped():
                self._ended += 1
                self._failed += isinstance(event, FileFailed)
                self._close(event.file)
            case BatchFinished():
                for file in list(self._runs):
                    self._close(file)
        self._count()

    def say(self, text: str) -> None:
        """Print one line above the bars."""
        self._progress.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _close(self, file: str) -> None:
        bar = self._runs.pop(file, None)
        if bar is not None:
            bar.close()

    def _count(self) -> None:
        detail = f"{self._ended} of {self._todo} images"
        if self._failed:
            detail += f", {self._failed} failed"
        self._progress.update(
            self._all,
            description="Batch",
            total=max(self._todo, 1),
            completed=self._ended,
            percent=f"{100 * self._ended / max(self._todo, 1):.0f} %",
            left=self._left(),
            detail=detail,
        )

    def _left(self) -> str:
        """Time left in words, if the other images take as long as those that are done."""
        if not self._ended or self._ended == self._todo:
            return ""
        elapsed_s = time.monotonic() - self._began
        return f"{duration(elapsed_s * (self._todo - self._ended) / self._ended)} left"


def in_words(event: BatchEvent) -> str:
    """An event as one line; empty if it is not worth one."""
    match event:
        case BatchStarted():
            before = event.files - event.todo
            old = f", {before} finished before" if before else ""
            what = f"{event.todo} image{'s' * (event.todo != 1)} to do{old}"
            return _with(f"{what}, into {shown(event.output)}", event.note)
        case ModelStarted():
            many = len(event.files) > 1
            return f"Training on {f'{len(event.files)} images' if many else shown(event.files[0])}"
        case ModelReady():
            how = "of before" if event.reused else f"trained in {duration(event.elapsed_s)}"
            return f"Model {how}: {shown(event.model)}"
        case FileStarted():
            why = "" if event.reason == "new" else f" ({event.reason})"
            return f"{event.number} of {event.todo}: {shown(event.file)}{why}"
        case FileProgress() if isinstance(event.event, Notice):
            return f"{shown(event.file)}: {event.event.message}"
        case FileDone():
            return _with(f"{shown(event.file)}: done in {duration(event.elapsed_s)}", event.lost)
        case FileFailed():
            return f"{shown(event.file)}: failed: {event.message}"
        case FileStopped():
            return f"{shown(event.file)}: stopped"
    return ""


def _with(text: str, more: str) -> str:
    return f"{text}; {more}" if more else text


def _label(file: str) -> str:
    name = Path(file).name
    return f"{name if len(name) <= _NAME_WIDTH else '…' + name[1 - _NAME_WIDTH :]}: "
