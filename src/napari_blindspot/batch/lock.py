"""One batch at a time in an output folder. The system frees the lock of a process that dies."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from napari_blindspot.params import InputError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_NAME = ".{journal}.lock"
_FOUND = re.compile(r"\.blindspot_batch(?:\.part-(\d+)-of-(\d+))?\.jsonl\.lock")
_UNABLE = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL}
# Windows lets no one else read the locked bytes, and the first ones say who holds the lock.
_FAR = 2**30


class _HeldError(Exception):
    """Another process holds the lock."""


@contextlib.contextmanager
def locked(journal: Path) -> Iterator[str]:
    """Keep other batches out of the folder of a journal, but for other parts of the same batch.

    Yields what the user should know, in words: empty, or that this file system has no locks.

    Raises
    ------
    InputError
        If another batch works in this folder, or the folder cannot be written.
    """
    path = journal.with_name(_NAME.format(journal=journal.name))
    try:
        file = _acquired(path)
    except _HeldError:
        raise InputError(_busy(path)) from None
    except OSError as error:
        if error.errno in _UNABLE:
            yield "no file locks here: see that no second batch writes into this folder"
            return
        reason = error.strerror or error
        raise InputError(f"{journal.parent} cannot be written ({reason}).") from error
    try:
        _refuse_others(path)
        yield ""
    finally:
        _release(file, path)


def _acquired(path: Path) -> int:
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _lock(file)
            # Whoever held it before may have removed the file between the two calls above.
            if path.exists() and os.path.samestat(os.fstat(file), path.stat()):
                os.ftruncate(file, 0)
                os.write(file, f"process {os.getpid()} on {socket.gethostname()}\n".encode())
                return file
        except BaseException:
            os.close(file)
            raise
        os.close(file)


def _release(file: int, path: Path) -> None:
    # Windows removes no open file, and elsewhere a lock must be gone before another can hold it.
    if sys.platform == "win32":
        os.close(file)
        with contextlib.suppress(OSError):
            path.unlink()
    else:
        with contextlib.suppress(OSError):
            path.unlink()
        os.close(file)


def _refuse_others(own: Path) -> None:
    """Refuse if a batch that may do the same images holds a lock in this folder."""
    mine = _FOUND.fullmatch(own.name)
    for path in own.parent.glob(".blindspot_batch*.jsonl.lock"):
        other = _FOUND.fullmatch(path.name)
        if path == own or other is None:
            continue
        disjoint = mine is not None and mine[2] is not None and mine[2] == other[2]
        if not disjoint and _is_held(path):
            raise InputError(_busy(path))


def _is_held(path: Path) -> bool:
    try:
        file = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        _lock(file)
    except _HeldError:
        return True
    except OSError:
        return False
    finally:
        os.close(file)
    return False


def _busy(path: Path) -> str:
    try:
        who = path.read_text(encoding="utf-8").strip() or "a process"
    except (OSError, UnicodeDecodeError):
        who = "a process"
    return (
        f"Another batch ({who}) is writing into {path.parent}; wait for its end or choose "
        "another folder."
    )


def _lock(file: int) -> None:
    try:
        if sys.platform == "win32":
            os.lseek(file, _FAR, os.SEEK_SET)
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
            os.lseek(file, 0, os.SEEK_SET)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EAGAIN, errno.EDEADLK):
            raise _HeldError from error
        raise
