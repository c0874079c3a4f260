"""Names for files that overwrite nothing."""

from __future__ import annotations

import itertools
from pathlib import Path


def free_path(folder: Path, stem: str, suffix: str) -> Path:
    """A path that is not taken: `STEM.SUFFIX`, else `STEM_2.SUFFIX` and so on."""
    numbered = (folder / f"{stem}_{number}{suffix}" for number in itertools.count(2))
    paths = itertools.chain([folder / f"{stem}{suffix}"], numbered)
    return next(path for path in paths if not path.exists())
