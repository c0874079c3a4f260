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
from napari_blindspot.io.arranged import Arranged, Order, arranged
from napari_blindspot.io.base import Volume, unknown_scale
from napari_blindspot.io.calibration import Stated, tag_calibration
from napari_blindspot.io.failures import reading
from napari_blindspot.io.imagej import parse_imagej
from napari_blindspot.io.ome import parse_ome
from napari_blindspot.io.tiff_checks import check_pixels, check_whole, first_series
from napari_blindspot.io.tiff_segments import TiffSegments
from napari_blindspot.params import InputError
from napari_blindspot.series import WHOLE

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
        Memory-mapped where the pixels lie uncompressed in one piece, else read into memory up to
        32 million values, and region by region beyond.

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

    Where pixels are read region by region, the file must stay as it is; damage in the middle of
    it is found when the region is read.
    """
    with reading(path, "TIFF"), tifffile.TiffFile(path) as file:
        series = first_series(file)
        check_whole(file, series)
        notes = check_pixels(file, series)
        stated = _stated(file, series)
        order, letters, origin = _settle(series, stated, axes)
        pixels = _load(path, file, series, order)
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


def _load(
    path: Path, file: tifffile.TiffFile, series: tifffile.TiffPageSeries, order: Order
) -> npt.NDArray[Any] | Arranged:
    offset = series.dataoffset
    if offset is not None and not series.is_multifile:
        dtype = series.dtype.newbyteorder(file.byteorder)
        mapped = np.memmap(path, dtype=dtype, mode="r", offset=offset, shape=series.shape)
        return arranged(mapped, order)
    segments = TiffSegments.of(path, series) if series.size > WHOLE else None
    return arranged(series.asarray(), order) if segments is None else Arranged(segments, order)


def _settle(
    series: tifffile.TiffPageSeries, stated: Stated, given: str | None
) -> tuple[Order, str, str]:
    """Order of the stored axes, their letters, and where these came from."""
    source = _KINDS.get(series.kind, "TIFF pages")
    order, letters = _restore(series.axes, stated.axes)
    shape = tuple(1 if axis is None else series.shape[axis] for axis in order)
    if given is not None:
        order, letters = _overrule(order, shape, given)
        return order, letters, f"axes {letters} as given"
    unknown = [letter for letter in letters if letter not in LETTERS]
    if not unknown:
        return order, check_axes(letters, len(shape)), f"axes {letters} from {source}"
    if set(unknown) == {"Q"} and letters.endswith("QYX"):
        letters = guess_axes(shape)
        return order, letters, f"axes {letters} guessed from shape {shape}"
    if len(unknown) > 1 or "T" in letters:
        raise InputError(
            f"The file's axes {letters} of shape {shape} are not all known; "
            f"name them with axes, one letter of {LETTERS} for each."
        )
    letters = check_axes(letters.replace(unknown[0], "T"), len(shape))
    return order, letters, f"axes {letters} from {source}, {unknown[0]} guessed to be T"


def _restore(stored: str, written: str) -> tuple[Order, str]:
    """Order and axes of length 1 as this package wrote them; otherwise what is stored."""
    extra = set(written) - set(stored)
    if set(stored) - set(written) or not extra <= set(LETTERS) or len(written) > len(set(written)):
        return tuple(range(len(stored))), stored
    return tuple(None if a in extra else stored.index(a) for a in written), written


def _overrule(order: Order, shape: tuple[int, ...], given: str) -> tuple[Order, str]:
    count = len(given.strip())
    longer = [axis for axis, length in zip(order, shape, strict=True) if length > 1]
    if count not in (len(shape), len(longer)):
        is_shorter = 2 <= len(longer) < len(shape)
        also = f", or {len(longer)} without the axes of length 1" if is_shorter else ""
        raise InputError(
            f"axes={given!r} names {count} axes but the file has shape {shape}; "
            f"give {len(shape)} letters{also}."
        )
    if count != len(shape):
        order = tuple(longer)
    return order, check_axes(given, count)
