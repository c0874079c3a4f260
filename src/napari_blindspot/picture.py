"""A picture that compares images side by side: noisy, denoised, and where it is uncertain."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from napari_blindspot.io.base import replacing
from napari_blindspot.params import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_blindspot.io.base import Volume

_PANEL = 480  # pixels that a panel has at least; images are enlarged by a whole number
_LARGEST = 960  # larger images are cut to their centre
_GAP, _HEADER, _FOOTER = 12, 40, 34
_BACKGROUND, _INK, _FAINT = (16, 17, 20), (240, 240, 242), (160, 162, 168)
_PERCENTILES = (0.5, 99.8)
_COLOURS = ((0, 255, 0), (255, 0, 255), (0, 255, 255), (255, 255, 0))
_GRAY = (255, 255, 255)
# From dark to bright with evenly rising lightness, so that it also reads in grey.
_HEAT = ((0, 0, 4), (59, 15, 112), (140, 41, 129), (222, 73, 104), (254, 159, 109), (252, 253, 191))
_RAMP, _KEY_HEIGHT = np.linspace(0, 1, 140), 12
_MICROMETRES = {"micrometer": 1.0, "µm": 1.0, "nanometer": 1e-3, "millimeter": 1e3}


@dataclass(frozen=True)
class Panel:
    """One image of a picture.

    Attributes
    ----------
    title, note : str
        Text above and below.
    pixels : ndarray
        Colours `(Y, X, 3)`, 0 to 255.
    key : ndarray or None
        Colours `(N, 3)` from the lowest to the highest value.
    """

    title: str
    note: str
    pixels: NDArray[np.uint8]
    key: NDArray[np.uint8] | None = None


def compare(images: Mapping[str, Volume], std: Volume | None = None) -> Image.Image:
    """Picture of one plane of several images, all on one intensity scale.

    Parameters
    ----------
    images : mapping of str to Volume
        Images of the same axes and shape by their titles; the last one sets the intensity
        scale of all.
    std : Volume, optional
        Standard deviation of every pixel, shown last in colours of its own.

    Returns
    -------
    PIL.Image.Image
        The panels in a row.

    Raises
    ------
    InputError
        If the shapes differ.

    Notes
    -----
    The plane lies in the middle of T and Z. Channels are laid over one another in colours.
    """
    volumes = [*images.values(), *([std] if std else [])]
    if len({volume.shape for volume in volumes}) > 1:
        shapes = ", ".join(str(volume.shape) for volume in volumes)
        raise InputError(f"The images have the shapes {shapes}; compare images of one shape.")
    planes = {title: plane(volume) for title, volume in images.items()}
    limits = _limits(list(planes.values())[-1])
    low, high = limits[0]
    scale = f"grey values {low:.4g} to {high:.4g}" if len(limits) == 1 else "each channel scaled"
    panels = [Panel(title, scale, _coloured(p, limits)) for title, p in planes.items()]
    if std:
        panels.append(_uncertainty(plane(std)))
    return _draw(panels, _micrometres(volumes[0]))


def save(picture: Image.Image, path: Path) -> None:
    """Write the picture as PNG, whole or not at all.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    with replacing(path) as part:
        picture.save(part, format="PNG", optimize=True)


def plane(volume: Volume) -> NDArray[np.float32]:
    """Middle plane of a volume as channels `(C, Y, X)`, float32."""
    lengths = dict(zip(volume.axes, volume.shape, strict=True))
    region = tuple(
        slice(length // 2, length // 2 + 1) if letter in "TZ" else _centre(letter, length)
        for letter, length in lengths.items()
    )
    pixels = volume.read(region)
    order = [volume.axes.index(letter) for letter in "TZCSYX" if letter in volume.axes]
    rows, columns = (pixels.shape[volume.axes.index(letter)] for letter in "YX")
    return pixels.transpose(order).reshape(-1, rows, columns).astype(np.float32)


def _centre(letter: str, length: int) -> slice:
    if letter not in "YX" or length <= _LARGEST:
        return slice(0, length)
    start = (length - _LARGEST) // 2
    return slice(start, start + _LARGEST)


def _limits(channels: NDArray[np.float32]) -> list[tuple[float, float]]:
    """Darkest and brightest value shown of each channel."""
    limits = []
    for channel in channels:
        finite = channel[np.isfinite(channel)]
        low, high = np.percentile(finite, _PERCENTILES) if finite.size else (0.0, 1.0)
        limits.append((float(low), float(max(high, low + 1e-9))))
    return limits


def _coloured(
    channels: NDArray[np.float32], limits: list[tuple[float, float]]
) -> NDArray[np.uint8]:
    """Channels `(C, Y, X)` added up in their colours: `(Y, X, 3)`."""
    colours = [_GRAY] if len(channels) == 1 else _COLOURS
    total = np.zeros((*channels.shape[1:], 3), np.float32)
    for index, (channel, (low, high)) in enumerate(zip(channels, limits, strict=True)):
        shade = np.clip((np.nan_to_num(channel) - low) / (high - low), 0, 1)
        total += shade[..., None] * np.array(colours[index % len(colours)], np.float32)
    return np.clip(total, 0, 255).astype(np.uint8)


def _uncertainty(channels: NDArray[np.float32]) -> Panel:
    """Standard deviation, over the channels its root mean square."""
    total = np.sqrt(np.mean(np.square(np.nan_to_num(channels)), axis=0))
    low, high = _limits(total[None])[0]
    note = f"standard deviation {low:.2g} to {high:.2g}"
    return Panel("uncertainty", note, _heat((total - low) / (high - low)), _heat(_RAMP))


def _heat(shade: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
    """Colours of values from 0 to 1, in one more dimension."""
    positions = np.linspace(0, 1, len(_HEAT))
    columns = [np.interp(shade, positions, column) for column in np.array(_HEAT, float).T]
    return np.stack(columns, -1).astype(np.uint8)


def _draw(panels: list[Panel], pixel_um: float | None) -> Image.Image:
    rows, columns = panels[0].pixels.shape[:2]
    zoom = max(math.ceil(_PANEL / max(rows, columns)), 1)
    width, height = columns * zoom, rows * zoom
    size = (len(panels) * (width + _GAP) + _GAP, _HEADER + height + _FOOTER)
    picture = Image.new("RGB", size, _BACKGROUND)
    pen = ImageDraw.Draw(picture)
    for place, panel in enumerate(panels):
        left, below = _GAP + place * (width + _GAP), _HEADER + height + _FOOTER // 2
        shown = panel.pixels.repeat(zoom, 0).repeat(zoom, 1)
        picture.paste(Image.fromarray(shown), (left, _HEADER))
        _write(pen, (left, _HEADER // 2), panel.title, 20, _INK)
        _write(pen, (left, below), panel.note, 15, _FAINT)
        if panel.key is not None:
            key = Image.fromarray(panel.key[None].repeat(_KEY_HEIGHT, 0))
            picture.paste(key, (left + width - key.width, below - key.height // 2))
    if pixel_um:
        _scale_bar(pen, (_GAP + width, _HEADER + height), width, pixel_um / zoom)
    return picture


def _write(
    pen: ImageDraw.ImageDraw,
    place: tuple[float, float],
    text: str,
    size: int,
    colour: tuple[int, int, int],
    anchor: str = "lm",
) -> None:
    pen.text(place, text, fill=colour, font=ImageFont.load_default(size), anchor=anchor)


def _scale_bar(
    pen: ImageDraw.ImageDraw, corner: tuple[int, int], width: int, pixel_um: float
) -> None:
    """Bar of a round length, about a quarter of the panel, above its lower right corner."""
    length_um = round_length(width * pixel_um / 4)
    length = round(length_um / pixel_um)
    box_width = max(length, 80)
    right, bottom = corner[0] - 14, corner[1] - 14
    middle = right - box_width / 2
    pen.rectangle((right - box_width - 8, bottom - 32, right + 8, bottom + 8), fill=_BACKGROUND)
    pen.rectangle((middle - length / 2, bottom - 3, middle + length / 2, bottom), fill=_INK)
    _write(pen, (middle, bottom - 18), f"{length_um:g} microns", 15, _INK, "mm")


def round_length(length: float) -> float:
    """Largest of 1, 2, 5, 10, 20... (or 0.5, 0.2...) that is not above `length`."""
    power = 10.0 ** math.floor(math.log10(length))
    return next(digit * power for digit in (5, 2, 1) if digit * power <= length * (1 + 1e-9))


def _micrometres(volume: Volume) -> float | None:
    """Width of a pixel in micrometres, if it is known."""
    index = volume.axes.index("X")
    factor = _MICROMETRES.get(volume.units[index])
    return factor * volume.scale[index] if factor else None
