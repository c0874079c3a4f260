"""Files that a killed process left beside its targets, and their removal."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from napari_blindspot.locks import HeldError, lock_of, locked

_PART = re.compile(r"\.(?P<target>.+?)(?:\.pixels)?\.(?P<word>part|old)-\d+")
_CHECKPOINT = re.compile(r"\.{1,2}(?P<target>.+)\.(?P<word>checkpoint)-\d+(?P<half>\.part-\d+)?")
_LOCK = re.compile(r"\.(?P<target>.+)\.(?P<word>lock)")


def clear(targets: Iterable[str], *, trainings: bool = True) -> None:
    """Remove what was begun beside some targets and never renamed.

    A folder that was put aside while its successor was renamed is put back. What another process
    is writing to is left alone.

    Parameters
    ----------
    targets : iterable of str
        Images and models.
    trainings : bool
        Remove the states of their trainings too.
    """
    names: dict[Path, dict[str, str]] = defaultdict(dict)
    for target in map(Path, targets):
        names[target.parent] |= {target.name: target.name, f"{target.name}.job.json": target.name}
    for folder, wanted in names.items():
        for name, left in _leftovers(folder, wanted).items():
            lock = lock_of((folder / name).resolve())
            with contextlib.suppress(HeldError, OSError), locked(lock):
                for path, match in left:
                    if trainings or match["word"] != "checkpoint" or match["half"]:
                        _remove(path, match["word"], folder / match["target"])


def _leftovers(
    folder: Path, wanted: Mapping[str, str]
) -> dict[str, list[tuple[Path, re.Match[str]]]]:
    """Files in a folder by the target that they were begun for."""
    found: dict[str, list[tuple[Path, re.Match[str]]]] = defaultdict(list)
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        kinds = (kind.fullmatch(path.name) for kind in (_CHECKPOINT, _PART, _LOCK))
        match = next(filter(None, kinds), None)
        if match and match["target"] in wanted:
            found[wanted[match["target"]]].append((path, match))
    return found


def _remove(path: Path, word: str, target: Path) -> None:
    if word == "lock":
        # It is held now, and goes when it is given up.
        return
    with contextlib.suppress(OSError):
        if word == "old" and not target.exists():
            path.rename(target)
        elif path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
