"""One piece of long work in a thread of its own."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any, TypeAlias

from napari.qt.threading import FunctionWorker, create_worker
from qtpy.QtCore import QObject, QThreadPool, Signal

from napari_blindspot.batch.events import FileProgress
from napari_blindspot.events import Preview, Step, Tile
from napari_blindspot.halting import Stop
from napari_blindspot.params import InputError

if TYPE_CHECKING:
    from napari_blindspot.halting import StopFlag

Work: TypeAlias = "Callable[[StopFlag], Generator[Any, None, None]]"
"""Begins the work; is given the flag that tells it to stop, and yields what happens."""

INTERVAL_S = 0.1
_PATIENCE_S = 2.0
_LAST_PATIENCE_S = 60


class Task(QObject):
    """Work in another thread, whose events arrive in this one.

    Parameters
    ----------
    work : callable
        Called in the thread, so that what is imported there holds up nobody.
    name : str
        What it is, in words, for napari's question whether to close while it runs.

    Attributes
    ----------
    happened : Signal(object)
        An event of the work.
    failed : Signal(str, str)
        A sentence for the user, and the details.
    over : Signal
        The work has ended, whichever way; the last of all signals.
    runs : bool
        Whether it has begun and is not over.
    """

    happened = Signal(object)
    failed = Signal(str, str)
    over = Signal()

    def __init__(self, work: Work, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.runs = False
        self._work = work
        self._stop = Stop.NO
        self._quiet = False
        self._begun = False
        self._ended = threading.Event()
        self._worker: Any = create_worker(
            _Named(self._run, name),
            _start_thread=False,
            _ignore_errors=True,
            _worker_class=_Worker,
        )
        self._worker.on_quit = self.abandon
        self._worker.finished.connect(self._end)

    def start(self) -> None:
        """Begin."""
        self.runs = True
        atexit.register(self._leave)
        self._worker.start()

    def stop(self, answer: Stop = Stop.HALT) -> None:
        """Ask the work to end, or to end its training and go on."""
        self._stop = answer

    def abandon(self) -> None:
        """End the work and hear no more of it: the widget or napari is closing."""
        self._quiet = True
        self._stop = Stop.HALT
        if self._begun and self._ended.wait(_PATIENCE_S):
            atexit.unregister(self._leave)

    def _run(self) -> None:
        self._begun = True
        try:
            # A generator is closed in the thread that ran it: it holds files and locks.
            with closing(self._work(lambda: self._stop)) as events:
                for event in thinned(events):
                    self._tell("happened", event)
        except Exception as error:
            details = "".join(traceback.format_exception(error))
            self._tell("failed", sentence(error), details)
        finally:
            free_memory()
            self._ended.set()

    def _leave(self) -> None:
        """Python ends: Qt would tear down what the thread still uses."""
        self.abandon()
        QThreadPool.globalInstance().waitForDone(1000 * _LAST_PATIENCE_S)

    def _tell(self, signal: str, *values: Any) -> None:
        if self._quiet:
            return
        try:
            getattr(self, signal).emit(*values)
        except RuntimeError:
            # The window is gone, and this object with it.
            self._quiet, self._stop = True, Stop.HALT

    def _end(self) -> None:
        self.runs = False
        self._worker = None
        atexit.unregister(self._leave)
        if not self._quiet:
            self.over.emit()


class _Worker(FunctionWorker):
    """Worker that tells when napari, which is closing, asks it to quit."""

    on_quit: Callable[[], None] | None = None

    def quit(self) -> None:
        """End the work."""
        super().quit()
        if self.on_quit is not None:
            self.on_quit()


class _Named:
    """A function with a name for people; napari shows it."""

    def __init__(self, function: Callable[[], None], name: str) -> None:
        self._function, self._name = function, name

    def __call__(self) -> None:
        self._function()

    def __str__(self) -> str:
        return self._name


def thinned(events: Iterable[Any]) -> Iterator[Any]:
    """Steps and tiles ten times a second, but the last of each and all other events."""
    last = 0.0
    for event in events:
        inner = event.event if isinstance(event, FileProgress) else event
        now = time.monotonic()
        if isinstance(inner, Step | Tile):
            if now - last < INTERVAL_S and not _counts(inner):
                continue
            last = now
        elif isinstance(inner, Preview):
            last = now
        yield event


def _counts(event: Step | Tile) -> bool:
    """Whether an event says what no other says."""
    if isinstance(event, Tile):
        return event.done == event.total
    return event.fraction >= 1 or event.held_out is not None


def sentence(error: Exception) -> str:
    """An error in one sentence that says what to do."""
    if isinstance(error, InputError):
        return str(error)
    if isinstance(error, MemoryError):
        return "There is not enough memory; close other programs, or denoise a part of the image."
    text = " ".join(str(error).split()) or type(error).__name__
    return f"This should not have happened: {text[:200]}. Please report it with its details."


def spare_threads() -> int:
    """All processor cores but the one that draws."""
    return max((os.cpu_count() or 2) - 1, 1)


def free_memory() -> None:
    """Give the memory of the graphics card back."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
