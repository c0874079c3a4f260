"""What was run on layers, as jobs on files that give the same pixels."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_blindspot._gui.free_path import free_path
from napari_blindspot._gui.scripts import as_command, as_python
from napari_blindspot.axes import LETTERS
from napari_blindspot.io import open_volume, save_volume
from napari_blindspot.job import Job
from napari_blindspot.params import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_blindspot.io.base import Region, Volume

__all__ = [
    "Place",
    "Repeat",
    "as_command",
    "as_python",
    "job_for_file",
    "place_in_file",
    "saved_source",
]

_OF_TRAINING = (
    "method",
    "params",
    "budget",
    "pace",
    "train_on",
    "held_out",
    "early_stop",
    "joint",
    "dims",
)
_COMPARED = 1 << 22  # values of a large image that are compared with those of a file
_COMPOUND = (".ome.tif", ".ome.tiff", ".ome.zarr")


@dataclass(frozen=True)
class Repeat:
    """What was run, on files.

    Attributes
    ----------
    jobs : tuple of Job
        One, or two: the first trains a model and saves it, the second applies it.
    """

    jobs: tuple[Job, ...]

    @property
    def command(self) -> str:
        """A line for the shell for each job."""
        return as_command(self.jobs)

    @property
    def python(self) -> str:
        """A script that does all of it."""
        return as_python(self.jobs)


@dataclass(frozen=True)
class Place:
    """Where the pixels of a layer lie in a file: everywhere, or in one of its channels."""

    channel: int | None = None


def job_for_file(
    job: Job, source: Path, axes: str, output: Path, place: Place | None = None
) -> Job:
    """The job of a run on a layer as one on a file with the same pixels.

    Parameters
    ----------
    job : Job
        What was run. For a model in memory it names the file to which that was saved.
    source : Path
        The file.
    axes : str
        Axes of the layer, with or without those of length 1.
    output : Path
        Where the image goes, in 32-bit floats like that of the layer; for a job that only trains,
        where the model goes. The standard deviation goes beside it.
    place : Place, optional
        Where in the file the layer lies, see `place_in_file`; everywhere if left out.

    Raises
    ------
    InputError
        If the file cannot be opened or has other axes.
    """
    channel = place.channel if place else None
    known = open_volume(source)
    found = {
        "inputs": (str(source.absolute()),),
        "axes": _axes_to_give(known, axes, channel),
        **_targets(job, output.absolute()),
    }
    if channel is not None:
        found |= {name: _within(channel, getattr(job, name)) for name in ("train_on", "apply_on")}
    if job.model:
        found |= {name: getattr(Job(), name) for name in _OF_TRAINING}
    return dataclasses.replace(job, **found)


def place_in_file(volume: Volume, source: Path) -> Place | None:
    """Where in a file the pixels of an image lie, or None if they are not there.

    Of an image of more than 4 million values only some planes are compared.

    Raises
    ------
    InputError
        If the file cannot be opened.
    """
    known = open_volume(source)
    own, wanted = _long_axes(known), _long_shape(volume.shape)
    if known.dtype != volume.dtype:
        return None
    if _long_shape(known.shape) == wanted:
        return Place() if _is_alike(volume, known, None) else None
    if "C" not in own or tuple(n for letter, n in own.items() if letter != "C") != wanted:
        return None
    channels = (c for c in range(own["C"]) if _is_alike(volume, known, c))
    channel = next(channels, None)
    return None if channel is None else Place(channel)


def saved_source(volume: Volume, folder: Path, name: str = "image") -> Path:
    """Save an image that is in no file, in its own type, under a name that is not taken.

    Parameters
    ----------
    volume : Volume
        The image.
    folder : Path
        Where the file goes.
    name : str
        Name of the layer.

    Returns
    -------
    Path
        The file: an OME-TIFF, or an OME-Zarr for more than 2 GiB or a type that TIFF does not have.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    from napari_blindspot.io.tiff_out import BIGTIFF_BYTES, stored_dtype

    fits_tiff = volume.nbytes < BIGTIFF_BYTES and stored_dtype(volume.dtype) == volume.dtype
    suffix = ".ome.tif" if fits_tiff or "S" in volume.axes else ".ome.zarr"
    stem = re.sub(r"[^\w.-]+", "_", name).strip("._") or "image"
    path = free_path(folder, stem, suffix)
    save_volume(path, volume, overwrite=False)
    return path


def _targets(job: Job, output: Path) -> dict[str, Any]:
    if job.train_only:
        return {"save_model": str(output), "output": None, "uncertainty": None, "with_std": False}
    name = output.name
    suffix = next((s for s in _COMPOUND if name.lower().endswith(s)), output.suffix)
    beside = output.with_name(f"{name[: len(name) - len(suffix)]}_std{name[-len(suffix) :]}")
    has_std = job.with_std or job.uncertainty
    return {
        "output": str(output),
        "float32": True,
        "uncertainty": str(beside) if has_std else None,
    }


def _axes_to_give(known: Volume, axes: str, channel: int | None) -> str | None:
    """Axes in place of those of the file; None where they say the same."""
    own = known.axes if channel is None else known.axes.replace("C", "")
    longer = "".join(letter for letter in _long_axes(known) if channel is None or letter != "C")
    if axes in (own, longer):
        return None
    if channel is None and len(axes) == len(own):
        return axes
    if channel is None and len(axes) == len(longer):
        return _filled(known, axes)
    raise InputError(
        f"The layer has axes {axes}, the file {known.axes} of shape {known.shape}; save the layer "
        "in a file of its own."
    )


def _filled(known: Volume, axes: str) -> str:
    """Axes of the layer, with letters that are left for the axes of length 1 of the file."""
    given = iter(axes)
    free = iter([letter for letter in LETTERS if letter not in axes])
    return "".join(next(free) if length == 1 else next(given) for length in known.shape)


def _within(channel: int, region: str | None) -> str:
    return ",".join(filter(None, [f"C={channel}", region]))


def _long_axes(volume: Volume) -> dict[str, int]:
    return {letter: n for letter, n in zip(volume.axes, volume.shape, strict=True) if n > 1}


def _long_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(n for n in shape if n > 1)


def _is_alike(volume: Volume, known: Volume, channel: int | None) -> bool:
    """Whether an image has the pixels of a file, or of one of its channels."""
    places = _planes(_long_shape(volume.shape))
    has_nan = volume.dtype.kind == "f"
    return all(
        np.array_equal(_part(volume, place), _part(known, place, channel), equal_nan=has_nan)
        for place in places
    )


def _planes(shape: tuple[int, ...]) -> Iterator[Region]:
    """The whole image, or planes at equal distances through a large one, rows of a large plane."""
    leading = shape[:-2] or shape[:1]
    count, total = math.prod(leading), math.prod(shape)
    if total <= _COMPARED:
        yield (slice(None),) * len(shape)
        return
    wanted = max(_COMPARED // (total // count), 3)
    for index in np.unique(np.linspace(0, count - 1, wanted).astype(int)):
        where = [slice(int(i), int(i) + 1) for i in np.unravel_index(index, leading)]
        yield (*where, *(slice(None),) * (len(shape) - len(where)))


def _part(volume: Volume, place: Region, channel: int | None = None) -> NDArray[Any]:
    """Pixels at a place, which names the axes longer than 1 other than that of the channel."""
    spans = iter(place)
    region = []
    for letter, length in zip(volume.axes, volume.shape, strict=True):
        if channel is not None and letter == "C":
            region.append(slice(channel, channel + 1))
        else:
            region.append(slice(None) if length == 1 else next(spans))
    return np.squeeze(volume.read(tuple(region)))
