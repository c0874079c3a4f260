"""PNG and JPEG, in and out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt

from napari_blindspot.axes import check_axes
from napari_blindspot.io.base import Volume, replacing
from napari_blindspot.io.failures import reading
from napari_blindspot.params import InputError

PNG, JPEG = (".png",), (".jpg", ".jpeg")

_MOST_BYTES = 2**31
_QUALITY = 95
_STORED = {PNG: ("uint8", "uint16"), JPEG: ("uint8",)}


def read_picture(
    path: Path, axes: str | None = None, channel_names: Sequence[str] | None = None
) -> Volume:
    """Open a PNG or JPEG file: axes YX, or YXS where pixels have several samples.

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
    is_png = path.suffix.lower() in PNG
    with reading(path, "PNG" if is_png else "JPEG"):
        encoded = path.read_bytes()
        if is_png:
            _check_size(encoded)
        pixels = imagecodecs.png_decode(encoded) if is_png else imagecodecs.jpeg_decode(encoded)
        letters = "YXS" if pixels.ndim == 3 else "YX"
        note = f"axes {letters} of a picture"
        if axes is not None:
            letters = check_axes(axes, pixels.ndim)
            note = f"axes {letters} as given"
        if not is_png:
            note += "; JPEG changes the noise: use the original image where there is one"
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


def write_picture(path: Path, volume: Volume, compression: str | None = None) -> str:
    """Write a single plane as PNG (8 or 16 bit) or JPEG (8 bit).

    Returns
    -------
    str
        What the format could not keep, in words.

    Raises
    ------
    InputError
        If the volume is no single plane or its type cannot be stored.
    """
    kind = PNG if path.suffix.lower() in PNG else JPEG
    if compression is not None:
        raise InputError(
            f"compression={compression!r} is for TIFF only; {path.suffix} has its own."
        )
    pixels = _plane(path, volume)
    if pixels.dtype.name not in _STORED[kind]:
        raise InputError(
            f"{path.suffix} cannot hold {pixels.dtype}; write a .tif, or use an input of "
            f"{' or '.join(_STORED[kind])}."
        )
    encoded = (
        imagecodecs.png_encode(pixels)
        if kind is PNG
        else imagecodecs.jpeg_encode(pixels, level=_QUALITY)
    )
    with replacing(path) as part:
        part.write_bytes(encoded)
    lost = [] if kind is PNG else ["JPEG is lossy: measure on a TIFF"]
    if any(step != 1.0 for step in volume.scale):
        lost.append(f"the scale is lost: {path.suffix} has no place for it")
    return "; ".join(lost)


def _plane(path: Path, volume: Volume) -> npt.NDArray[Any]:
    inner = "YXS" if "S" in volume.axes else "YX"
    lengths = dict(zip(volume.axes, volume.shape, strict=True))
    if any(lengths[letter] > 1 for letter in lengths if letter not in inner):
        raise InputError(
            f"{path.suffix} holds one plane; the image has axes {volume.axes} of shape "
            f"{volume.shape}; write a .tif."
        )
    outer = [axis for axis, letter in enumerate(volume.axes) if letter not in inner]
    order = outer + [volume.axes.index(letter) for letter in inner]
    plane = volume.read().transpose(order)
    return np.ascontiguousarray(plane.reshape([lengths[letter] for letter in inner]))
