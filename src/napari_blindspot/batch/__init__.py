"""Many images: found, denoised, noted in a journal, and resumed after whatever ended the work."""

from __future__ import annotations

from napari_blindspot.batch.planning import Plan, Task, make_plan
from napari_blindspot.batch.runner import check, run_batch
from napari_blindspot.batch.spec import Batch, Part

__all__ = ["Batch", "Part", "Plan", "Task", "check", "make_plan", "run_batch"]
