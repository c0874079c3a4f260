"""Locks in files beside what they guard. The system frees the lock of a process that dies."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from napari_blindspot.io.base import cannot_write
from napari_blindspot.params import InputError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_BUSY = {errno.EACCES, errno.EAGAIN, errno.EDEADLK}
_UNABLE = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL}
# Windows lets no one else read the locked bytes, and the first ones say who holds the lock.
_FAR = 2**30


class HeldError(Exception):
    """Another process holds the lock; the text says which."""


@contextlib.contextmanager
def writing(targets: Iterable[str | Path]) -> Iterator[bool]:
    """Keep other runs from writing to some files, each by a lock file `.NAME.lock` beside it.

    Yields whether the file system has locks; where it has none, nothing is kept from anyone.

    Parameters
    ----------
    targets : iterable of str or Path
        Files to write, by whichever path.

    Raises
    ------
    InputError
        If another run is writing to one of them, or its folder cannot be written.
    """
    with contextlib.ExitStack() as held:
        able = [held.enter_context(_writing(Path(target).resolve())) for target in targets]
        yield all(able)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Hold the lock in a file, which is made, and removed at the end.

    Yields whether the file system has locks.

    Parameters
    ----------
    path : Path
        The lock file.

    Raises
    ------
    HeldError
        If another process holds it, or another part of this one.
    OSError
        If the file cannot be made.
    """
    file = _acquired(path)
    try:
        yield file is not None
    finally:
        if file is not None:
            _release(file, path)


def lock_of(target: Path) -> Path:
    """Lock file of a target."""
    return target.with_name(f".{target.name}.lock")


def is_held(path: Path) -> bool:
    """Whether anyone holds the lock in a file."""
    try:
        file = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        _lock(file, path)
    except HeldError:
        return True
    except OSError:
        return False
    finally:
        os.close(file)
    return False


def holder(path: Path) -> str:
    """Who holds the lock in a file, in words."""
    try:
        return path.read_text(encoding="utf-8").strip() or "another process"
    except (OSError, UnicodeDecodeError):
        return "another process"


@contextlib.contextmanager
def _writing(target: Path) -> Iterator[bool]:
    with contextlib.ExitStack() as held:
        try:
            able = held.enter_context(locked(lock_of(target)))
        except HeldError as error:
            raise InputError(
                f"{target} is being written by {error}; wait for its end or choose another file."
            ) from None
        except OSError as error:
            raise InputError(cannot_write(target, error)) from error
        yield able


def _acquired(path: Path) -> int | None:
    """The open file whose lock is ours, or None where there are no locks."""
    while True:
        file = _opened(path)
        try:
            able = _lock(file, path)
            # Whoever held it before may have removed the file between the two calls above.
            if able and path.exists() and os.path.samestat(os.fstat(file), path.stat()):
                _sign(file, path)
                return file
        except BaseException:
            os.close(file)
            raise
        os.close(file)
        if not able:
            with contextlib.suppress(OSError):
                path.unlink()
            return None


def _opened(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except PermissionError:
        if not path.exists():
            raise
    # Another user's. To see whether it is held, it need only be read.
    file = os.open(path, os.O_RDONLY)
    try:
        _lock(file, path)
        path.unlink()
    finally:
        os.close(file)
    return _opened(path)


def _sign(file: int, path: Path) -> None:
    try:
        os.ftruncate(file, 0)
        os.write(file, f"process {os.getpid()} on {socket.gethostname()}\n".encode())
    except OSError:
        # The disk is full.
        with contextlib.suppress(OSError):
            path.unlink()
        raise


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


def _lock(file: int, path: Path) -> bool:
    """Take the lock of an open file; False where there are no locks."""
    try:
        if sys.platform == "win32":
            os.lseek(file, _FAR, os.SEEK_SET)
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
            os.lseek(file, 0, os.SEEK_SET)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _BUSY:
            raise HeldError(holder(path)) from error
        if error.errno in _UNABLE:
            return False
        raise
    return True
