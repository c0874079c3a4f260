"""PNG and JPEG, in and out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt

from napari_blindspot.axes import check_axes
from napari_blindspot.io.base import Volume, replacing
from napari_blindspot.io.failures import reading
from napari_blindspot.params import InputError

_MOST_BYTES = 2**31
_QUALITY = 95


def read_png(
    path: Path, axes: str | None = None, channel_names: Sequence[str] | None = None
) -> Volume:
    """Open a PNG file: axes YX, or YXS where pixels have several samples.

    Parameters
    ----------
    path : Path
        Existing file.
    axes : str or None
        Axes that overrule these.
    channel_names : sequence of str or None
        Names of channels, if `axes` has any.

    Raises
    ------
    InputError
        If the file is damaged.
    """
    with reading(path, "PNG"):
        encoded = path.read_bytes()
        _check_size(encoded)
        return _opened(path, imagecodecs.png_decode(encoded), axes, channel_names)


def read_jpeg(
    path: Path, axes: str | None = None, channel_names: Sequence[str] | None = None
) -> Volume:
    """Open a JPEG file, with the parameters and axes of `read_png`."""
    with reading(path, "JPEG"):
        pixels = imagecodecs.jpeg_decode(path.read_bytes())
        volume = _opened(path, pixels, axes, channel_names)
    warning = "JPEG changes the noise: use the original image where there is one"
    return volume.like(pixels, note=f"{volume.note}; {warning}")


def _opened(
    path: Path, pixels: npt.NDArray[Any], axes: str | None, channel_names: Sequence[str] | None
) -> Volume:
    letters = "YXS" if pixels.ndim == 3 else "YX"
    note = f"axes {letters} of a picture"
    if axes is not None:
        letters = check_axes(axes, pixels.ndim)
        note = f"axes {letters} as given"
    return Volume(
        pixels,
        letters,
        channel_names=tuple(channel_names or ()),
        metadata={"format": path.suffix.lower()[1:]},
        note=note,
        source=path.resolve(),
    )


def _check_size(encoded: bytes) -> None:
    """A few bytes of PNG can state, and unpack to, far more pixels than memory holds."""
    width, height = (int.from_bytes(encoded[at : at + 4], "big") for at in (16, 20))
    if width * height > _MOST_BYTES:
        raise InputError(f"it states {width} x {height} pixels, more than {_MOST_BYTES}: damaged.")


def write_png(path: Path, volume: Volume) -> str:
    """Write a single plane as PNG.

    Returns
    -------
    str
        What the format could not keep, in words.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    return _write(path, volume, imagecodecs.png_encode)


def write_jpeg(path: Path, volume: Volume) -> str:
    """Write a single plane as JPEG, and say that it is lossy; otherwise as `write_png`."""
    lost = _write(path, volume, partial(imagecodecs.jpeg_encode, level=_QUALITY))
    return "; ".join(filter(None, ["JPEG is lossy: measure on a TIFF", lost]))


def _write(path: Path, volume: Volume, encode: Callable[..., bytes | bytearray]) -> str:
    encoded = encode(_plane(volume))
    with replacing(path) as part:
        part.write_bytes(encoded)
    if any(step != 1.0 for step in volume.scale):
        return f"the scale is lost: {path.suffix} has no place for it"
    return ""


def _plane(volume: Volume) -> npt.NDArray[Any]:
    """The pixels in the order YX or YXS, without the other axes, which are of length 1."""
    inner = "YXS" if "S" in volume.axes else "YX"
    lengths = dict(zip(volume.axes, volume.shape, strict=True))
    outer = [axis for axis, letter in enumerate(volume.axes) if letter not in inner]
    order = outer + [volume.axes.index(letter) for letter in inner]
    plane = volume.read().transpose(order)
    return np.ascontiguousarray(plane.reshape([lengths[letter] for letter in inner]))
