"""Files that a killed process left beside its targets, and their removal."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

_NAME = re.compile(r"\.(?P<target>.+?)(?:\.pixels)?\.(?P<word>part|old)-\d+")
_CHECKPOINT = re.compile(r"\.{1,2}(?P<target>.+)\.(?P<word>checkpoint)-\d+(?:\.part-\d+)?")


def clear(targets: Iterable[str]) -> None:
    """Remove what was begun beside some targets and never renamed, and states of trainings.

    A folder that was put aside while its successor was renamed is put back.

    Parameters
    ----------
    targets : iterable of str
        Images and models. No other process may be writing to them.
    """
    names: dict[Path, set[str]] = defaultdict(set)
    for target in map(Path, targets):
        names[target.parent] |= {target.name, f"{target.name}.job.json"}
    for folder, wanted in names.items():
        if not folder.is_dir():
            continue
        for path in sorted(folder.iterdir()):
            match = _CHECKPOINT.fullmatch(path.name) or _NAME.fullmatch(path.name)
            if match and match["target"] in wanted:
                _remove(path, match["word"], folder / match["target"])


def _remove(path: Path, word: str, target: Path) -> None:
    with contextlib.suppress(OSError):
        if word == "old" and not target.exists():
            path.rename(target)
        elif path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
