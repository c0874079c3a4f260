"""TIFF, BigTIFF, OME-TIFF and ImageJ hyperstacks in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from napari_blindspot.axes import LETTERS, check_axes, guess_axes
from napari_blindspot.io.base import Volume, unknown_scale
from napari_blindspot.io.calibration import Stated, tag_calibration
from napari_blindspot.io.failures import reading
from napari_blindspot.io.imagej import parse_imagej
from napari_blindspot.io.ome import parse_ome
from napari_blindspot.io.tiff_checks import check_pixels, check_whole, first_series
from napari_blindspot.params import InputError

_KINDS = {"ome": "OME metadata", "imagej": "ImageJ metadata", "shaped": "TIFF metadata"}


def read_tiff(
    path: Path, axes: str | None = None, channel_names: Sequence[str] | None = None
) -> Volume:
    """Open the first image of a TIFF file.

    Parameters
    ----------
    path : Path
        Existing file.
    axes : str or None
        Axes that overrule those of the file, for its shape with or without axes of length 1.
    channel_names : sequence of str or None
        Names that overrule those of the file.

    Returns
    -------
    Volume
        Memory-mapped where the pixels lie uncompressed in one piece, else read into memory.

    Raises
    ------
    InputError
        If the file is no TIFF, damaged, cut short, or holds pixels that are no intensities.

    Notes
    -----
    Axes come from `axes`, else OME, ImageJ or shape metadata, else a guess, and `Volume.note`
    says which. OME-XML states all of T, C, Z, Y, X for every image, so axes of length 1 are
    left out unless this package wrote the file. Of several series the first is taken, of a
    pyramid the finest level. MinIsWhite pixels are kept as stored. Indexed colours are accepted
    as intensities where the palette is a colour scale (any palette of ImageJ, or one whose
    brightness follows the index), else refused.
    """
    with reading(path, "TIFF"), tifffile.TiffFile(path) as file:
        series = first_series(file)
        check_whole(file, series)
        notes = check_pixels(file, series)
        stated = _stated(file, series)
        pixels, letters, origin = _settle(_load(path, file, series), series, stated, axes)
    known = [stated.calibration.get(letter, unknown_scale(letter)) for letter in letters]
    volume = Volume(
        pixels,
        letters,
        scale=tuple(size for size, _ in known),
        units=tuple(unit for _, unit in known),
        metadata={"format": series.kind},
        note="; ".join([origin, *stated.notes, *notes]),
        source=path.resolve(),
    )
    names = tuple(stated.channel_names if channel_names is None else channel_names)
    # Names of a file may be those of other axes than the ones in use; names given must fit.
    if channel_names is None and len(names) != volume.n_names:
        names = ()
    return volume.like(pixels, channel_names=names)


def _stated(file: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> Stated:
    """Sizes, names and axes in the words of the file's own dialect."""
    tags = {
        name: series.keyframe.tags.valueof(name)
        for name in ("XResolution", "YResolution", "ResolutionUnit")
        if name in series.keyframe.tags
    }
    if series.kind == "imagej":
        metadata = file.imagej_metadata or {}
        return parse_imagej(metadata, tags, series.axes, series.shape).with_square_pixels()
    stated = parse_ome(file.ome_metadata) if series.kind == "ome" else Stated()
    calibration = tag_calibration(tags) | stated.calibration
    return replace(stated, calibration=calibration).with_square_pixels()


def _load(path: Path, file: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> npt.NDArray[Any]:
    offset = series.dataoffset
    if offset is None or series.is_multifile:
        return series.asarray()
    dtype = series.dtype.newbyteorder(file.byteorder)
    return np.memmap(path, dtype=dtype, mode="r", offset=offset, shape=series.shape)


def _settle(
    pixels: npt.NDArray[Any],
    series: tifffile.TiffPageSeries,
    stated: Stated,
    given: str | None,
) -> tuple[npt.NDArray[Any], str, str]:
    """Pixels, their axes, and where the axes came from."""
    source = _KINDS.get(series.kind, "TIFF pages")
    pixels, letters = _restore(pixels, series.axes, stated.axes)
    if given is not None:
        pixels, letters = _overrule(pixels, given)
        return pixels, letters, f"axes {letters} as given"
    unknown = [letter for letter in letters if letter not in LETTERS]
    if not unknown:
        return pixels, check_axes(letters, pixels.ndim), f"axes {letters} from {source}"
    if set(unknown) == {"Q"} and letters.endswith("QYX"):
        letters = guess_axes(pixels.shape)
        return pixels, letters, f"axes {letters} guessed from shape {pixels.shape}"
    if len(unknown) > 1 or "T" in letters:
        raise InputError(
            f"The file's axes {letters} of shape {pixels.shape} are not all known; "
            f"name them with axes, one letter of {LETTERS} for each."
        )
    letters = check_axes(letters.replace(unknown[0], "T"), pixels.ndim)
    return pixels, letters, f"axes {letters} from {source}, {unknown[0]} guessed to be T"


def _restore(pixels: npt.NDArray[Any], stored: str, written: str) -> tuple[npt.NDArray[Any], str]:
    """Order and axes of length 1 as this package wrote them; otherwise what is stored."""
    extra = set(written) - set(stored)
    if set(stored) - set(written) or not extra <= set(LETTERS) or len(written) > len(set(written)):
        return pixels, stored
    expanded = pixels[(..., *[np.newaxis] * len(extra))]
    present = stored + "".join(letter for letter in written if letter in extra)
    return expanded.transpose([present.index(letter) for letter in written]), written


def _overrule(pixels: npt.NDArray[Any], given: str) -> tuple[npt.NDArray[Any], str]:
    count = len(given.strip())
    longer = tuple(length for length in pixels.shape if length > 1)
    if count not in (pixels.ndim, len(longer)):
        is_shorter = 2 <= len(longer) < pixels.ndim
        also = f", or {len(longer)} without the axes of length 1" if is_shorter else ""
        raise InputError(
            f"axes={given!r} names {count} axes but the file has shape {pixels.shape}; "
            f"give {pixels.ndim} letters{also}."
        )
    if count != pixels.ndim:
        pixels = pixels.reshape(longer)
    return pixels, check_axes(given, pixels.ndim)
