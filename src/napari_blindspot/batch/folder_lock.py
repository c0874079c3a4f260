"""One batch at a time in an output folder."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

from napari_blindspot import locks
from napari_blindspot.params import InputError

_FOUND = re.compile(r"\.blindspot_batch(?:\.part-(\d+)-of-(\d+))?\.jsonl\.lock")


@contextlib.contextmanager
def locked(journal: Path) -> Iterator[str]:
    """Keep other batches out of the folder of a journal, but for other parts of the same batch.

    Yields what the user should know, in words: empty, or that this file system has no locks.

    Raises
    ------
    InputError
        If another batch works in this folder, or the folder cannot be written.
    """
    path = locks.lock_of(journal)
    with contextlib.ExitStack() as held:
        try:
            able = held.enter_context(locks.locked(path))
        except locks.HeldError as error:
            raise InputError(_busy(path, str(error))) from None
        except OSError as error:
            reason = error.strerror or error
            raise InputError(f"{journal.parent} cannot be written ({reason}).") from error
        _refuse_others(path)
        yield "" if able else "no file locks here: see that no second batch writes into this folder"


def _refuse_others(own: Path) -> None:
    """Refuse if a batch that may do the same images holds a lock in this folder."""
    mine = _FOUND.fullmatch(own.name)
    for path in own.parent.glob(".blindspot_batch*.jsonl.lock"):
        other = _FOUND.fullmatch(path.name)
        if path == own or other is None:
            continue
        disjoint = mine is not None and mine[2] is not None and mine[2] == other[2]
        if not disjoint and locks.is_held(path):
            raise InputError(_busy(path, locks.holder(path)))


def _busy(path: Path, who: str) -> str:
    return (
        f"Another batch ({who}) is writing into {path.parent}; wait for its end or choose "
        "another folder."
    )
