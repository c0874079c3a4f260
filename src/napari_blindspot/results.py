"""Where the results of a run go: arrays, or files beside the targets where they are large."""

from __future__ import annotations

import contextlib
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_blindspot.io import open_volume, save_volume
from napari_blindspot.io.base import cannot_write, to_dtype
from napari_blindspot.io.mapped import scratch
from napari_blindspot.params import InputError
from napari_blindspot.prediction import Arrays
from napari_blindspot.series import WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_blindspot.io.base import Volume
    from napari_blindspot.job import Job


@dataclass(frozen=True)
class Results:
    """Denoised image and its standard deviation, and what their files could not keep."""

    denoised: Volume | None = None
    std: Volume | None = None
    lost: str = ""


def dtype_of_result(job: Job, source: Volume) -> np.dtype[Any]:
    """Type in which the denoised image is saved."""
    return np.dtype(np.float32) if job.float32 else source.dtype


@contextlib.contextmanager
def room_for(job: Job, source: Volume) -> Iterator[Arrays | None]:
    """Arrays in files beside the targets for a result too large for memory; else None.

    Raises
    ------
    InputError
        If there is no space for them.
    """
    if not job.output or math.prod(source.shape) <= WHOLE:
        yield None
        return
    with contextlib.ExitStack() as files:
        mean = _scratch(files, job.output, source, dtype_of_result(job, source))
        std = _scratch(files, job.uncertainty, source, np.dtype(np.float32))
        yield Arrays(mean, std)


def saved(job: Job, source: Volume, arrays: Arrays | None, room: Arrays | None) -> Results:
    """Save what the job asks for, and the job beside it."""
    if arrays is None:
        return Results()
    lost = ""
    if job.output:
        dtype = dtype_of_result(job, source)
        kept = arrays.mean if room else to_dtype(arrays.mean, dtype)
        lost = save_volume(job.output, source.like(kept))
        job.save_beside(job.output)
    if job.uncertainty and arrays.std is not None:
        lost = save_volume(job.uncertainty, source.like(arrays.std)) or lost
    if room:
        return Results(_opened(job.output, source), _opened(job.uncertainty, source), lost)
    std = None if arrays.std is None else source.like(arrays.std)
    return Results(source.like(arrays.mean), std, lost)


def _scratch(
    files: contextlib.ExitStack, target: str | None, source: Volume, dtype: np.dtype[Any]
) -> Any | None:
    if not target:
        return None
    path = Path(target).resolve()
    beside = path.with_name(f".{path.name}.pixels.part-{os.getpid()}")
    try:
        return files.enter_context(scratch(beside, source.shape, dtype))
    except OSError as error:
        raise InputError(cannot_write(path, error)) from error


def _opened(path: str | None, source: Volume) -> Volume | None:
    if not path:
        return None
    volume = open_volume(path)
    # npy has no place for axes.
    return volume if volume.axes == source.axes else open_volume(path, axes=source.axes)
