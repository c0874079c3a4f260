"""Images in and out: `open_volume` and `save_volume` choose the format by the file's suffix."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from napari_blindspot.io.base import Region, Volume, to_dtype
from napari_blindspot.io.formats import SUFFIXES, Format, format_of
from napari_blindspot.params import InputError

__all__ = ["SUFFIXES", "Region", "Volume", "check_target", "open_volume", "save_volume", "to_dtype"]

_ZARR_MARKS = ("zarr.json", ".zgroup", ".zarray")


def open_volume(
    path: str | Path, axes: str | None = None, channel_names: Sequence[str] | None = None
) -> Volume:
    """Open an image file or an OME-Zarr folder; pixels are read when they are asked for.

    Parameters
    ----------
    path : str or Path
        File to open; its suffix names the format.
    axes : str or None
        Axes that overrule those of the file, such as ``"TYX"``.
    channel_names : sequence of str or None
        Channel names that overrule those of the file.

    Raises
    ------
    InputError
        If there is no such file or it cannot be used.
    """
    file = Path(path)
    if not file.exists():
        raise InputError(f"{file} does not exist.")
    kind = format_of(file)
    if kind.is_folder != file.is_dir():
        wanted = "folder" if kind.is_folder else "file"
        raise InputError(f"{file} is not a {wanted}; give an image {wanted}.")
    if not kind.is_folder and file.stat().st_size == 0:
        raise InputError(f"{file} is empty: 0 bytes.")
    volume: Volume = kind.read(file, axes, channel_names)
    return volume


def save_volume(
    path: str | Path, volume: Volume, *, overwrite: bool = True, compression: str | None = None
) -> str:
    """Write an image file, whole or not at all.

    Parameters
    ----------
    path : str or Path
        File to write; its suffix names the format.
    volume : Volume
        Image to write.
    overwrite : bool
        Whether an existing file may be replaced; never the one the volume was read from.
    compression : str or None
        Lossless compression, where the format has it: ``"zlib"``, ``"lzw"`` or ``"zstd"``.

    Returns
    -------
    str
        What the format could not keep, in words; empty if nothing was lost.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    target = check_target(path, volume, overwrite=overwrite)
    kind = format_of(target)
    if compression is not None:
        kind.check_compression(compression)
    options = {} if compression is None else {"compression": compression}
    lost: str = kind.write(target, volume, **options)
    return lost


def check_target(
    path: str | Path,
    volume: Volume | None = None,
    *,
    dtype: npt.DTypeLike | None = None,
    overwrite: bool = True,
) -> Path:
    """Resolved path of a file to write; found out before a long computation, not after it.

    Parameters
    ----------
    path : str or Path
        File to write.
    volume : Volume or None
        The input, whose file is never written to; the result has its axes and shape.
    dtype : dtype or None
        Type of the result, that of `volume` if left out.
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    InputError
        If the format is not supported, not written, or cannot hold the result, the folder is
        missing or read-only, or the path is a folder, the input itself, a part of it, or a file
        that must not be replaced.
    """
    target = Path(path).resolve()
    kind = format_of(target, to_write=True)
    if not target.parent.is_dir():
        raise InputError(f"{target} cannot be written: no folder {target.parent}; create it first.")
    if not os.access(target.parent, os.W_OK):
        raise InputError(f"{target} cannot be written: {target.parent} is read-only.")
    _check_kind(target, kind)
    if volume is not None:
        kind.check(target, volume.axes, volume.shape, np.dtype(dtype or volume.dtype))
        _check_source(target, volume.source)
    if target.exists() and not overwrite:
        raise InputError(f"{target} exists already; remove it or give another name.")
    return target


def _check_source(target: Path, source: Path | None) -> None:
    """Refuse to write onto the input, or into its folder where it is one."""
    if source is None or not source.exists():
        return
    if target.exists() and target.samefile(source):
        raise InputError(f"{target} is the input itself; give the result another name.")
    if source.is_dir() and source in target.parents:
        raise InputError(f"{target} lies inside the input {source}; choose another folder.")


def _check_kind(target: Path, kind: Format) -> None:
    """Only an image folder is ever replaced by one, and only a file by a file."""
    if target.is_dir() and not kind.is_folder:
        raise InputError(f"{target} is a folder; give a file name.")
    if not kind.is_folder or not target.exists():
        return
    if not any((target / name).is_file() for name in _ZARR_MARKS):
        raise InputError(f"{target} exists and is no Zarr folder; give another name.")
