"""One image with axes, scale and units, whatever holds its pixels, and its way into a file."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import math
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from napari_blindspot.axes import check_axes
from napari_blindspot.io.mapped import has_shrunk, let_go, memory_map
from napari_blindspot.params import InputError

Region: TypeAlias = tuple[slice, ...]

_WORDS = ("part", "old")
_PATIENCE_S = 2.0
_FULL_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True, eq=False)
class Volume:
    """An image: pixels, axes and what they measure.

    Attributes
    ----------
    data : array-like
        Anything with `shape`, `dtype` and slicing: numpy, memory map, dask, zarr.
    axes : str
        One letter of TCZYXS per dimension.
    scale : tuple of float
        Size of one step along each axis, in `units`; 1.0 where it is not known. Empty means
        that nothing is known.
    units : tuple of str
        Unit per axis, such as ``"micrometer"`` or ``"second"``; ``"pixel"`` for space of unknown
        scale, ``""`` for C, S and for T of unknown interval.
    channel_names : tuple of str
        One name per channel, or empty.
    origin : tuple of float or None
        Position of the first pixel in `units`, where the format states one.
    metadata : mapping
        What else the file said.
    note : str
        Where the axes came from and what was decided on reading, in words.
    source : Path or None
        File the pixels come from; it is never written to.

    Raises
    ------
    InputError
        If axes, scale, units or names do not fit the shape.
    """

    data: Any
    axes: str
    scale: tuple[float, ...] = ()
    units: tuple[str, ...] = ()
    channel_names: tuple[str, ...] = ()
    origin: tuple[float, ...] | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""
    source: Path | None = None

    def __post_init__(self) -> None:
        axes = check_axes(self.axes, len(self.shape))
        units = self.units or tuple(unknown_scale(letter)[1] for letter in axes)
        fixed = {
            "axes": axes,
            "scale": tuple(float(step) for step in self.scale) or (1.0,) * len(axes),
            "units": tuple(units),
            "channel_names": tuple(self.channel_names),
        }
        for name, value in fixed.items():
            object.__setattr__(self, name, value)
        self._check()

    def _check(self) -> None:
        if 0 in self.shape:
            raise InputError(f"An image of shape {self.shape} has no pixels.")
        for name in ("scale", "units", "origin"):
            given = getattr(self, name)
            if given is not None and len(given) != len(self.axes):
                raise InputError(
                    f"{name}={given} has {len(given)} entries; axes {self.axes} need "
                    f"{len(self.axes)}."
                )
        if not all(math.isfinite(step) and step > 0 for step in self.scale):
            raise InputError(f"scale={self.scale} is not allowed; use numbers above 0.")
        if len(self.channel_names) not in (0, self.n_names):
            raise InputError(
                f"{len(self.channel_names)} channel names were given; axes {self.axes} of shape "
                f"{self.shape} have {self.n_names}."
            )

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        return tuple(int(length) for length in self.data.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Data type, in native byte order."""
        native: np.dtype[Any] = np.dtype(self.data.dtype).newbyteorder("=")
        return native

    @property
    def nbytes(self) -> int:
        """Size of the uncompressed pixels in bytes."""
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def n_names(self) -> int:
        """Number of channels that can have a name: the length of C, else 1."""
        return self.shape[self.axes.index("C")] if "C" in self.axes else 1

    def read(self, region: Region | None = None) -> npt.NDArray[Any]:
        """Pixels of a region, all of them by default, in native byte order.

        Parameters
        ----------
        region : tuple of slice or None
            One slice per axis.

        Returns
        -------
        numpy.ndarray
            It may share memory with `data`: do not write to it. A region of a memory map is a
            copy, and the map's pages are let go, so that a large file never fills the memory.

        Raises
        ------
        InputError
            If the file was cut off after it was opened.
        """
        pixels = np.asarray(self.data[... if region is None else region])
        if has_shrunk(pixels):
            raise InputError(f"{self.source} was cut off while it was in use; copy it anew.")
        if region is None or (mapped := memory_map(pixels)) is None:
            return pixels.astype(self.dtype, copy=False)
        copied = pixels.astype(self.dtype)
        let_go(mapped)
        return copied

    def like(self, data: Any, **changes: Any) -> Volume:
        """Volume with other pixels and otherwise the same description, but for `changes`."""
        return dataclasses.replace(self, data=data, **changes)


def unknown_scale(letter: str) -> tuple[float, str]:
    """Scale and unit of an axis of which nothing is known."""
    return 1.0, "pixel" if letter in "ZYX" else ""


def to_dtype(values: npt.ArrayLike, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Float values in the dtype of a result.

    Integers are rounded to the nearest (halves to even) and clipped to the range of the type,
    NaN becomes 0. Floats are kept; finite values that float16 cannot hold are clipped to its
    range. Booleans are True from 0.5 on.

    Parameters
    ----------
    values : array-like of float
        Intensities in the units of the result.
    dtype : dtype
        Boolean, integer or float type.
    """
    target = np.dtype(dtype)
    given = np.asarray(values)
    if target.kind == "b":
        return np.asarray(given >= 0.5)
    if target.kind == "f":
        return _to_float(given, target)
    if target.kind not in "iu":
        raise InputError(f"dtype={target.name} is not allowed; use bool, integer or float.")
    limits = np.iinfo(target)
    # float32 counts without gaps to 2**24 only, so wide integers are rounded in double precision.
    exact = np.float32 if target.itemsize <= 2 and given.dtype.itemsize <= 4 else np.float64
    high = exact(limits.max)
    if int(high) > limits.max:
        high = np.nextafter(high, exact(0))
    rounded = np.rint(given.astype(exact, copy=False))
    np.nan_to_num(rounded, copy=False, nan=0.0, posinf=float(high), neginf=float(limits.min))
    result: npt.NDArray[Any] = np.clip(rounded, exact(limits.min), high, out=rounded)
    return result.astype(target)


def _to_float(given: npt.NDArray[Any], target: np.dtype[Any]) -> npt.NDArray[Any]:
    if target.itemsize >= given.dtype.itemsize:
        return given.astype(target, copy=False)
    limits = np.finfo(target)
    clipped = np.clip(given, float(limits.min), float(limits.max))
    return np.where(np.isinf(given), given, clipped).astype(target)


@contextlib.contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Write a file beside `target` and rename it once it is whole.

    Yields the path to write to. If anything goes wrong that file is removed and an existing
    target stays as it was.

    Raises
    ------
    InputError
        If the operating system does not let the file be written: no folder, no permission, no
        space left.
    """
    part = target.with_name(f".{target.name}.part-{os.getpid()}")
    try:
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(target)
    except OSError as error:
        raise InputError(cannot_write(target, error)) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


@contextlib.contextmanager
def replacing_folder(target: Path) -> Iterator[Path]:
    """Write a folder beside `target` and rename it once it is whole.

    Yields the path of the new folder. If anything goes wrong it is removed and an existing target
    stays as it was.

    Raises
    ------
    InputError
        If the operating system does not let the folder be written.
    """
    part, old = (target.with_name(f".{target.name}.{word}-{os.getpid()}") for word in _WORDS)
    try:
        yield part
        if target.exists():
            target.replace(old)
        part.replace(target)
    except OSError as error:
        if old.exists() and not target.exists():
            old.replace(target)
        raise InputError(cannot_write(target, error)) from error
    finally:
        for left in (part, old):
            _remove_folder(left)


def _remove_folder(folder: Path) -> None:
    """Remove a folder into which threads of zarr may still write what was begun."""
    until = time.monotonic() + _PATIENCE_S
    while folder.exists() and time.monotonic() < until:
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(_PATIENCE_S / 100)


def cannot_write(target: Path, error: OSError) -> str:
    """Why a file could not be written and what to do, in one sentence."""
    if error.errno == errno.ENOENT:
        return f"{target} cannot be written: there is no folder {target.parent}; create it first."
    # numpy reports a short write in words only: "400 requested and 100 written".
    if error.errno in _FULL_DISK or "requested and" in str(error):
        return f"{target} was not written: no space left in {target.parent}; free some."
    reason = error.strerror or str(error)
    return f"{target} cannot be written ({reason}); choose another folder or file name."
