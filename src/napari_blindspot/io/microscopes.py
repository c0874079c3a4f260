"""CZI, LIF and ND2 in, through bioio and its readers, which are an extra."""

from __future__ import annotations

import importlib
import math
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from napari_blindspot.axes import LETTERS, check_axes
from napari_blindspot.io.base import Volume, unknown_scale
from napari_blindspot.io.calibration import Calibration, Stated, step
from napari_blindspot.io.scene import Dialect, ScenePixels, decoding, open_scene
from napari_blindspot.io.tiff_checks import check_ratio
from napari_blindspot.params import InputError

_INVENTED = re.compile(r"Channel:.*")  # a name that bioio gives to a channel without one


# A is what CZI calls the samples; bioio-czi 3.0 repeats the first of them if it is left out.
_CZI = Dialect("CZI", "bioio_czi", tuple("TCZYXSAHIRV"), ("Y", "X", "S", "A"), blue_first=True)
_LIF = Dialect("LIF", "bioio_lif", ("Z", "Y", "X", "S"), ("Y", "X", "S"), by_region=False)
_ND2 = Dialect("ND2", "bioio_nd2", clock_s=1e-3)


def read_czi(
    path: Path, axes: str | None = None, channel_names: Sequence[str] | None = None
) -> Volume:
    """Open the first scene of a CZI file (Zeiss); nothing is read yet.

    Parameters
    ----------
    path : Path
        Existing file.
    axes : str or None
        Axes that overrule those of the file, for its shape with or without axes of length 1.
    channel_names : sequence of str or None
        Names that overrule those of the file.

    Raises
    ------
    InputError
        If bioio or its reader is not installed, or the file is damaged.

    Notes
    -----
    Axes of length 1 other than Y and X are left out. Tiles of a mosaic are put together.
    """
    return _read(path, _CZI, axes, channel_names)


def read_lif(
    path: Path, axes: str | None = None, channel_names: Sequence[str] | None = None
) -> Volume:
    """Open the first image of a LIF file (Leica), with the parameters of `read_czi`."""
    return _read(path, _LIF, axes, channel_names)


def read_nd2(
    path: Path, axes: str | None = None, channel_names: Sequence[str] | None = None
) -> Volume:
    """Open the first position of an ND2 file (Nikon), with the parameters of `read_czi`."""
    return _read(path, _ND2, axes, channel_names)


def _read(
    path: Path, dialect: Dialect, axes: str | None, channel_names: Sequence[str] | None
) -> Volume:
    # Warnings of the libraries are for their makers.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _described(path, dialect, axes, channel_names)


def _described(
    path: Path, dialect: Dialect, axes: str | None, channel_names: Sequence[str] | None
) -> Volume:
    image, by_region = open_scene(path, dialect)
    with decoding(path, dialect):
        order, shape = str(image.dims.order), tuple(int(n) for n in image.dims.shape)
        kept, letters, origin = _settle(order, shape, dialect, axes)
        pixels = ScenePixels(image, dialect, path, by_region, order, kept)
        if pixels.dtype.kind not in "buif":
            raise InputError(f"pixels of type {pixels.dtype} are no intensities.")
        check_ratio(math.prod(shape) * pixels.dtype.itemsize, path.stat().st_size)
        stated = _stated(image, path, dialect, by_region)
    known = [stated.calibration.get(letter, unknown_scale(letter)) for letter in letters]
    volume = Volume(
        pixels,
        letters,
        scale=tuple(size for size, _ in known),
        units=tuple(unit for _, unit in known),
        metadata={"format": dialect.name.lower()},
        note="; ".join([origin, *stated.notes]),
        source=path.resolve(),
    )
    names = tuple(stated.channel_names if channel_names is None else channel_names)
    # Names of a file may be those of other axes than the ones in use; names given must fit.
    if channel_names is None and len(names) != volume.n_names:
        names = ()
    return volume.like(pixels, channel_names=names)


def _settle(
    order: str, shape: tuple[int, ...], dialect: Dialect, given: str | None
) -> tuple[tuple[int, ...], str, str]:
    """Axes of the file that are shown, their letters, and where these came from."""
    pairs = enumerate(zip(order, shape, strict=True))
    longer = tuple(axis for axis, (letter, length) in pairs if length > 1 or letter in "YX")
    if given is None:
        letters = "".join(order[axis] for axis in longer)
        return longer, letters, f"axes {letters} from {dialect.name} metadata"
    count = len(given.strip())
    if count not in (len(order), len(longer)):
        raise InputError(
            f"axes={given!r} names {count} axes but the file has shape {shape}; give "
            f"{len(order)} letters, or {len(longer)} without the axes of length 1."
        )
    kept = longer if count == len(longer) else tuple(range(len(order)))
    letters = check_axes(given, len(kept))
    return kept, letters, f"axes {letters} as given"


def _stated(image: Any, path: Path, dialect: Dialect, by_region: bool) -> Stated:
    notes = (*_notes(image), *_gaps(path, dialect))
    try:
        described = image.xarray_dask_data
    except Exception as error:
        # A CZI without pixel sizes and an ND2 of floats cannot be described, but can be read.
        if not by_region or isinstance(error, MemoryError | OSError):
            raise
        return Stated(notes=(*notes, "pixel sizes and names unknown: bioio cannot describe it"))
    names = tuple(str(name) for name in image.channel_names)
    is_named = not all(_INVENTED.fullmatch(name) for name in names)
    return Stated(
        calibration=_calibration(image, described, dialect),
        channel_names=names if is_named else (),
        notes=notes,
    )


def _notes(image: Any) -> tuple[str, ...]:
    notes = []
    if len(image.scenes) > 1:
        notes.append(f"first of {len(image.scenes)} scenes ({image.scenes[0]})")
    reader = image.reader
    for letter, length in zip(reader.dims.order, reader.dims.shape, strict=True):
        if letter == "M" and length > 1:
            notes.append(f"{length} tiles put together")
        elif letter not in LETTERS and length > 1:
            notes.append(f"first of {length} along {letter}")
    return tuple(notes)


def _calibration(image: Any, described: Any, dialect: Dialect) -> Calibration:
    """Steps of Z, Y and X in micrometers, as all of these readers have them, and of T."""
    sizes = {
        letter: (size, "micrometer")
        for letter, value in image.physical_pixel_sizes._asdict().items()
        if (size := step(value)) is not None and letter not in _uncalibrated(described)
    }
    seconds = _interval_s(image, described, dialect)
    return sizes if seconds is None else {**sizes, "T": (seconds, "second")}


def _interval_s(image: Any, described: Any, dialect: Dialect) -> float | None:
    if (interval := image.time_interval) is not None:
        return step(interval.total_seconds())
    if "T" not in described.coords or described.sizes["T"] < 2:
        return None
    times = described.coords["T"].values
    return step(float(times[1] - times[0]) * dialect.clock_s)


def _uncalibrated(described: Any) -> str:
    """Axes of an ND2 file of which the size is not known; it is given as 1."""
    metadata = described.attrs.get("unprocessed")
    if not isinstance(metadata, dict) or not (channels := metadata["metadata"].channels):
        return ""
    known = channels[0].volume.axesCalibrated
    return "".join(letter for letter, is_known in zip("XYZ", known, strict=True) if not is_known)


def _gaps(path: Path, dialect: Dialect) -> tuple[str, ...]:
    """Frames of an ND2 file that were never taken; they are read as zeros."""
    if dialect.name != "ND2":
        return ()
    # What bioio-nd2 stands on; bioio itself does not tell.
    with importlib.import_module("nd2").ND2File(path) as file:
        taken = int(file.attributes.sequenceCount)
        planned = math.prod(int(loop.count) for loop in file.experiment)
    return (
        () if taken >= planned else (f"{planned - taken} of {planned} frames missing, read as 0",)
    )
