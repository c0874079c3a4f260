"""The formats, found by a file's suffix and imported on first use."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_blindspot.params import InputError


@dataclass(frozen=True)
class Format:
    """One file format.

    Attributes
    ----------
    name : str
        Name of the format; the module has `read_NAME(path, axes, channel_names)` and
        `write_NAME(path, volume, compression)`.
    module : str
        Module of `napari_blindspot.io` that reads it; with `_out` behind its name, or the same,
        the one that writes it.
    suffixes : tuple of str
        Suffixes in lower case.
    writes_apart : bool
        Whether a module of its own writes it.
    is_folder : bool
        Whether an image is a folder.
    """

    name: str
    module: str
    suffixes: tuple[str, ...]
    writes_apart: bool = False
    is_folder: bool = False

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
    Format("tiff", "tiff", (".tif", ".tiff", ".btf", ".tf8"), writes_apart=True),
    Format("ome_zarr", "ome_zarr", (".zarr",), writes_apart=True, is_folder=True),
    Format("picture", "pictures", (".png", ".jpg", ".jpeg")),
    Format("npy", "npy", (".npy",)),
)
SUFFIXES = tuple(suffix for each in FORMATS for suffix in each.suffixes)


def format_of(path: Path) -> Format:
    """Format of a file by its suffix.

    Raises
    ------
    InputError
        If the suffix is not known.
    """
    for each in FORMATS:
        if path.suffix.lower() in each.suffixes:
            return each
    raise InputError(
        f"{path.name} has the suffix {path.suffix!r}, which is not supported; "
        f"use {', '.join(SUFFIXES)}."
    )
