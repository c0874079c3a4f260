"""Where the results of a run go: arrays, or files beside the targets where they are large.

Results in OME-Zarr are never held in memory, whatever their size: who wants to save memory names
such a file.
"""

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
from napari_blindspot.io.formats import format_of
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
    """Denoised image and its standard deviation, and what their files could not keep.

    `done` is the part of the image that is denoised, 0 to 1.
    """

    denoised: Volume | None = None
    std: Volume | None = None
    lost: str = ""
    done: float = 0.0


def dtype_of_result(job: Job, source: Volume) -> np.dtype[Any]:
    """Type in which the denoised image is saved."""
    return np.dtype(np.float32) if job.float32 else source.dtype


@contextlib.contextmanager
def room_for(job: Job, source: Volume) -> Iterator[Arrays | None]:
    """Arrays in files beside the targets, for a result too large for memory or in OME-Zarr.

    None for all others. A standard deviation without a file is held in memory if it is not too
    large.

    Raises
    ------
    InputError
        If there is no space for them.
    """
    is_large = math.prod(source.shape) > WHOLE
    if not job.output or not (is_large or format_of(Path(job.output)).is_folder):
        yield None
        return
    with contextlib.ExitStack() as files:
        mean = _scratch(files, job.output, source, dtype_of_result(job, source))
        std = _scratch(files, job.uncertainty, source, np.dtype(np.float32))
        if std is None and job.with_std and not is_large:
            std = np.zeros(source.shape, np.float32)
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
    if room is None:
        std = None if arrays.std is None else source.like(arrays.std)
        return Results(source.like(arrays.mean), std, lost, arrays.done)
    std = _opened(job.uncertainty, source)
    if std is None and arrays.std is not None:
        std = source.like(arrays.std)
    return Results(_opened(job.output, source), std, lost, arrays.done)


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
