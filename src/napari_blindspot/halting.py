"""Ending a long piece of work in its midst: whoever does it asks now and then."""

from __future__ import annotations

import contextlib
import threading
import time
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_INTERVAL_S = 0.02


class Stop(Enum):
    """Answer of the flag that `run` asks again and again, in its own thread."""

    NO = "no"
    APPLY = "apply"
    """End the training now and go on to the prediction."""
    HALT = "halt"
    """End everything now; the model trained so far is kept, and on request what is denoised."""


StopFlag: TypeAlias = "Callable[[], Stop]"


def never() -> Stop:
    """Flag of a run that nobody stops."""
    return Stop.NO


class Halted(Exception):  # noqa: N818 - it reports no error
    """The stop flag said `Stop.HALT`; whoever asked it keeps what is done."""


class _Asker:
    """Asks a stop flag, fifty times a second at most."""

    def __init__(self, stop: StopFlag) -> None:
        self._stop = stop
        self._due = 0.0

    def ask(self) -> None:
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + _INTERVAL_S
        if self._stop() is Stop.HALT:
            raise Halted


class _Here(threading.local):
    """The one that is to be asked in this thread."""

    asker: _Asker | None = None


_here = _Here()


@contextlib.contextmanager
def asking(stop: StopFlag) -> Iterator[None]:
    """Let every `check` of this thread ask a stop flag. Nothing may be yielded meanwhile.

    Raises
    ------
    Halted
        At the first `check` after the flag says `Stop.HALT`.
    """
    before, _here.asker = _here.asker, _Asker(stop)
    try:
        yield
    finally:
        _here.asker = before


def check() -> None:
    """Ask the stop flag of this thread, if there is one.

    Raises
    ------
    Halted
        If it says `Stop.HALT`.
    """
    if _here.asker is not None:
        _here.asker.ask()
