"""Freed memory stays with the process while a network works.

The layers of a network take and free the same large arrays again and again. The C library of Linux
gives each of them back to the system and gets it anew, page by page and cleared: a quarter of the
processor's time of a prediction of 2048 x 2048 pixels by `express`, and 0.3 of that of 60 steps of
`laine19` and its prediction of 512 x 512.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import sys
from threading import Lock
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Library(Protocol):
    def mallopt(self, option: int, value: int) -> int: ...

    def malloc_trim(self, kept: int) -> int: ...


# Names and numbers of malloc.h of the GNU C library.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_NEVER = 2**31 - 1
# The largest that the library would choose by itself.
_USUAL_MMAP, _USUAL_TRIM = 2**25, 2**26

_lock = Lock()
_working = 0


@contextlib.contextmanager
def reused() -> Iterator[None]:
    """Keep what is freed, for reuse, until the end; then give all of it back.

    Does nothing where the C library is not that of GNU. May be nested, in several threads too.
    """
    library = _gnu()
    if library is None:
        yield
        return
    _began(library)
    try:
        yield
    finally:
        _ended(library)


def _began(library: _Library) -> None:
    global _working
    with _lock:
        _working += 1
        if _working == 1:
            # Only the first arena can hold large arrays. Threads that begin from here on use it.
            library.mallopt(_ARENA_MAX, 1)
            library.mallopt(_MMAP_THRESHOLD, _NEVER)
            library.mallopt(_TRIM_THRESHOLD, _NEVER)


def _ended(library: _Library) -> None:
    global _working
    with _lock:
        _working -= 1
        if not _working:
            library.mallopt(_MMAP_THRESHOLD, _USUAL_MMAP)
            library.mallopt(_TRIM_THRESHOLD, _USUAL_TRIM)
            library.malloc_trim(0)


@functools.cache
def _gnu() -> _Library | None:
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "gnu_get_libc_version") else None
