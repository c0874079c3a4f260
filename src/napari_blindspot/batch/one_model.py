"""The training of one model for all images of a batch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_blindspot.batch.events import FileFailed, FileProgress, ModelReady, ModelStarted
from napari_blindspot.batch.ledger import UnusableError
from napari_blindspot.batch.performing import Done, Failed, Halted, in_words
from napari_blindspot.batch.planning import Task, training_job
from napari_blindspot.io import open_volume
from napari_blindspot.params import InputError

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Generator

    from napari_blindspot.batch.events import BatchEvent
    from napari_blindspot.batch.ledger import Ledger
    from napari_blindspot.batch.performing import End
    from napari_blindspot.batch.spec import Batch
    from napari_blindspot.batch.workers import Workers


def train_for_all(
    batch: Batch, todo: deque[Task], staff: Workers, ledger: Ledger
) -> Generator[BatchEvent, None, bool]:
    """Train the model, on the first image or on all of them, without those that cannot be read.

    Parameters
    ----------
    batch : Batch
        What to do.
    todo : deque of Task
        The images; those that cannot be read are taken out.
    staff : Workers
        Who trains.
    ledger : Ledger
        Where the training is noted.

    Returns
    -------
    bool
        Whether the stop flag ended the training.
    """
    model = str(batch.shared_model)
    while todo:
        tasks = list(todo) if batch.train == "together" else [todo[0]]
        files = tuple(task.file for task in tasks)
        yield ModelStarted(model, files)
        end = yield from _train(Task(model, training_job(batch, files), ""), staff, ledger)
        if isinstance(end, Done):
            yield ModelReady(model, end.elapsed_s)
        if not isinstance(end, Failed):
            return isinstance(end, Halted)
        reasons = {task.file: _why_unreadable(task.file, batch.job.axes) for task in tasks}
        if not any(reasons.values()):
            reasons = {task.file: f"No model: {end.message}" for task in todo}
        for task in [task for task in todo if reasons.get(task.file)]:
            todo.remove(task)
            elapsed_s = ledger.undone(task, "failed", reasons[task.file])
            yield FileFailed(task.file, reasons[task.file], elapsed_s)
    return False


def _train(task: Task, staff: Workers, ledger: Ledger) -> Generator[BatchEvent, None, End]:
    try:
        staff.give(task, resume=ledger.begin(task))
        end = yield from _awaited(task, staff)
        if isinstance(end, Done):
            ledger.done(task, end)
            return end
    except UnusableError as error:
        end = Failed(str(error))
    kind, message = ("failed", end.message) if isinstance(end, Failed) else ("stopped", "")
    ledger.undone(task, kind, message)
    # A run that is halted saves its model as it is: under this name it would pass for a whole one.
    Path(task.file).unlink(missing_ok=True)
    return end


def _awaited(task: Task, staff: Workers) -> Generator[BatchEvent, None, End]:
    while True:
        for _, message in staff.messages():
            if isinstance(message, Done | Failed | Halted):
                return message
            yield FileProgress(task.file, message)


def _why_unreadable(file: str, axes: str | None) -> str:
    """Why an image cannot be read, in one sentence; empty if it can, from end to end."""
    try:
        volume = open_volume(file, axes=axes)
        inner = tuple(slice(0, length) for length in volume.shape[1:])
        for index in range(volume.shape[0]):
            volume.read((slice(index, index + 1), *inner))
    except InputError as error:
        return str(error)
    except Exception as error:
        # Whatever a library makes of a damaged file, the other images go on.
        return in_words(error)
    return ""
