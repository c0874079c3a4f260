"""Many images, one after another or several at a time. No error of one ends the others."""

from __future__ import annotations

import time
from collections import Counter, deque
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from napari_blindspot import leftovers
from napari_blindspot.batch import images
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
)
from napari_blindspot.batch.folder_lock import locked
from napari_blindspot.batch.journal import Journal
from napari_blindspot.batch.ledger import Ledger, UnusableError
from napari_blindspot.batch.one_model import train_for_all
from napari_blindspot.batch.performing import Done, Failed, Halted
from napari_blindspot.batch.planning import make_plan
from napari_blindspot.batch.workers import workers
from napari_blindspot.halting import Stop, never
from napari_blindspot.params import InputError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from napari_blindspot.batch.events import BatchEvent
    from napari_blindspot.batch.performing import Message
    from napari_blindspot.batch.planning import Plan, Task
    from napari_blindspot.batch.spec import Batch
    from napari_blindspot.batch.workers import Workers
    from napari_blindspot.halting import StopFlag


def run_batch(batch: Batch, stop: StopFlag = never) -> Generator[BatchEvent, None, None]:
    """Denoise many images into a folder, with a journal from which the work can be resumed.

    Parameters
    ----------
    batch : Batch
        What to do.
    stop : callable
        Asked before every step and every tile. `Stop.HALT` ends the batch: images that are being
        done have no result then, and no further one is begun.

    Yields
    ------
    BatchEvent
        BatchStarted, FileSkipped for what was finished before, for each other image FileStarted,
        FileProgress... and FileDone, FileFailed or FileStopped, and at last BatchFinished. The
        training of a model for all comes between: ModelStarted, FileProgress..., ModelReady.

    Raises
    ------
    InputError
        Before any work, if an option, the inputs or the output folder cannot be used; later only
        if the journal cannot be written.
    """
    check(batch)
    images.find(batch)
    _make_folder(batch.folder)
    with ExitStack() as stack:
        note = stack.enter_context(locked(batch.journal))
        plan = make_plan(batch)
        _clear(batch, plan)
        journal = stack.enter_context(Journal(batch.journal))
        journal.head(batch, _version(), len(plan.tasks))
        ledger = Ledger(journal, plan.interrupted)
        stack.callback(ledger.abandon)
        staff = stack.enter_context(workers(batch.jobs, stop))
        yield from _Run(batch, plan, ledger, staff, stop).events(note)


def check(batch: Batch) -> None:
    """Find out before the work what would make all of it useless.

    Raises
    ------
    InputError
        If there is no such device, the model cannot be used, or it has no uncertainty.
    """
    from napari_blindspot import device

    device.choose(batch.job.device)
    if batch.job.model:
        from napari_blindspot.model import load

        method = load(batch.job.model).method
        if batch.uncertainty and not method.has_std:
            raise InputError(
                f"The model {batch.job.model} is of method {method.name!r}, which has no "
                "uncertainty; leave it out."
            )


class _Run:
    """A batch under way."""

    def __init__(
        self, batch: Batch, plan: Plan, ledger: Ledger, staff: Workers, stop: StopFlag
    ) -> None:
        self._batch = batch
        self._plan = plan
        self._ledger = ledger
        self._staff = staff
        self._stop = stop
        self._halted = False
        self._todo = deque(task for task in plan.tasks if not task.finished)
        self._n_todo = len(self._todo)
        self._n_begun = 0

    def events(self, note: str) -> Iterator[BatchEvent]:
        began = time.monotonic()
        skipped = [task for task in self._plan.tasks if task.finished]
        yield BatchStarted(
            files=len(self._plan.tasks),
            todo=self._n_todo,
            output=str(self._batch.folder),
            journal=self._ledger.path,
            note=note,
        )
        for task in skipped:
            yield FileSkipped(task.file, str(task.job.output))
        count: Counter[type[BatchEvent]] = Counter()
        for event in self._work():
            count[type(event)] += 1
            yield event
        yield BatchFinished(
            done=count[FileDone],
            failed=count[FileFailed],
            skipped=len(skipped),
            left=self._n_todo - count[FileDone] - count[FileFailed],
            stopped=self._halted,
            elapsed_s=time.monotonic() - began,
        )

    def _work(self) -> Iterator[BatchEvent]:
        if self._plan.train and not self._asked_to_halt():
            # Alone at work, the training has all cores.
            with workers(self._batch.jobs, self._stop, at_work=1) as trainer:
                self._halted = yield from train_for_all(
                    self._batch, self._todo, trainer, self._ledger
                )
        elif self._batch.shares_a_model and self._todo:
            yield ModelReady(str(self._plan.model), 0.0, reused=True)
        while (self._todo and not self._asked_to_halt()) or self._staff.busy:
            while self._todo and self._staff.free and not self._asked_to_halt():
                yield from self._begin(self._todo.popleft())
            for task, message in self._staff.messages():
                yield self._heard(task, message)

    def _asked_to_halt(self) -> bool:
        self._halted = self._halted or self._stop() is Stop.HALT
        return self._halted

    def _begin(self, task: Task) -> Iterator[BatchEvent]:
        self._n_begun += 1
        output = str(task.job.output)
        n_todo = self._n_begun + len(self._todo)
        yield FileStarted(task.file, output, self._n_begun, n_todo, task.reason)
        try:
            goes_on = self._ledger.begin(task)
        except UnusableError as error:
            yield self._failed(task, str(error))
        else:
            self._staff.give(task, resume=goes_on)

    def _heard(self, task: Task, message: Message) -> BatchEvent:
        if isinstance(message, Done):
            return self._done(task, message)
        if isinstance(message, Failed):
            return self._failed(task, message.message)
        if isinstance(message, Halted):
            self._halted = True
            self._ledger.undone(task, "stopped")
            return FileStopped(task.file)
        return FileProgress(task.file, message)

    def _done(self, task: Task, done: Done) -> BatchEvent:
        try:
            self._ledger.done(task, done)
        except UnusableError as error:
            return self._failed(task, str(error))
        return FileDone(task.file, str(task.job.output), done.elapsed_s, done.lost)

    def _failed(self, task: Task, message: str) -> FileFailed:
        return FileFailed(task.file, message, self._ledger.undone(task, "failed", message))


def _clear(batch: Batch, plan: Plan) -> None:
    """Remove what killed processes left, but for the trainings that may go on."""
    if not plan.train:
        leftovers.clear([str(batch.shared_model)])
    for trainings in (False, True):
        clearable = [
            path
            for file, targets in plan.targets.items()
            if (file in plan.interrupted) != trainings
            for path in targets
        ]
        leftovers.clear(clearable, trainings=trainings)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"{folder} cannot be made ({reason}); choose another folder.") from error


def _version() -> str:
    import napari_blindspot

    return napari_blindspot.__version__
