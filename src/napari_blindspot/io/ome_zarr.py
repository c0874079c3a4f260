"""OME-Zarr 0.1 to 0.5 in, and Zarr arrays without OME metadata."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import zarr

from napari_blindspot.axes import LETTERS, check_axes, guess_axes
from napari_blindspot.io.base import Volume, unknown_scale
from napari_blindspot.io.calibration import Calibration, step, unit_name
from napari_blindspot.io.failures import reading
from napari_blindspot.params import InputError

OWN = "napari-blindspot"

_KIND = "OME-Zarr"
_OLDEST_AXES = "TCZYX"  # versions 0.1 and 0.2 state none


def read_ome_zarr(
    path: Path, axes: str | None = None, channel_names: Sequence[str] | None = None
) -> Volume:
    """Open the finest level of the first image of an OME-Zarr folder; nothing is read yet.

    Parameters
    ----------
    path : Path
        Existing folder.
    axes : str or None
        Axes that overrule those of the file.
    channel_names : sequence of str or None
        Names that overrule those of the file.

    Raises
    ------
    InputError
        If the folder is no OME-Zarr image, damaged, or holds pixels that are no intensities.
    """
    with reading(path, _KIND):
        node = zarr.open(path, mode="r")
        array, image = (node, {}) if isinstance(node, zarr.Array) else _finest(node)
        _check_pixels(array)
        letters, note = _axes(array, image, axes)
        volume = _described(ZarrPixels(array, path), letters, image, given=axes is not None)
        if axes is None:
            volume = _reordered(volume, _own(image, "axes"))
    names = tuple(channel_names or ())
    if channel_names is None and len(stated := _channel_names(image)) == volume.n_names:
        names = stated
    return dataclasses.replace(volume, channel_names=names, note=note, source=path.resolve())


@dataclass(frozen=True, eq=False)
class ZarrPixels:
    """A Zarr array that names its folder where a chunk turns out to be damaged.

    Attributes
    ----------
    array : zarr.Array
        Read region by region.
    path : Path
        The folder.
    order : tuple of int
        Axes of the array in the order in which they are shown; empty for their own.
    """

    array: zarr.Array[Any]
    path: Path
    order: tuple[int, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        return tuple(self.array.shape[axis] for axis in self._order)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Data type as it is stored."""
        return np.dtype(self.array.dtype)

    def __getitem__(self, region: Any) -> npt.NDArray[Any]:
        spans = (slice(None),) * self.array.ndim if region is ... else region
        stored = tuple(spans[self._order.index(axis)] for axis in range(self.array.ndim))
        with reading(self.path, _KIND):
            # Zarr takes a chunk that is not there for one of zeros.
            if not (self.path / self.array.path).is_dir():
                raise InputError("it is no longer there.")
            return np.asarray(self.array[stored]).transpose(self._order)

    @property
    def _order(self) -> tuple[int, ...]:
        return self.order or tuple(range(self.array.ndim))


def _finest(group: zarr.Group) -> tuple[zarr.Array[Any], dict[str, Any]]:
    """Array of full resolution, and what the OME metadata say of the image."""
    stated = _ome(group)
    if "bioformats2raw.layout" in stated and isinstance(inner := group.get("0"), zarr.Group):
        group, stated = inner, _ome(inner)
    if "plate" in stated or "well" in stated:
        raise InputError("it is a plate of many images; give the folder of one of its fields.")
    scales = stated.get("multiscales")
    if not isinstance(scales, list) or not scales or not scales[0].get("datasets"):
        raise InputError("it holds no image: its metadata name no multiscales.")
    dataset = scales[0]["datasets"][0]
    array = group.get(dataset["path"])
    if not isinstance(array, zarr.Array):
        raise InputError(f"its array {dataset['path']!r} is missing; the folder is incomplete.")
    return array, {**stated, "image": scales[0], "dataset": dataset}


def _ome(group: zarr.Group) -> dict[str, Any]:
    attributes = dict(group.attrs)
    inner = attributes.get("ome")
    return dict(inner) if isinstance(inner, Mapping) else attributes


def _check_pixels(array: zarr.Array[Any]) -> None:
    if np.dtype(array.dtype).kind not in "biuf":
        raise InputError(f"its pixels are {array.dtype}; use bool, integers or floats.")


def _axes(array: zarr.Array[Any], image: Mapping[str, Any], given: str | None) -> tuple[str, str]:
    """Axes and where they came from."""
    if given is not None:
        letters = check_axes(given, array.ndim)
        return letters, f"axes {letters} as given"
    stated = _stated_axes(image, array.ndim)
    if stated is None:
        letters = guess_axes(array.shape)
        return letters, f"axes {letters} guessed from shape {array.shape}"
    unknown = [letter for letter in stated if letter not in LETTERS]
    if unknown:
        raise InputError(
            f"its axes {stated} are not all known; name them with axes, one letter of {LETTERS} "
            "for each."
        )
    return check_axes(stated, array.ndim), f"axes {stated} from OME-Zarr metadata"


def _stated_axes(image: Mapping[str, Any], ndim: int) -> str | None:
    if "image" not in image:
        return None
    if len(written := _own(image, "order")) == ndim:
        return written
    axes = image["image"].get("axes")
    if axes is None:
        return _OLDEST_AXES if ndim == len(_OLDEST_AXES) else None
    names = [axis["name"] if isinstance(axis, Mapping) else axis for axis in axes]
    return "".join(str(name)[:1].upper() for name in names)


def _own(image: Mapping[str, Any], key: str) -> str:
    """What this package wrote about its axes; empty in folders of other programs."""
    own = image.get(OWN)
    return str(own.get(key, "")) if isinstance(own, Mapping) else ""


def _described(
    pixels: ZarrPixels, letters: str, image: Mapping[str, Any], *, given: bool
) -> Volume:
    """Volume with the scale, units and origin that the metadata state for its axes."""
    if "image" not in image:
        return Volume(pixels, letters, metadata={"format": "zarr"})
    metadata = {"format": "ome-zarr", "version": _version(image)}
    if given and letters != _stated_axes(image, len(letters)):
        return Volume(pixels, letters, metadata=metadata)
    calibration = _calibration(image, letters)
    known = [calibration.get(letter, unknown_scale(letter)) for letter in letters]
    origin = _combined(image, "translation", len(letters))
    return Volume(
        pixels,
        letters,
        scale=tuple(size for size, _ in known),
        units=tuple(unit for _, unit in known),
        origin=origin if origin and any(origin) else None,
        metadata=metadata,
    )


def _reordered(volume: Volume, wanted: str) -> Volume:
    """Volume with its axes in the order that this package was given when it wrote them."""
    if wanted == volume.axes or sorted(wanted) != sorted(volume.axes):
        return volume
    order = tuple(volume.axes.index(letter) for letter in wanted)
    origin = volume.origin
    return dataclasses.replace(
        volume,
        data=dataclasses.replace(volume.data, order=order),
        axes=wanted,
        scale=tuple(volume.scale[axis] for axis in order),
        units=tuple(volume.units[axis] for axis in order),
        origin=None if origin is None else tuple(origin[axis] for axis in order),
    )


def _version(image: Mapping[str, Any]) -> str:
    return str(image.get("version") or image["image"].get("version") or "")


def _calibration(image: Mapping[str, Any], letters: str) -> Calibration:
    sizes = _combined(image, "scale", len(letters))
    axes = image["image"].get("axes") or []
    units = [axis.get("unit", "") if isinstance(axis, Mapping) else "" for axis in axes]
    if sizes is None or len(units) != len(letters):
        return {}
    return {
        letter: (size, unit_name(unit, unknown_scale(letter)[1]))
        for letter, size, unit in zip(letters, sizes, units, strict=True)
        if letter not in "CS" and step(size) is not None
    }


def _combined(image: Mapping[str, Any], kind: str, ndim: int) -> tuple[float, ...] | None:
    """Scale (or translation) of the level, times (or plus) that of the whole image."""
    found: list[Any] = [
        transform[kind]
        for level in (image["dataset"], image["image"])
        for transform in level.get("coordinateTransformations", [])
        if transform.get("type") == kind and len(transform.get(kind, ())) == ndim
    ]
    if not found:
        return None
    values = np.asarray(found, np.float64)
    combined = values.prod(0) if kind == "scale" else values.sum(0)
    return tuple(combined.tolist())


def _channel_names(image: Mapping[str, Any]) -> tuple[str, ...]:
    shown = image.get("omero")
    if not isinstance(shown, Mapping):
        return ()
    channels = shown.get("channels", [])
    names = tuple(str(channel.get("label", "")) for channel in channels)
    return names if any(names) else ()
