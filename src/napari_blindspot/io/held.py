"""Values that are kept for a while, up to a number of bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Hashable
from typing import Generic, Protocol, TypeAlias, TypeVar

Key: TypeAlias = tuple[Hashable, ...]

_ENTRY_BYTES = 500  # what a value takes in Python beside its bytes


class Sized(Protocol):
    """An array, or what holds one."""

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        ...


Value = TypeVar("Value", bound=Sized)


class Held(Generic[Value]):
    """Values by key; those that were used last are kept.

    Parameters
    ----------
    n_bytes : int
        Size of all values together.

    Notes
    -----
    Safe to use from several threads. The first part of a key says whose the value is.
    """

    def __init__(self, n_bytes: int) -> None:
        self.limit = n_bytes
        self._lock = threading.Lock()
        self._values: OrderedDict[Key, Value] = OrderedDict()
        self._left: deque[Hashable] = deque()
        self.n_bytes = 0

    def get(self, key: Key) -> Value | None:
        """The value of a key, or None."""
        with self._lock:
            value = self._values.get(key)
            if value is not None:
                self._values.move_to_end(key)
            return value

    def put(self, key: Key, value: Value) -> None:
        """Keep a value, and drop those that have not been used for the longest time."""
        with self._lock:
            self._drop(key)
            self._values[key] = value
            self.n_bytes += value.nbytes + _ENTRY_BYTES
            self._tidy()
            while self.n_bytes > self.limit:
                self._drop(next(iter(self._values)))

    def forget(self, owner: Hashable) -> None:
        """Drop all values of an owner, now or with the next `put`; never waits for another."""
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
            for key in [key for key in self._values if key[0] == owner]:
                self._drop(key)

    def _drop(self, key: Key) -> None:
        value = self._values.pop(key, None)
        if value is not None:
            self.n_bytes -= value.nbytes + _ENTRY_BYTES
