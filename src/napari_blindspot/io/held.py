"""Arrays that are kept for a while, up to a number of bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Hashable
from typing import Any, TypeAlias

import numpy.typing as npt

Key: TypeAlias = tuple[Hashable, ...]

_ENTRY_BYTES = 500  # what an array takes in Python beside its values


class Held:
    """Arrays by key; those that were used last are kept.

    Parameters
    ----------
    n_bytes : int
        Size of all arrays together.

    Notes
    -----
    Safe to use from several threads. The first part of a key says whose the array is.
    """

    def __init__(self, n_bytes: int) -> None:
        self.limit = n_bytes
        self._lock = threading.Lock()
        self._arrays: OrderedDict[Key, npt.NDArray[Any]] = OrderedDict()
        self._left: deque[Hashable] = deque()
        self.n_bytes = 0

    def get(self, key: Key) -> npt.NDArray[Any] | None:
        """The array of a key, or None."""
        with self._lock:
            array = self._arrays.get(key)
            if array is not None:
                self._arrays.move_to_end(key)
            return array

    def put(self, key: Key, array: npt.NDArray[Any]) -> None:
        """Keep an array, and drop those that have not been used for the longest time."""
        with self._lock:
            self._drop(key)
            self._arrays[key] = array
            self.n_bytes += array.nbytes + _ENTRY_BYTES
            self._tidy()
            while self.n_bytes > self.limit:
                self._drop(next(iter(self._arrays)))

    def forget(self, owner: Hashable) -> None:
        """Drop all arrays of an owner, now or with the next `put`; never waits for another."""
        self._left.append(owner)
        # The garbage collector calls this at any moment, be it within `put`.
        if self._lock.acquire(blocking=False):
            try:
                self._tidy()
            finally:
                self._lock.release()

    def _tidy(self) -> None:
        while self._left:
            owner = self._left.popleft()
            for key in [key for key in self._arrays if key[0] == owner]:
                self._drop(key)

    def _drop(self, key: Key) -> None:
        array = self._arrays.pop(key, None)
        if array is not None:
            self.n_bytes -= array.nbytes + _ENTRY_BYTES
