"""The journal kept for the tasks at hand: what each began with, and how it ended."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import TYPE_CHECKING

from napari_blindspot import leftovers
from napari_blindspot.batch.fingerprint import Fingerprint
from napari_blindspot.batch.journal import Entry
from napari_blindspot.params import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from napari_blindspot.batch.journal import Journal
    from napari_blindspot.batch.performing import Done
    from napari_blindspot.batch.planning import Task


class UnusableError(Exception):
    """A file of one task cannot be used; the text is one sentence.

    An error of the journal itself is an `InputError`, and ends the batch.
    """


class Ledger:
    """Notes the beginning and the end of every task.

    Parameters
    ----------
    journal : Journal
        Where they are noted.
    interrupted : mapping of str to Entry
        What was noted of tasks that a batch before this one began and did not end.
    """

    def __init__(self, journal: Journal, interrupted: Mapping[str, Entry]) -> None:
        self._journal = journal
        self._interrupted = interrupted
        self._open: dict[str, Entry] = {}
        self._began_s: dict[str, float] = {}

    @property
    def path(self) -> str:
        """The journal."""
        return str(self._journal.path)

    def begin(self, task: Task) -> bool:
        """Note that a task begins, with its inputs as they are now.

        Returns
        -------
        bool
            Whether it may go on with the state of a training, if there is one: the same job was
            begun before, and its inputs are the same. If not, such a state is removed.

        Raises
        ------
        UnusableError
            If an input is missing or the folder of the result cannot be made.
        """
        self._began_s[task.file] = time.monotonic()
        folder = Path(task.targets[0]).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = error.strerror or error
            raise UnusableError(f"{folder} cannot be made ({reason}).") from error
        sources = [*task.job.inputs, *filter(None, [task.job.model])]
        entry = Entry("begin", task.file, task.job, _fingerprints(sources))
        before = self._interrupted.get(task.file)
        goes_on = before is not None and _same_work(before, entry)
        if before is not None and not goes_on:
            leftovers.clear(task.targets)
        self._journal.note(entry)
        self._open[task.file] = entry
        return goes_on

    def done(self, task: Task, done: Done) -> None:
        """Note that a task is done.

        Raises
        ------
        UnusableError
            If an input has changed since the beginning, or a result is gone.
        """
        entry = self._open[task.file]
        now, outputs = _fingerprints(entry.inputs), _fingerprints(task.targets)
        changed = [path for path, before in entry.inputs.items() if not now[path].same(before)]
        if changed:
            raise UnusableError(
                f"{changed[0]} changed while it was in use; resume when it is whole."
            )
        del self._open[task.file]
        self._journal.note(
            dataclasses.replace(
                entry,
                kind="done",
                outputs=outputs,
                seconds=round(done.elapsed_s, 3),
                message=done.lost,
                found=done.found,
            )
        )

    def undone(self, task: Task, kind: str, message: str = "") -> float:
        """Note that a task has `failed` or was `stopped`, and return its wall time.

        One that was stopped keeps the state of its training.
        """
        elapsed_s = time.monotonic() - self._began_s.get(task.file, time.monotonic())
        entry = self._open.pop(task.file, Entry(kind, task.file, task.job))
        leftovers.clear(task.targets, trainings=kind == "failed")
        seconds = round(elapsed_s, 3)
        self._journal.note(dataclasses.replace(entry, kind=kind, seconds=seconds, message=message))
        return elapsed_s

    def abandon(self) -> None:
        """Remove what tasks without an end have begun to write, once nobody works at them.

        The states of their trainings stay.
        """
        open_ = [path for entry in self._open.values() for path in entry.targets]
        leftovers.clear(open_, trainings=False)


def _same_work(before: Entry, now: Entry) -> bool:
    """Whether a job is the same as before and finds its inputs as they were."""
    same_inputs = all(print_.same(before.inputs.get(path)) for path, print_ in now.inputs.items())
    return before.job == now.job and same_inputs


def _fingerprints(paths: Iterable[str]) -> dict[str, Fingerprint]:
    try:
        return {path: Fingerprint.of(Path(path)) for path in paths}
    except InputError as error:
        raise UnusableError(str(error)) from error
