"""One job of a batch: its events thinned, its end in plain words, whatever happens."""

from __future__ import annotations

import dataclasses
import math
import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from napari_blindspot.batch.events import RunEvent
from napari_blindspot.events import Finished, NoiseFitted, Started, Step, Tile
from napari_blindspot.halting import Stop
from napari_blindspot.params import InputError

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari_blindspot.events import Event
    from napari_blindspot.halting import StopFlag
    from napari_blindspot.job import Job

_INTERVAL_S = 0.1


@dataclass(frozen=True)
class Done:
    """The job is done.

    Attributes
    ----------
    elapsed_s : float
        Wall time.
    lost : str
        What the files could not keep of the input, in words.
    found : dict
        What the run found out: axes, shape, device, noise of each channel where it was fitted.
    """

    elapsed_s: float
    lost: str
    found: dict[str, Any]


@dataclass(frozen=True)
class Failed:
    """The job could not be done; `message` is one sentence."""

    message: str


@dataclass(frozen=True)
class Halted:
    """The stop flag ended the job."""


End: TypeAlias = Done | Failed | Halted
Message: TypeAlias = RunEvent | End


def perform(job: Job, stop: StopFlag, *, resume: bool = False) -> Generator[Message, None, None]:
    """Run a job; the last message is its end, and no error leaves but interrupts.

    Parameters
    ----------
    job : Job
        What to do.
    stop : callable
        Stop flag of the run.
    resume : bool
        Go on with the training of the same job, if the state of one is there and can be used.

    Yields
    ------
    Message
        Events of the run, steps and tiles at most ten a second, and at last Done, Failed or
        Halted.
    """
    found: dict[str, Any] = {}
    try:
        halted = _Halted(stop)
        pace = _Pace()
        with closing(_events(job, halted, resume=resume)) as events:
            for event in events:
                if isinstance(event, Finished):
                    yield Halted() if halted.seen else Done(event.elapsed_s, event.lost, found)
                    return
                _learn(found, event)
                if pace.lets(event):
                    yield event
        raise RuntimeError("the run ended without a result")
    except InputError as error:
        yield Failed(str(error))
    except MemoryError:
        yield Failed(f"There is not enough memory for {', '.join(job.inputs)}.")
    except Exception as error:
        # One bad image must not end the batch, whatever a library makes of it.
        yield Failed(in_words(error))


def _events(job: Job, stop: StopFlag, *, resume: bool) -> Generator[Event, None, None]:
    """Events of the run. A state that is of no use is removed, and the training begins anew."""
    from napari_blindspot.checkpoint import Checkpoints, UnfitError
    from napari_blindspot.run import run

    try:
        yield from run(job, stop, resume=resume)
    except UnfitError:
        if checkpoints := Checkpoints.of_job(job):
            checkpoints.remove()
        yield from run(job, stop)


def in_words(error: Exception) -> str:
    """An unforeseen error as one sentence."""
    text = " ".join(str(error).split()) or "no details"
    return f"{type(error).__name__}: {text.rstrip('.')}."


class _Halted:
    """Stop flag that remembers whether it said halt."""

    def __init__(self, stop: StopFlag) -> None:
        self._stop = stop
        self.seen = False

    def __call__(self) -> Stop:
        answer = self._stop()
        self.seen = self.seen or answer is Stop.HALT
        return answer


class _Pace:
    """Lets through at most ten steps and tiles a second, and the first and last ones."""

    def __init__(self) -> None:
        self._last = 0.0
        self._kind: type[Event] | None = None

    def lets(self, event: Event) -> bool:
        """Whether an event is to be passed on."""
        if not isinstance(event, Step | Tile):
            return True
        now = time.monotonic()
        last = event.fraction >= 1 if isinstance(event, Step) else event.done == event.total
        if now - self._last < _INTERVAL_S and type(event) is self._kind and not last:
            return False
        self._last, self._kind = now, type(event)
        return True


def _learn(found: dict[str, Any], event: Event) -> None:
    if isinstance(event, Started):
        found.update(axes=event.axes, shape=list(event.shape), device=event.device)
    elif isinstance(event, NoiseFitted):
        law = dataclasses.asdict(event)
        found.setdefault("noise", []).append({name: _plain(value) for name, value in law.items()})


def _plain(value: Any) -> Any:
    """A number or an interval as JSON has it, which has no NaN."""
    if isinstance(value, tuple):
        return [_plain(end) for end in value]
    return value if value is None or math.isfinite(value) else None
