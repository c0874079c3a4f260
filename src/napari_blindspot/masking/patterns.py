"""Shapes of structured blind spots, as offsets from their centre."""

from __future__ import annotations

import numpy as np

from napari_blindspot.params import InputError

NAMED = ("horizontal", "vertical", "cross", "axial")


def pattern_offsets(text: str, length: int, ndim: int) -> tuple[tuple[int, ...], ...]:
    """Offsets of the pixels that are hidden together with the centre, the centre included.

    Parameters
    ----------
    text : str
        `horizontal` (along X), `vertical` (along Y), `cross` (both), `axial` (along Z), or an
        array drawn with 0 and 1: rows separated by `/`, planes by `|`, odd lengths, for example
        `00100/11111/00100`.
    length : int
        Length of the named shapes in pixels, odd.
    ndim : int
        Number of spatial dimensions, 2 or 3.

    Returns
    -------
    tuple of tuple of int
        One offset per hidden pixel, in the order of the spatial axes.

    Raises
    ------
    InputError
        If the text is no such shape.
    """
    array = _named(text, length, ndim) if text in NAMED else _drawn(text, ndim)
    centre = np.array(array.shape) // 2
    if not array[tuple(centre)]:
        raise InputError(f"pattern={text!r} does not hide its centre; set the middle to 1.")
    return tuple(tuple(int(i) for i in index - centre) for index in np.argwhere(array))


def _named(text: str, length: int, ndim: int) -> np.ndarray:
    if length % 2 == 0:
        raise InputError(f"length={length} has no centre; use {length - 1} or {length + 1}.")
    if text == "axial" and ndim == 2:
        raise InputError("pattern='axial' needs Z; use horizontal, vertical or cross in 2D.")
    lines = {"horizontal": (-1,), "vertical": (-2,), "cross": (-1, -2), "axial": (-3,)}[text]
    array = np.zeros((length,) * ndim, bool)
    for axis in lines:
        line: list[int | slice] = [length // 2] * ndim
        line[axis] = slice(None)
        array[tuple(line)] = True
    return array


def _drawn(text: str, ndim: int) -> np.ndarray:
    planes = [[[int(c) for c in row] for row in plane.split("/")] for plane in _planes(text)]
    try:
        array = np.array(planes, bool)
    except ValueError:
        raise InputError(f"pattern={text!r} has rows of different length.") from None
    if array.ndim != 3 or any(n % 2 == 0 for n in array.shape):
        raise InputError(f"pattern={text!r} needs an odd number of planes, rows and columns.")
    if ndim == 2 and len(array) > 1:
        raise InputError(f"pattern={text!r} has several planes but the image is 2D.")
    return array if ndim == 3 else array[0]


def _planes(text: str) -> list[str]:
    if not text or set(text) - set("01/|"):
        raise InputError(
            f"pattern={text!r} is not known; use {', '.join(NAMED)} or rows of 0 and 1 such as "
            "00100/11111/00100."
        )
    return text.split("|")
