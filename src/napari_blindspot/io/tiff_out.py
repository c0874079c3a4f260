"""OME-TIFF out, plane by plane."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from napari_blindspot.io.base import Volume, replacing
from napari_blindspot.io.ome import NAMESPACE, describe_ome
from napari_blindspot.params import InputError

# Offsets of a classic TIFF end at 4 GiB; many readers take them as signed and stop at 2.
BIGTIFF_BYTES = 2**31
_EXACT_IN_DOUBLE = 2**53


def stored_dtype(dtype: npt.DTypeLike, has_samples: bool = False) -> np.dtype[Any]:
    """Type in which OME-TIFF keeps values of `dtype`, the same wherever it has one.

    OME-TIFF has neither 16-bit floats (stored in 32 bits) nor 64-bit integers (stored as
    doubles, up to 2**53 exactly). Booleans are stored in single bits, or as 0 and 1 of 8 bits
    in RGB images.
    """
    given = np.dtype(dtype)
    if given.kind == "f":
        return np.dtype(np.float64 if given.itemsize > 4 else np.float32)
    if given.kind in "iu" and given.itemsize > 4:
        return np.dtype(np.float64)
    if given.kind == "b" and has_samples:
        return np.dtype(np.uint8)
    return given.newbyteorder("=")


def write_tiff(path: Path, volume: Volume, compression: str | None = None) -> str:
    """Write a volume as OME-TIFF, beside `path` first and renamed when whole.

    Parameters
    ----------
    path : Path
        Target; an existing file is replaced only by a whole one.
    volume : Volume
        Read plane by plane, so it need not fit into memory.
    compression : str or None
        One of the format's `compressions`: lossless compression of the planes.

    Returns
    -------
    str
        What OME-TIFF could not keep, in words; empty if nothing was lost.

    Raises
    ------
    InputError
        If the file cannot be written or the values cannot be stored.
    """
    order = _stored_axes(volume)
    dtype = stored_dtype(volume.dtype, has_samples="S" in order)
    name = path.name.removesuffix(path.suffix).removesuffix(".ome")
    metadata, notes = describe_ome(volume, name)
    if dtype != volume.dtype:
        notes.insert(0, f"{volume.dtype} is stored as {dtype}, the nearest type of OME-TIFF")
    with replacing(path) as part:
        tifffile.imwrite(
            part,
            _planes(volume, order, dtype),
            shape=tuple(volume.shape[volume.axes.index(letter)] for letter in order),
            dtype=dtype,
            ome=True,
            bigtiff=volume.nbytes * dtype.itemsize // volume.dtype.itemsize >= BIGTIFF_BYTES,
            metadata={"axes": order, **metadata},
            software=NAMESPACE,
            **_page_options(volume, order, dtype, compression),
        )
    return "; ".join(notes)


def _stored_axes(volume: Volume) -> str:
    """Axes in an order OME-TIFF allows: planes of YX, or YXS where pixels have samples."""
    lengths = dict(zip(volume.axes, volume.shape, strict=True))
    samples = "S" if lengths.get("S", 1) > 1 else ""
    return "".join(letter for letter in volume.axes if letter in "TZC") + "YX" + samples


def _page_options(
    volume: Volume, order: str, dtype: np.dtype[Any], compression: str | None
) -> dict[str, Any]:
    options: dict[str, Any] = {"photometric": "minisblack"}
    if order.endswith("S"):
        options["planarconfig"] = "contig"
        if volume.shape[volume.axes.index("S")] in (3, 4):
            options["photometric"] = "rgb"
    if compression and dtype.kind != "b":
        options |= {"compression": compression, "predictor": 2 if dtype.kind in "iu" else None}
    return options


def _planes(volume: Volume, order: str, dtype: np.dtype[Any]) -> Iterator[npt.NDArray[Any]]:
    """Planes (Y, X) or (Y, X, S) in the order in which they are stored."""
    plane_axes = [letter for letter in order if letter in "YXS"]
    leading = [volume.axes.index(letter) for letter in order if letter not in plane_axes]
    inner = [volume.axes.index(letter) for letter in plane_axes]
    outer = [axis for axis in range(len(volume.axes)) if axis not in inner]
    for index in np.ndindex(*(volume.shape[axis] for axis in leading)):
        region = [slice(0, length) for length in volume.shape]
        for axis, place in zip(leading, index, strict=True):
            region[axis] = slice(place, place + 1)
        block = volume.read(tuple(region)).transpose(outer + inner)
        plane = block.reshape([volume.shape[axis] for axis in inner])
        yield _stored_values(plane, dtype)


def _stored_values(plane: npt.NDArray[Any], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    if plane.dtype.kind in "iu" and dtype.kind == "f":
        largest = max(abs(int(plane.min())), abs(int(plane.max())))
        if largest > _EXACT_IN_DOUBLE:
            raise InputError(
                f"The value {largest} of {plane.dtype} cannot be stored in OME-TIFF; "
                f"use values up to 2**53."
            )
    return np.ascontiguousarray(plane, dtype=dtype)
