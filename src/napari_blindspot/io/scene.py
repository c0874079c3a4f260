"""One scene of a file that bioio opens: its pixels, region by region."""

from __future__ import annotations

import contextlib
import importlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_blindspot.axes import LETTERS
from napari_blindspot.io.failures import reading
from napari_blindspot.params import InputError

_BIG_STACK = 2**26  # bytes


@dataclass(frozen=True)
class Dialect:
    """What has to be known of a format and its reader.

    Attributes
    ----------
    name : str
        Name of the format.
    library : str
        Module of its reader; its package has a hyphen for the underscore.
    whole, plane : tuple of str
        Axes along which bioio shall not cut the image into pieces: as few pieces as can be, and
        plane by plane. Empty where the reader has no choice.
    by_region : bool
        Whether the reader itself reads a region and no more. If not, whole pieces are read.
    clock_s : float
        Seconds in one unit of the times that the reader states.
    blue_first : bool
        Whether the samples of a pixel come in the order blue, green, red.
    """

    name: str
    library: str
    whole: tuple[str, ...] = ()
    plane: tuple[str, ...] = ()
    by_region: bool = True
    clock_s: float = 1.0
    blue_first: bool = False


@dataclass(frozen=True, eq=False)
class ScenePixels:
    """Pixels of one scene, read region by region.

    Attributes
    ----------
    image : bioio.BioImage
        The open file.
    dialect : Dialect
        Its format.
    path : Path
        The file.
    by_region : bool
        Whether the reader is asked for regions, or dask for pieces.
    order : str
        Axes of `image`.
    kept : tuple of int
        Those that are shown; the others are of length 1.
    """

    image: Any
    dialect: Dialect
    path: Path
    by_region: bool
    order: str
    kept: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis that is shown."""
        lengths = self.image.dims.shape
        return tuple(int(lengths[axis]) for axis in self.kept)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Data type as it is stored."""
        stored: np.dtype[Any] = np.dtype(self.image.reader.dtype)
        return stored

    def __getitem__(self, region: Any) -> npt.NDArray[Any]:
        given = (slice(None),) * len(self.kept) if region is ... else region
        spans = [slice(0, 1)] * len(self.order)
        for axis, span, length in zip(self.kept, given, self.shape, strict=True):
            spans[axis] = slice(*span.indices(length))
        dropped = tuple(axis for axis in range(len(self.order)) if axis not in self.kept)
        with decoding(self.path, self.dialect):
            # The readers would only say that they cannot.
            if not self.path.is_file():
                raise InputError("it is no longer there.")
            return self._pixels(spans).squeeze(dropped)

    def _pixels(self, spans: list[slice]) -> npt.NDArray[Any]:
        if not (self.dialect.blue_first and self.order.endswith("S")):
            return self._stored(spans)
        every = slice(0, int(self.image.dims.shape[-1]))
        return self._stored([*spans[:-1], every])[..., ::-1][..., spans[-1]]

    def _stored(self, spans: list[slice]) -> npt.NDArray[Any]:
        if self.by_region:
            chosen = dict(zip(self.order, spans, strict=True))
            return np.asarray(self.image.get_image_data(self.order, **chosen))
        return np.asarray(self.image.dask_data[tuple(spans)].compute(scheduler="synchronous"))


def open_scene(path: Path, dialect: Dialect) -> tuple[Any, bool]:
    """Open a file at its first scene.

    Returns
    -------
    image : bioio.BioImage
        The file, of which no pixels have been read.
    by_region : bool
        Whether its reader may be asked for regions.

    Raises
    ------
    InputError
        If bioio or its reader is not installed, or the file is damaged.
    """
    # Once they are imported, `decoding` knows the names under which they log.
    with reading(path, dialect.name):
        bioio, library = (_library(name, dialect.library) for name in ("bioio", dialect.library))

    def opened(pieces: tuple[str, ...]) -> Any:
        options = {"chunk_dims": list(pieces)} if pieces else {}
        return bioio.BioImage(path, reader=library.Reader, **options)

    with decoding(path, dialect):
        image = opened(dialect.whole)
        # Of mosaics and of further axes bioio would read everything in order to give a region.
        by_region = dialect.by_region and set(image.reader.dims.order) <= set(LETTERS)
        # Many small pieces take long to set up, and large ones take memory.
        is_large = dialect.by_region or _stack_bytes(image) > _BIG_STACK
        if not by_region and dialect.plane and is_large:
            image = opened(dialect.plane)
    return image, by_region


def _stack_bytes(image: Any) -> int:
    lengths = dict(zip(image.dims.order, image.dims.shape, strict=True))
    n_values = math.prod(lengths.get(letter, 1) for letter in "ZYXS")
    return int(n_values * np.dtype(image.reader.dtype).itemsize)


def _library(name: str, reader: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        missing, package = name.replace("_", "-"), reader.replace("_", "-")
        # There are no wheels for Python 3.14 yet.
        where = " in Python 3.13 or older" if reader == "bioio_czi" else ""
        raise InputError(
            f"it needs {missing}, which is not installed; use `pip install bioio {package}`{where}."
        ) from error


@contextlib.contextmanager
def decoding(path: Path, dialect: Dialect) -> Iterator[None]:
    """One sentence for what bioio raises too; its errors are of no common class."""
    with reading(path, dialect.name):
        try:
            yield
        except Exception as error:
            if not type(error).__module__.startswith(("bioio", "_aicspylibczi")):
                raise
            # The text would be the path and that of every reader.
            is_plain = type(error).__name__ == "UnsupportedFileFormatError"
            reader = dialect.library.replace("_", "-")
            raise ValueError(f"{reader} refuses it" if is_plain else str(error)) from error
