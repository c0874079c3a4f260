"""A batch carried out in the terminal: progress, Ctrl-C, and what became of each image."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import typer

from napari_blindspot.batch import check, make_plan, run_batch
from napari_blindspot.batch.events import (
    BatchFinished,
    BatchStarted,
    FileDone,
    FileFailed,
    FileSkipped,
    FileStarted,
    FileStopped,
    ModelReady,
)
from napari_blindspot.cli.batch_screen import on_screen
from napari_blindspot.cli.execution import Interrupt
from napari_blindspot.cli.exits import FAILED, INTERRUPTED, say
from napari_blindspot.cli.outcome import duration, shown

if TYPE_CHECKING:
    from napari_blindspot.batch import Batch
    from napari_blindspot.batch.events import BatchEvent

_LONG_TABLE = 50


def execute(
    batch: Batch, *, dry_run: bool = False, quiet: bool = False, as_json: bool = False
) -> None:
    """Carry out a batch and report it on stdout.

    Raises
    ------
    InputError
        If an option, the inputs or the output folder cannot be used.
    typer.Exit
        With code 1 if an image failed, 130 after Ctrl-C.
    """
    if dry_run:
        _show_plan(batch, as_json=as_json)
        return
    report = Report(batch)
    # The events are closed in any case, so that the workers end and the folder is free.
    with (
        on_screen(quiet=quiet) as screen,
        Interrupt(screen) as interrupt,
        closing(run_batch(batch, interrupt)) as events,
    ):
        for event in events:
            interrupt.armed = True
            report.add(event)
            screen.show(event)
    if as_json:
        typer.echo(json.dumps(report.as_json(), indent=2))
    elif not quiet:
        typer.echo(report.as_text())
    if report.stopped:
        say("Stopped; the same command with --resume goes on.")
        raise typer.Exit(INTERRUPTED)
    if report.count("failed"):
        raise typer.Exit(FAILED)


@dataclass
class Row:
    """What became of one image."""

    file: str
    output: str | None
    status: str
    seconds: float | None = None
    message: str = ""


@dataclass
class Report:
    """Collects the events of a batch.

    Attributes
    ----------
    batch : Batch
        What was to be done.
    rows : dict of str to Row
        What became of each image that was looked at.
    """

    batch: Batch
    rows: dict[str, Row] = field(default_factory=dict)
    model: str | None = None
    _started: BatchStarted | None = None
    _finished: BatchFinished | None = None

    def add(self, event: BatchEvent) -> None:
        """Take notice of an event."""
        match event:
            case BatchStarted():
                self._started = event
            case BatchFinished():
                self._finished = event
            case ModelReady():
                self.model = event.model
            case FileSkipped():
                self.rows[event.file] = Row(event.file, event.output, "skipped")
            case FileStarted():
                self.rows[event.file] = Row(event.file, event.output, "begun")
            case FileDone():
                row = Row(event.file, event.output, "done", event.elapsed_s, event.lost)
                self.rows[event.file] = row
            case FileFailed():
                row = Row(event.file, None, "failed", event.elapsed_s, event.message)
                self.rows[event.file] = row
            case FileStopped():
                self.rows[event.file] = Row(event.file, None, "stopped")

    @property
    def stopped(self) -> bool:
        """Whether the user ended the batch."""
        return self._finished is not None and self._finished.stopped

    def count(self, status: str) -> int:
        """Number of images with a status."""
        return sum(row.status == status for row in self.rows.values())

    def as_json(self) -> dict[str, Any]:
        """The report as values that JSON has."""
        started, finished = self._both()
        failed = "failed" if finished.failed else "done"
        return {
            "status": "stopped" if finished.stopped else failed,
            "output": started.output,
            "journal": started.journal,
            "model": self.model or self.batch.job.model,
            "done": finished.done,
            "failed": finished.failed,
            "skipped": finished.skipped,
            "left": finished.left,
            "elapsed_s": round(finished.elapsed_s, 3),
            "files": [
                {
                    "file": row.file,
                    "status": row.status,
                    "output": row.output,
                    "seconds": None if row.seconds is None else round(row.seconds, 3),
                    "message": row.message,
                }
                for row in self.rows.values()
            ],
        }

    def as_text(self) -> str:
        """A table of the images, if not all went well, and a few lines."""
        started, finished = self._both()
        counts = {"done": finished.done, "failed": finished.failed, "left": finished.left}
        counts["finished before"] = finished.skipped
        said = ", ".join(f"{n} {word}" for word, n in counts.items() if n or word == "done")
        lines = [f"images    {said}, in {duration(finished.elapsed_s)}"]
        if self.model:
            lines.append(f"model     {shown(self.model)}")
        lines.append(f"results   {shown(started.output)}")
        lines.append(f"journal   {shown(started.journal)}")
        if finished.failed or finished.stopped:
            lines = [*self._table(), "", *lines]
        return "\n".join(lines)

    def _table(self) -> list[str]:
        rows = [row for row in self.rows.values() if row.status != "skipped"]
        if len(rows) > _LONG_TABLE:
            rows = [row for row in rows if row.status != "done"]
        names = [shown(row.file) for row in rows]
        width = max([len("file"), *map(len, names)])
        lines = [f"{'file':<{width}}  status   seconds  message"]
        for name, row in zip(names, rows, strict=True):
            seconds = "" if row.seconds is None else f"{row.seconds:.1f}"
            line = f"{name:<{width}}  {row.status:<7}  {seconds:>7}  {row.message}"
            lines.append(line.rstrip())
        return lines

    def _both(self) -> tuple[BatchStarted, BatchFinished]:
        if self._started is None or self._finished is None:
            raise RuntimeError("the batch has not finished")
        return self._started, self._finished


def _show_plan(batch: Batch, *, as_json: bool) -> None:
    """Print what would be done."""
    check(batch)
    plan = make_plan(batch)
    todo = [task for task in plan.tasks if not task.finished]
    if as_json:
        files = [
            {
                "file": task.file,
                "action": "skip" if task.finished else "denoise",
                "output": task.job.output,
                "reason": task.reason,
            }
            for task in plan.tasks
        ]
        values = {"status": "dry run", "model": plan.model, "train": plan.train, "files": files}
        typer.echo(json.dumps(values, indent=2))
        return
    if plan.train:
        typer.echo(f"train {shown(plan.model)} on {_lesson(batch, len(todo))}")
    for task in plan.tasks:
        what = "skip   " if task.finished else "denoise"
        why = "finished" if task.finished else task.reason
        typer.echo(f"{what}  {shown(task.file)} → {shown(task.job.output)}  ({why})")
    typer.echo(f"{len(todo)} to do, {len(plan.tasks) - len(todo)} finished before; nothing done.")


def _lesson(batch: Batch, files: int) -> str:
    return "the first image" if batch.train == "first" else f"{files} images"
