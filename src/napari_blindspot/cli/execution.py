"""A job carried out in the terminal: checks, progress, Ctrl-C, and what was done."""

from __future__ import annotations

import json
import os
import signal
import threading
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import typer

from napari_blindspot.cli.exits import INTERRUPTED, say
from napari_blindspot.cli.outcome import Outcome, shown
from napari_blindspot.cli.progress import on_screen
from napari_blindspot.events import Notice, Started, Step
from napari_blindspot.halting import Stop
from napari_blindspot.io import check_target
from napari_blindspot.params import InputError

if TYPE_CHECKING:
    from types import TracebackType

    from napari_blindspot.cli.progress import View
    from napari_blindspot.events import Event
    from napari_blindspot.job import Job

_MODEL_SUFFIX = ".safetensors"


def execute(job: Job, *, resume: bool = False, quiet: bool = False, as_json: bool = False) -> None:
    """Carry out a job and report it on stdout.

    Raises
    ------
    InputError
        If the job, its input or one of its targets cannot be used.
    typer.Exit
        With code 130 after Ctrl-C.
    """
    check(job)
    with on_screen(quiet=quiet) as view:
        outcome = carry_out(job, view, resume=resume)
    if as_json:
        typer.echo(json.dumps(outcome.as_json(), indent=2))
    elif not quiet:
        typer.echo(outcome.as_text())
    if outcome.halted:
        say(_farewell(outcome))
        raise typer.Exit(INTERRUPTED)


def check(job: Job) -> None:
    """Find out before the training what would make it useless.

    Raises
    ------
    InputError
        If the job has no input or no target, or a target cannot be written.
    """
    if not job.inputs:
        raise InputError("The job names no input; it was made from an image in memory.")
    if not (job.save_model if job.train_only else job.output):
        wanted = "save_model" if job.train_only else "output"
        raise InputError(f"The job has no {wanted}; its result would be lost.")
    for target in filter(None, (job.output, job.uncertainty)):
        check_target(target)
    if job.save_model:
        _check_model_target(Path(job.save_model))


def carry_out(job: Job, view: View, *, resume: bool = False) -> Outcome:
    """Run the job, show its events and keep the model if it is halted."""
    outcome = Outcome(job)
    with Interrupt(view) as interrupt:
        from napari_blindspot.run import run

        with closing(run(job, interrupt, resume=resume)) as events:
            for event in events:
                outcome.add(event)
                interrupt.armed = interrupt.armed or isinstance(event, Step)
                view.show(event)
                if warning := _warning(event):
                    view.say(warning)
        if outcome.halted and not outcome.kept_model and outcome.finished and job.output:
            outcome.kept_model = f"{job.output}.model{_MODEL_SUFFIX}"
            outcome.finished.model.save(outcome.kept_model)
    return outcome


class Speaker(Protocol):
    """Says things to the user."""

    def say(self, text: str) -> None:
        """Print one line."""


class Interrupt:
    """Stop flag that Ctrl-C sets.

    The first Ctrl-C during or after the training ends the run in good order; the second, or one
    before there is anything to keep, raises KeyboardInterrupt.

    Parameters
    ----------
    view : Speaker
        Where the user is told that Ctrl-C was heard.

    Attributes
    ----------
    armed : bool
        Whether there is something to keep.
    """

    def __init__(self, view: Speaker) -> None:
        self.armed = False
        self._view = view
        self._pressed = False
        self._told = False
        self._before: Any = None

    def __call__(self) -> Stop:
        """Answer of the flag."""
        if self._pressed and not self._told:
            # Not said by the signal handler, which may have interrupted a print.
            self._told = True
            self._view.say("Stopping; press Ctrl-C again to abort at once.")
        return Stop.HALT if self._pressed else Stop.NO

    def __enter__(self) -> Interrupt:
        # Python delivers signals to the main thread only, and only there may they be caught.
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._press)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _press(self, *_: Any) -> None:
        if self._pressed or not self.armed:
            raise KeyboardInterrupt
        self._pressed = True


def _warning(event: Event) -> str:
    """What the user should know at once, in words; mostly empty."""
    if isinstance(event, Notice):
        return event.message
    return event.warning if isinstance(event, Started) else ""


def _check_model_target(path: Path) -> None:
    if path.suffix != _MODEL_SUFFIX:
        raise InputError(
            f"{path.name} has the suffix {path.suffix!r}; a model is saved as {_MODEL_SUFFIX}."
        )
    if not path.parent.is_dir():
        raise InputError(f"{path} cannot be written: no folder {path.parent}; create it first.")
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        raise InputError(f"{path} cannot be written; choose another folder or file name.")


def _farewell(outcome: Outcome) -> str:
    networks = ", ".join(str(index + 1) for index in outcome.untrained)
    warning = f", but network {networks} was not trained" if networks else ""
    return f"Interrupted: the model so far is kept in {shown(outcome.kept_model)}{warning}."
