"""A run on layers as a command or a script on files, which makes the same pixels."""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import napari_blindspot
from napari_blindspot._gui.free_path import free_path
from napari_blindspot._gui.layers import origin_of
from napari_blindspot._gui.repeating import (
    Place,
    Repeat,
    job_for_file,
    place_in_file,
    saved_source,
)
from napari_blindspot.params import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_blindspot._gui.order import Order, Subject
    from napari_blindspot.job import Job

_PACKAGE = Path(napari_blindspot.__file__).resolve().parent


@dataclass(frozen=True)
class Kept:
    """The pixels of a layer in a file: which file, and where in it."""

    file: Path
    place: Place = dataclasses.field(default_factory=Place)


def subjects_of(order: Order, repeat: Repeat) -> list[Subject]:
    """The layer that each of the jobs reads."""
    return [order.source, order.target][-len(repeat.jobs) :]


def kept_pixels(subject: Subject, saved: Path | None) -> Kept | None:
    """The file with the pixels of a layer, which were saved there before or opened from there.

    None where there is no such file, it cannot be read by this package, or the pixels are others
    by now.
    """
    for file in filter(None, (saved, origin_of(subject.layer))):
        with contextlib.suppress(InputError):
            place = place_in_file(subject.volume, file)
            if place is not None:
                return Kept(file, place)
    return None


def save_pixels(subject: Subject, folder: Path) -> Kept:
    """Save the pixels of a layer that is in no file.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    return Kept(saved_source(subject.volume, folder, subject.look.name))


def on_files(order: Order, repeat: Repeat, kept: Sequence[Kept], folder: Path) -> Repeat:
    """The jobs on files.

    Parameters
    ----------
    order, repeat : Order, Repeat
        What was run, and the jobs that do it again.
    kept : sequence of Kept
        Where the pixels are that each job reads.
    folder : Path
        Where results go whose image is a sample of this package; others go beside the image.

    Raises
    ------
    InputError
        If a model that is in no file cannot be saved, or a job cannot be put into words.
    """
    found: list[Job] = []
    for job, subject, place in zip(repeat.jobs, subjects_of(order, repeat), kept, strict=True):
        stem = place.file.name.partition(".")[0]
        beside = folder if _is_sample(place.file) else place.file.parent
        output = beside / f"{stem}_denoised.ome.tif"
        if job.train_only:
            output = free_path(beside, stem, ".safetensors")
        model = found[-1].save_model if found else _model_file(order, beside, stem)
        job = dataclasses.replace(job, model=model)
        axes = subject.volume.axes
        found.append(job_for_file(job, place.file, axes, output, place.place))
    return Repeat(tuple(found))


def _model_file(order: Order, folder: Path, stem: str) -> str | None:
    """The file of a model that was applied; one that is in no file is saved."""
    if order.model is None:
        return None
    if not order.model_file:
        path = free_path(folder, f"{stem}_{order.model.method.name}", ".safetensors")
        order.model.save(path)
        return str(path)
    return order.model_file


def _is_sample(file: Path) -> bool:
    resolved = file.resolve()
    return _PACKAGE in resolved.parents or _PACKAGE.parents[1] / "sample_data" in resolved.parents
