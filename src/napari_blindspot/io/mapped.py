"""Memory-mapped files that do not stay in memory."""

from __future__ import annotations

import contextlib
import mmap
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

_BLOCK = 2**20


def memory_map(array: npt.NDArray[Any]) -> mmap.mmap | None:
    """The memory map of a file that an array is a view of, or None.

    None too for a private copy, whose changes are in no file and would be lost with its pages.
    """
    found = _in_file(array)
    return found[1] if found else None


def has_shrunk(array: npt.NDArray[Any]) -> bool:
    """Whether an array is a view of a file that has lost its end since it was mapped.

    To touch what is gone would end the process (SIGBUS).
    """
    found = _in_file(array)
    return found is not None and found[1].size() < found[0].offset + found[0].nbytes


def _in_file(array: npt.NDArray[Any]) -> tuple[np.memmap[Any, Any], mmap.mmap] | None:
    """The array of a whole file that an array is a view of, and its map."""
    whole, base = None, array
    while isinstance(base, np.ndarray):
        if isinstance(base, np.memmap) and base.mode != "c":
            whole = base
        base = base.base  # type: ignore[assignment]
    return (whole, base) if whole is not None and isinstance(base, mmap.mmap) else None


def let_go(mapped: mmap.mmap) -> None:
    """Drop a map's pages from this process; the file keeps them, changes included.

    Does nothing where the system has no such call (Windows).
    """
    if hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)


@contextlib.contextmanager
def scratch(path: Path, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Iterator[Scratch]:
    """A writable array in a file that exists no longer than this context.

    Raises
    ------
    OSError
        If there is no space for all of it.
    """
    n_bytes = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    with contextlib.ExitStack() as stack:
        stack.callback(_remove, path)
        with path.open("wb") as file:
            _reserve(file.fileno(), n_bytes)
        array = Scratch(np.memmap(path, dtype, "r+", shape=shape))
        stack.callback(array.close)
        yield array


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()


def _reserve(descriptor: int, n_bytes: int) -> None:
    """Make a file so long that writing into it cannot run out of space."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, n_bytes)
    elif sys.platform == "win32":
        os.truncate(descriptor, n_bytes)
    else:
        # A file that is only made longer has no space of its own there (macOS).
        while n_bytes:
            n_bytes -= os.write(descriptor, bytes(min(_BLOCK, n_bytes)))


class Scratch:
    """An array in a file, of which only the part in use is in memory.

    Parameters
    ----------
    data : numpy.memmap
        Writable.
    """

    def __init__(self, data: npt.NDArray[Any]) -> None:
        self.data = data

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        return self.data.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Data type."""
        return self.data.dtype

    def close(self) -> None:
        """Give up the file, which Windows would not remove otherwise."""
        self.data = np.empty(0, self.dtype)

    def __getitem__(self, region: Any) -> npt.NDArray[Any]:
        return np.asarray(self.data[region])

    def __setitem__(self, region: Any, values: npt.NDArray[Any]) -> None:
        self.data[region] = values
        if (mapped := memory_map(self.data)) is not None:
            let_go(mapped)
