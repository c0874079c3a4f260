"""Many images: found, denoised, noted in a journal, and resumed after whatever ended the work."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_blindspot.batch.planning import Plan, Task, make_plan
    from napari_blindspot.batch.runner import check, run_batch
    from napari_blindspot.batch.spec import Batch, Part

__all__ = ["Batch", "Part", "Plan", "Task", "check", "make_plan", "run_batch"]

_HOMES = {
    "Batch": "spec",
    "Part": "spec",
    "Plan": "planning",
    "Task": "planning",
    "check": "runner",
    "make_plan": "planning",
    "run_batch": "runner",
}


def __getattr__(name: str) -> Any:
    """What belongs to the work itself is imported when it is asked for: it takes a while."""
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
