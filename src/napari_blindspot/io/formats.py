"""The formats, found by a file's suffix and imported on first use."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_blindspot.params import InputError


@dataclass(frozen=True)
class Format:
    """One file format.

    Attributes
    ----------
    name : str
        Name of the format; the module has `read_NAME(path, axes, channel_names)` and, where it
        is written, `write_NAME(path, volume)`, which takes a `compression` too where the format
        has some.
    module : str
        Module of `napari_blindspot.io` that reads it; with `_out` behind its name, or the same,
        the one that writes it.
    suffixes : tuple of str
        Suffixes in lower case.
    is_written : bool
        Whether this package writes it, and does not read it only.
    writes_apart : bool
        Whether a module of its own writes it.
    is_folder : bool
        Whether an image is a folder.
    compressions : tuple of str
        Lossless compressions to choose from; empty where the format has its own, or none.
    dtypes : tuple of str
        Data types that it holds; empty for all.
    one_plane : bool
        Whether it holds Y, X and the samples of a pixel only.
    samples_and_channels : bool
        Whether it holds both S and C.
    """

    name: str
    module: str
    suffixes: tuple[str, ...]
    is_written: bool = True
    writes_apart: bool = False
    is_folder: bool = False
    compressions: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ()
    one_plane: bool = False
    samples_and_channels: bool = True

    def check(self, path: Path, axes: str, shape: Sequence[int], dtype: np.dtype[Any]) -> None:
        """Refuse an image that this format cannot hold.

        Raises
        ------
        InputError
            With what it could hold, and what to write instead.
        """
        longer = [letter for letter, n in zip(axes, shape, strict=True) if n > 1]
        if self.one_plane and set(longer) - set("YXS"):
            raise InputError(
                f"{path.name}: {path.suffix} holds one plane; the image has axes {axes} of shape "
                f"{tuple(shape)}; write a .tif."
            )
        if self.dtypes and dtype.name not in self.dtypes:
            raise InputError(
                f"{path.name}: {path.suffix} cannot hold {dtype.name}, only "
                f"{' or '.join(self.dtypes)}; write a .tif."
            )
        if not self.samples_and_channels and {"S", "C"} <= set(axes):
            raise InputError(
                f"{path.name}: {path.suffix} has no place for axes {axes} with both C and S; "
                "write a .tif."
            )

    def check_compression(self, compression: str) -> None:
        """Refuse a compression that this format does not have."""
        if compression not in self.compressions:
            allowed = f"use {', '.join(self.compressions)} or none" if self.compressions else ""
            raise InputError(
                f"compression={compression!r} is not allowed for {self.suffixes[0]}; "
                f"{allowed or 'leave it out'}."
            )

    @property
    def read(self) -> Callable[..., Any]:
        """Function that opens a file."""
        return self._function("read", self.module)

    @property
    def write(self) -> Callable[..., Any]:
        """Function that writes a file."""
        return self._function("write", self.module + "_out" * self.writes_apart)

    def _function(self, verb: str, module: str) -> Callable[..., Any]:
        loaded = importlib.import_module(f"napari_blindspot.io.{module}")
        function: Callable[..., Any] = getattr(loaded, f"{verb}_{self.name}")
        return function


FORMATS = (
    Format(
        "tiff",
        "tiff",
        (".tif", ".tiff", ".btf", ".tf8"),
        writes_apart=True,
        compressions=("zlib", "lzw", "zstd"),
    ),
    Format(
        "ome_zarr",
        "ome_zarr",
        (".zarr",),
        writes_apart=True,
        is_folder=True,
        samples_and_channels=False,
    ),
    Format("png", "pictures", (".png",), dtypes=("uint8", "uint16"), one_plane=True),
    Format("jpeg", "pictures", (".jpg", ".jpeg"), dtypes=("uint8",), one_plane=True),
    Format("npy", "npy", (".npy",)),
    Format("czi", "microscopes", (".czi",), is_written=False),
    Format("lif", "microscopes", (".lif",), is_written=False),
    Format("nd2", "microscopes", (".nd2",), is_written=False),
)
SUFFIXES = tuple(suffix for each in FORMATS for suffix in each.suffixes)
_WRITTEN = tuple(suffix for each in FORMATS if each.is_written for suffix in each.suffixes)


def format_of(path: Path, *, to_write: bool = False) -> Format:
    """Format of a file by its suffix.

    Parameters
    ----------
    path : Path
        The file.
    to_write : bool
        Whether it is to be written.

    Raises
    ------
    InputError
        If the suffix is not known, or names a format that is read only.
    """
    for each in FORMATS:
        if path.suffix.lower() not in each.suffixes:
            continue
        if to_write and not each.is_written:
            raise InputError(
                f"{path.name}: {path.suffix} is read, not written; write an .ome.tif or .ome.zarr."
            )
        return each
    raise InputError(
        f"{path.name} has the suffix {path.suffix!r}, which is not supported; "
        f"use {', '.join(_WRITTEN if to_write else SUFFIXES)}."
    )
