"""The images of a batch and what became of each. No Qt."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from napari_blindspot._gui.batch_times import Times
from napari_blindspot._gui.wording import clock_text
from napari_blindspot.batch.events import (
    BatchFinished,
    BatchStarted,
    FileDone,
    FileFailed,
    FileProgress,
    FileSkipped,
    FileStarted,
    FileStopped,
    ModelReady,
    ModelStarted,
)
from napari_blindspot.budget import Budget
from napari_blindspot.events import NotKept

if TYPE_CHECKING:
    from napari_blindspot.batch import Batch
    from napari_blindspot.batch.events import BatchEvent


class State(Enum):
    """Where an image is."""

    WAITING = "waiting"
    TRAINING = "training"
    DENOISING = "denoising"
    DONE = "done"
    FAILED = "failed"
    BEFORE = "finished before"
    STOPPED = "stopped"


AT_WORK = {State.TRAINING, State.DENOISING}
READY = {State.DONE, State.BEFORE}


@dataclass
class Row:
    """One image.

    Attributes
    ----------
    file, output : str
        The image, and its result once there is one.
    state : State
        Where it is.
    fraction : float or None
        Part of its training or its prediction that is behind us.
    seconds : float
        What it took, once it is done.
    message : str
        Why it failed, or what its result could not keep.
    """

    file: str
    output: str = ""
    state: State = State.WAITING
    fraction: float | None = None
    seconds: float = 0.0
    message: str = ""

    @property
    def words(self) -> str:
        """The state in words."""
        if self.state is State.DONE:
            return f"done in {clock_text(max(self.seconds, 1.0))}"
        if self.state is State.FAILED:
            # The name is in the same row.
            return f"failed: {self.message.replace(self.file, 'it')}"
        if self.state is State.TRAINING and self.fraction is not None:
            return f"training {100 * self.fraction:.0f} %"
        return str(self.state.value)


class Rows:
    """The images of a batch in the order in which they are done: that of their paths.

    Parameters
    ----------
    clock : callable
        Time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._rows: dict[str, Row] = {}
        self._known: dict[str, Path] = {}
        self._times: Times | None = None
        self._trains_each = False

    def __len__(self) -> int:
        return len(self._rows)

    def all(self) -> list[Row]:
        """All rows, in order."""
        return list(self._rows.values())

    def get(self, file: str) -> Row | None:
        """The row of an image, if it is one of these."""
        return self._rows.get(file)

    def add(self, files: Iterable[Path]) -> list[str]:
        """Add images that are not there yet, whatever path leads to them; those are returned."""
        known = set(self._known.values())
        new = {}
        for file in files:
            real = file.resolve()
            if real not in known:
                known.add(real)
                new[str(file)] = real
        self._known |= new
        rows = self._rows | {file: Row(file) for file in new}
        self._rows = {file: rows[file] for file in sorted(rows, key=Path)}
        return list(new)

    def remove(self, files: Iterable[str]) -> None:
        """Take images out."""
        for file in files:
            del self._rows[file], self._known[file]

    def begin(self, batch: Batch) -> None:
        """A batch of these images is about to run."""
        budget = None if batch.job.model else Budget.parse(batch.job.budget)
        self._trains_each = batch.trains_each
        self._times = Times(budget, trains_each=batch.trains_each, clock=self._clock)

    def hear(self, event: BatchEvent) -> None:
        """Take notice of an event of the batch."""
        if self._times is not None:
            self._times.hear(event)
        match event:
            case BatchStarted():
                self._rows = {file: Row(file) for file in self._rows}
            case ModelStarted():
                self._set(event.files, State.TRAINING)
            case ModelReady():
                self._set(self._at_work(), State.WAITING)
            case FileProgress():
                self._progress(event)
            case BatchFinished():
                self.end()
            case _:
                self._of_file(event)

    def end(self) -> None:
        """The batch is over: nothing is at work any more."""
        self._set(self._at_work(), State.STOPPED)
        self._times = None

    def lefts(self) -> dict[str, float]:
        """Seconds until each image at work or waiting is done, where they are known."""
        if self._times is None:
            return {}
        now, each = self._times.left_s(), self._times.each_s()
        left: dict[str, float] = {}
        total = now
        for row in self._rows.values():
            # A training for all comes before the images, which then still have to be denoised.
            if row.state in AT_WORK and not self._lesson:
                value = now
            elif row.state is State.WAITING or row.state in AT_WORK:
                value = total = None if total is None or each is None else total + each
            else:
                continue
            if value is not None:
                left[row.file] = value
        return left

    def summary(self) -> str:
        """How many images are in which state, and the time left in all."""
        count = Counter(row.state for row in self._rows.values())
        words = [
            f"{count[state]} {state.value}"
            for state in (State.DONE, State.BEFORE, State.FAILED, State.STOPPED)
            if count[state]
        ]
        if self._times is not None:
            return ", ".join(filter(None, [*words, self._left_in_words()])) or "at work"
        if not words:
            return f"{len(self._rows)} image{'s' * (len(self._rows) != 1)}" if self._rows else ""
        words += [f"{count[State.WAITING]} waiting"] * bool(count[State.WAITING])
        return ", ".join(words)

    def _left_in_words(self) -> str:
        left_s = max(self.lefts().values(), default=None)
        if left_s is not None:
            return f"{clock_text(left_s)} left in all"
        training_s = self._times.left_s() if self._times and self._lesson else None
        return "" if training_s is None else f"{clock_text(training_s)} of training left"

    @property
    def _lesson(self) -> bool:
        """Whether a model for all is being trained."""
        training = any(row.state is State.TRAINING for row in self._rows.values())
        return training and not self._trains_each

    def _at_work(self) -> list[str]:
        return [row.file for row in self._rows.values() if row.state in AT_WORK]

    def _set(self, files: Iterable[str], state: State) -> None:
        for file in files:
            if row := self._rows.get(file):
                row.state, row.fraction = state, None

    def _progress(self, event: FileProgress) -> None:
        if self._times is None:
            return
        # The file of a training for all is the model: its images are those at work.
        rows = [self._rows[file] for file in self._at_work()]
        for row in rows:
            row.fraction = self._times.fraction
            row.state = State.DENOISING if self._times.predicts else State.TRAINING
            if isinstance(event.event, NotKept):
                row.message = event.event.message

    def _of_file(self, event: BatchEvent) -> None:
        row = self._rows.get(getattr(event, "file", ""))
        if row is None:
            return
        row.fraction = None
        match event:
            case FileStarted():
                row.state = State.TRAINING if self._trains_each else State.DENOISING
            case FileSkipped():
                row.state, row.output = State.BEFORE, event.output
            case FileDone():
                row.state, row.output, row.seconds = State.DONE, event.output, event.elapsed_s
                row.message = event.lost
            case FileFailed():
                row.state, row.message = State.FAILED, event.message
            case FileStopped():
                row.state = State.STOPPED
