"""Which part of a layer to learn from or to denoise."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from napari_blindspot._gui.layers import axes_of, check_no_colours, pixels_of
from napari_blindspot._gui.places import Place
from napari_blindspot.axes import check_axes
from napari_blindspot.params import InputError
from napari_blindspot.regions import parse_region, region_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari.layers import Image, Shapes
    from numpy.typing import NDArray

    from napari_blindspot.io.base import Region

SMALLEST = 16  # pixels along Y and X

_ROUNDING = 1e-6  # pixels


def rectangle_region(shapes_layer: Shapes, layer: Image, axes: str | None = None) -> Region:
    """The part of an image that a rectangle encloses.

    It restricts Y and X only, also where it was drawn on one of many planes: all time points,
    channels and planes stay.

    Parameters
    ----------
    shapes_layer : Shapes
        Layer with the rectangle: the selected one, or the only one.
    layer : Image
        The image.
    axes : str, optional
        One letter per axis of the image; those of the layer if left out.

    Returns
    -------
    tuple of slice
        One slice per axis of the image. A turned rectangle counts with the pixels around it.

    Raises
    ------
    InputError
        If there is no one rectangle, or too little of the image lies in it.
    """
    check_no_colours(layer)
    letters = check_axes(axes, layer.ndim) if axes else axes_of(layer)
    shape = tuple(int(length) for length in pixels_of(layer).shape)
    along = [letters.index("Y"), letters.index("X")]
    # Counted from the last axis, by which napari aligns layers.
    columns = [axis - layer.ndim for axis in along]
    if shapes_layer.ndim < -min(columns):
        raise InputError(
            f"The layer {shapes_layer.name!r} has no axes Y and X of {layer.name!r} ({letters}); "
            "draw the rectangle in a Shapes layer of as many axes."
        )
    drawn = Place.of(shapes_layer).world(_rectangle(shapes_layer))
    corners = Place.of(layer, shapes_layer.units).plane(along, drawn[:, columns])
    region = [slice(0, length) for length in shape]
    for axis, places in zip(along, corners.T, strict=True):
        region[axis] = _enclosed(places, shape[axis])
    _check_size([region[axis] for axis in along], shapes_layer.name, layer.name)
    return tuple(region)


def _rectangle(shapes_layer: Shapes) -> NDArray[np.float64]:
    """Corners `(4, N)` of the one rectangle that is meant."""
    kinds = list(shapes_layer.shape_type)
    rectangles = [number for number, kind in enumerate(kinds) if kind == "rectangle"]
    chosen = [number for number in rectangles if number in shapes_layer.selected_data]
    meant = chosen or rectangles
    if not meant:
        raise InputError(
            f"There is no rectangle in the layer {shapes_layer.name!r}; draw one on the image."
        )
    if len(meant) > 1:
        which = " selected" if chosen else ""
        raise InputError(
            f"There are {len(meant)} rectangles{which} in the layer {shapes_layer.name!r}; "
            "select one of them."
        )
    return np.asarray(shapes_layer.data[meant[0]], np.float64)


def _enclosed(places: NDArray[np.float64], length: int) -> slice:
    """Pixels of an axis whose centres lie between the outermost of some places."""
    start = max(math.ceil(places.min() - _ROUNDING), 0)
    stop = min(math.floor(places.max() + _ROUNDING) + 1, length)
    return slice(start, max(start, stop))


def _check_size(spans: Sequence[slice], drawing: str, image: str) -> None:
    height, width = (span.stop - span.start for span in spans)
    if height == 0 or width == 0:
        raise InputError(
            f"The rectangle in {drawing!r} lies outside {image!r}; draw it on the image."
        )
    if min(height, width) < SMALLEST:
        raise InputError(
            f"The rectangle in {drawing!r} encloses {height} x {width} pixels of {image!r}; "
            f"draw one of at least {SMALLEST} x {SMALLEST}."
        )


def planes_text(
    axes: str, ranges: Mapping[str, tuple[int, int]], shape: Sequence[int] | None = None
) -> str:
    """Chosen time points or planes as the text of a region.

    Parameters
    ----------
    axes : str
        One letter per axis of the image.
    ranges : mapping of str to (int, int)
        First and last place along an axis, both included, by the axis' letter. Axes that are not
        named are whole.
    shape : sequence of int, optional
        Lengths of the axes, where they are known: whole axes are then left out, and places
        outside are refused.

    Returns
    -------
    str
        Such as `T=0:5,Z=3`; empty if all axes are whole.

    Raises
    ------
    InputError
        If an axis is not there, or the places are none of it.
    """
    lengths = dict(zip(axes, shape, strict=True)) if shape is not None else {}
    parts = {}
    for letter, (first, last) in ranges.items():
        if letter not in axes:
            raise InputError(f"There is no axis {letter} to choose from; the image has {axes}.")
        length = lengths.get(letter)
        if not 0 <= first <= last or (length is not None and last >= length):
            allowed = "" if length is None else f"use places from 0 to {length - 1} and "
            raise InputError(
                f"{letter} from {first} to {last} is not possible; {allowed}name the first one "
                "first."
            )
        if (first, last + 1) != (0, length):
            parts[letter] = slice(first, last + 1)
    return region_text(parts)


def part_text(axes: str, shape: Sequence[int], region: Region) -> str:
    """A part of an image as the text of a region; whole axes are left out.

    Parameters
    ----------
    axes : str
        One letter per axis.
    shape : sequence of int
        Their lengths.
    region : tuple of slice
        One slice per axis.
    """
    spans = zip(axes, shape, region, strict=True)
    return region_text(
        {letter: span for letter, length, span in spans if span.indices(length) != (0, length, 1)}
    )


def joined(*texts: str | None) -> str | None:
    """Texts of regions as one; None if there is nothing in any of them.

    Raises
    ------
    InputError
        If two of them name the same axis.
    """
    given = [text for text in texts if text]
    if not given:
        return None
    parts = [parse_region(text) for text in given]
    letters = [letter for part in parts for letter in part]
    twice = [letter for letter in dict.fromkeys(letters) if letters.count(letter) > 1]
    if twice:
        raise InputError(
            f"The axis {twice[0]} is restricted twice, in {' and in '.join(given)}; once is enough."
        )
    return ",".join(given)
