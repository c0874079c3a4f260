"""What a TIFF must satisfy before its pixels are taken for an image."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from napari_blindspot.params import InputError

# Noisy images do not compress better than deflate can; beyond this a file states pixels that it
# does not hold.
_MAX_RATIO = 1_100
_RATIO_FREE_BYTES = 2**28

_DESCRIPTION = 270  # the tag ImageDescription


def first_series(file: tifffile.TiffFile) -> tifffile.TiffPageSeries:
    """First image of the file."""
    if not file.series or not file.series[0].size or len(file.series[0].shape) < 2:
        raise InputError("it holds no image.")
    return file.series[0]


def check_whole(file: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> None:
    """Refuse a file that states more than it holds: tifffile fills in zeros or drops planes.

    Raises
    ------
    InputError
        If pixels, planes, pages or the description lie behind the end of the file.
    """
    size = file.filehandle.size
    pages = [page for page in series if page is not None]
    if len(pages) < len(series):
        raise InputError("planes that its metadata state are missing; copy all of its files.")
    is_cut = any(_end(page) > page.parent.filehandle.size for page in pages)
    if series.dataoffset is not None:
        is_cut = is_cut or series.dataoffset + series.nbytes > size
    if is_cut or _is_chain_cut(file) or _lacks_description(file):
        raise InputError(f"it is cut short or damaged: its {size} bytes lack what they refer to.")
    check_ratio(series.nbytes, size)


def check_ratio(stated: int, held: int) -> None:
    """Refuse a file that states far more bytes of pixels than its own could unpack to."""
    if stated > max(_RATIO_FREE_BYTES, _MAX_RATIO * held):
        raise InputError(f"it states {stated} bytes of pixels and holds {held}: damaged.")


def _end(page: tifffile.TiffPage | tifffile.TiffFrame) -> int:
    pieces = zip(page.dataoffsets, page.databytecounts, strict=False)
    return max((offset + count for offset, count in pieces), default=0)


def _is_chain_cut(file: tifffile.TiffFile) -> bool:
    """Whether the last page found points to a further one."""
    file.filehandle.seek(file.pages.next_page_offset or 0)
    return any(file.filehandle.read(file.tiff.offsetsize))


def _lacks_description(file: tifffile.TiffFile) -> bool:
    """Whether the first page refers to a description that is not there.

    OME-XML often comes last in a file. tifffile ignores a tag that points behind the end, and
    axes and sizes would be lost without a word.
    """
    tiff = file.tiff
    file.filehandle.seek(file.pages.first.offset)
    (count,) = struct.unpack(tiff.tagnoformat, file.filehandle.read(tiff.tagnosize))
    entries = file.filehandle.read(count * tiff.tagsize)
    starts = range(0, len(entries) - 1, tiff.tagsize)
    codes = {struct.unpack_from(f"{tiff.byteorder}H", entries, start)[0] for start in starts}
    return _DESCRIPTION in codes and _DESCRIPTION not in file.pages.first.tags


def check_pixels(file: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> list[str]:
    """Notes on how the pixels are to be understood."""
    if series.dtype is None or series.dtype.kind not in "buif":
        raise InputError(f"pixels of type {series.dtype} are no intensities; use real numbers.")
    notes = []
    if len(file.series) > 1:
        notes.append(f"first of {len(file.series)} series")
    if len(series.levels) > 1:
        notes.append(f"finest of {len(series.levels)} pyramid levels")
    photometric = series.keyframe.photometric
    if photometric == tifffile.PHOTOMETRIC.MINISWHITE:
        notes.append("0 is white in this file; values are kept as stored")
    if photometric == tifffile.PHOTOMETRIC.PALETTE:
        if not file.is_imagej and not _is_colour_scale(series.keyframe.colormap):
            raise InputError(
                "its pixels are indices into a palette; save it as grayscale or RGB first."
            )
        notes.append("coloured by a palette; the indices are taken as intensities")
    return notes


def _is_colour_scale(colormap: npt.NDArray[Any] | None) -> bool:
    if colormap is None:
        return False
    brightness = np.array([0.299, 0.587, 0.114]) @ colormap.astype(np.float64)
    if np.ptp(brightness) == 0:
        return False
    return bool(abs(np.corrcoef(brightness, np.arange(brightness.size))[0, 1]) > 0.9)
