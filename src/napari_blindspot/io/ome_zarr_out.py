"""OME-Zarr 0.4 and 0.5 out, slab by slab, with a pyramid."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import zarr

from napari_blindspot.io.base import Region, Volume, replacing_folder, unknown_scale
from napari_blindspot.io.calibration import TIME_UNITS
from napari_blindspot.io.ome_zarr import OWN

_TYPES = {"T": "time", "C": "channel", "Z": "space", "Y": "space", "X": "space"}
_CHUNK = {"Z": 16, "Y": 256, "X": 256}
_COARSEST = 256  # pixels along Y and X at which the pyramid ends


def write_ome_zarr(path: Path, volume: Volume) -> str:
    """Write a volume as OME-Zarr, beside `path` first and renamed when whole.

    A volume that came from OME-Zarr 0.4 is written as 0.4, all others as 0.5. Each level of the
    pyramid is half as large as the one before in Y and X.

    Parameters
    ----------
    path : Path
        Target folder; an existing one is replaced only by a whole one.
    volume : Volume
        Read slab by slab, so it need not fit into memory.

    Returns
    -------
    str
        What OME-Zarr could not keep, in words; empty if nothing was lost.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    order, notes = _stored_axes(volume)
    version: Literal[2, 3] = 2 if volume.metadata.get("version") == "0.4" else 3
    with replacing_folder(path) as part:
        group = zarr.create_group(part, zarr_format=version)
        finest = _write_finest(group, volume, order)
        levels = [finest, *_write_coarser(group, finest, order)]
        stated, lost = _describe(volume, order, len(levels), path.name)
        group.attrs.update(stated if version == 2 else {"ome": {"version": "0.5", **stated}})
    return "; ".join(notes + lost)


def _stored_axes(volume: Volume) -> tuple[str, list[str]]:
    """Axes in an order that OME-Zarr allows; samples of RGB take the place of channels."""
    if "S" not in volume.axes:
        return "".join(letter for letter in "TCZYX" if letter in volume.axes), []
    order = "".join(letter for letter in "TSZYX" if letter in volume.axes)
    return order, ["the samples of RGB are stored as channels"]


def _write_finest(group: zarr.Group, volume: Volume, order: str) -> zarr.Array[Any]:
    axes = [volume.axes.index(letter) for letter in order]
    array = _create(group, "0", tuple(volume.shape[axis] for axis in axes), volume.dtype, order)
    for region in _slabs(array):
        read = tuple(region[order.index(letter)] for letter in volume.axes)
        array[region] = volume.read(read).transpose(axes)
    return array


def _write_coarser(
    group: zarr.Group, finest: zarr.Array[Any], order: str
) -> Iterator[zarr.Array[Any]]:
    above = finest
    for level in itertools.count(1):
        if min(above.shape[-2:]) < 2 or max(above.shape[-2:]) <= _COARSEST:
            return
        shape = (*above.shape[:-2], above.shape[-2] // 2, above.shape[-1] // 2)
        array = _create(group, str(level), shape, np.dtype(above.dtype), order)
        for region in _slabs(array):
            rows = slice(2 * region[-2].start, 2 * region[-2].stop)
            array[region] = _halved(np.asarray(above[(*region[:-2], rows, slice(None))]))
        yield array
        above = array


def _create(
    group: zarr.Group, name: str, shape: tuple[int, ...], dtype: np.dtype[Any], order: str
) -> zarr.Array[Any]:
    chunks = tuple(
        min(_CHUNK.get(letter, 1), length) for letter, length in zip(order, shape, strict=True)
    )
    encoding: Any = {"name": "v2", "separator": "/"} if group.metadata.zarr_format == 2 else None
    return group.create_array(
        name, shape=shape, dtype=dtype, chunks=chunks, chunk_key_encoding=encoding
    )


def _slabs(array: zarr.Array[Any]) -> Iterator[Region]:
    """Regions of whole chunks and whole rows that cover the array once."""
    spans = [
        [slice(start, min(start + chunk, length)) for start in range(0, length, chunk)]
        for length, chunk in zip(array.shape[:-1], array.chunks[:-1], strict=True)
    ]
    for region in itertools.product(*spans):
        yield (*region, slice(0, array.shape[-1]))


def _halved(block: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Means of 2 x 2 pixels; an odd last row or column is left out."""
    height, width = (n // 2 for n in block.shape[-2:])
    even = block[..., : 2 * height, : 2 * width]
    cells = even.reshape(*block.shape[:-2], height, 2, width, 2)
    mean = cells.mean((-3, -1), dtype=np.float64)
    return np.asarray(mean >= 0.5 if block.dtype.kind == "b" else _same_type(mean, block.dtype))


def _same_type(mean: npt.NDArray[np.float64], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    return (np.rint(mean) if dtype.kind in "iu" else mean).astype(dtype)


def _describe(
    volume: Volume, order: str, n_levels: int, name: str
) -> tuple[dict[str, Any], list[str]]:
    """Metadata, and what they cannot express, in words."""
    lost = []
    axes, scale, origin = [], [], []
    for letter in order:
        axis, size, start, note = _describe_axis(volume, letter)
        axes.append(axis)
        scale.append(size)
        origin.append(start)
        lost += note
    image = {
        "name": name.removesuffix(".zarr").removesuffix(".ome"),
        "axes": axes,
        "datasets": [_dataset(level, len(order), scale, origin) for level in range(n_levels)],
        "type": "mean",
    }
    stated: dict[str, Any] = {"multiscales": [image], OWN: {"axes": volume.axes, "order": order}}
    if volume.metadata.get("version") == "0.4":
        image["version"] = "0.4"
    if any(volume.channel_names):
        stated["omero"] = {"channels": [{"label": text} for text in volume.channel_names]}
    return stated, lost


def _describe_axis(volume: Volume, letter: str) -> tuple[dict[str, str], float, float, list[str]]:
    place = volume.axes.index(letter)
    size, unit = volume.scale[place], volume.units[place]
    stored = letter.replace("S", "C")
    axis = {"name": stored.lower(), "type": _TYPES[stored]}
    start = volume.origin[place] if volume.origin else 0.0
    if stored == "C":
        return axis, 1.0, start, []
    if unit == unknown_scale(letter)[1]:
        return axis, size, start, []
    if unit != "pixel" and (unit in TIME_UNITS) == (letter == "T"):
        return {**axis, "unit": unit}, size, start, []
    note = f"the unit {unit!r} of {letter} is lost: OME-Zarr has no such unit for it"
    return axis, size, start, [note]


def _dataset(
    level: int,
    ndim: int,
    scale: list[float],
    origin: list[float],
) -> dict[str, Any]:
    """Path, scale and the position of the first pixel's centre of one level."""
    factors = [1.0] * (ndim - 2) + [float(2**level)] * 2
    sizes = [size * factor for size, factor in zip(scale, factors, strict=True)]
    starts = [
        start + size * (factor - 1) / 2
        for start, size, factor in zip(origin, scale, factors, strict=True)
    ]
    transforms: list[dict[str, Any]] = [{"type": "scale", "scale": sizes}]
    if any(starts):
        transforms.append({"type": "translation", "translation": starts})
    return {"path": str(level), "coordinateTransformations": transforms}
