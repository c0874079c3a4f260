"""Ending a long piece of work in its midst: whoever does it asks now and then."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING

from napari_blindspot.events import Stop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_blindspot.events import StopFlag

_INTERVAL_S = 0.02


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
