"""Sizes of steps and names of units, in whatever words a file states them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

# Axis letter to size of a step and unit name.
Calibration: TypeAlias = dict[str, tuple[float, str]]

# Unit names of this package to the symbols of OME-XML.
OME_SYMBOLS = {
    "meter": "m",
    "decimeter": "dm",
    "centimeter": "cm",
    "millimeter": "mm",
    "micrometer": "µm",
    "nanometer": "nm",
    "picometer": "pm",
    "angstrom": "Å",
    "inch": "in",
    "foot": "ft",
    "pixel": "pixel",
    "day": "d",
    "hour": "h",
    "minute": "min",
    "second": "s",
    "millisecond": "ms",
    "microsecond": "µs",
    "nanosecond": "ns",
}
TIME_UNITS = {"day", "hour", "minute", "second", "millisecond", "microsecond", "nanosecond"}

_SPELLINGS = {
    "um": "micrometer",
    "micron": "micrometer",
    "us": "microsecond",
    "sec": "second",
    "msec": "millisecond",
    "usec": "microsecond",
    "hr": "hour",
    "metre": "meter",
    "a": "angstrom",
}
_BY_SYMBOL = {symbol.lower(): name for name, symbol in OME_SYMBOLS.items()} | _SPELLINGS
_ESCAPED = re.compile(r"\\u([0-9A-Fa-f]{4})")
_MICRO_SIGNS = str.maketrans({"\u03bc": "\u00b5"})

# Numbers of pixels per inch that programs write when they know of no scale.
_SCREEN_DPI = {1.0, 72.0, 96.0}
_MICROMETERS = {2: 25_400.0, 3: 10_000.0}


@dataclass(frozen=True)
class Stated:
    """What the metadata of a file say of its image.

    Attributes
    ----------
    calibration : dict
        Axis letter to size and unit of a step; letters of which nothing is known are left out.
    channel_names : tuple of str
        One per channel, or empty.
    axes : str
        Axes as this package wrote them, with those of length 1 and in their order; empty in
        files of other programs.
    notes : tuple of str
        What was assumed, in words.
    """

    calibration: Calibration = field(default_factory=dict)
    channel_names: tuple[str, ...] = ()
    axes: str = ""
    notes: tuple[str, ...] = ()

    def with_square_pixels(self) -> Stated:
        """The same with square pixels where only one side of a pixel is stated."""
        sides = {"Y", "X"} & set(self.calibration)
        if len(sides) != 1:
            return self
        size = self.calibration[sides.pop()]
        return replace(
            self,
            calibration=self.calibration | {"Y": size, "X": size},
            notes=(*self.notes, "pixels guessed to be square: only one side is stated"),
        )


def unit_name(text: str, default: str = "pixel") -> str:
    """Unit named by a file, in this package's words; `default` where it means nothing here.

    Reads symbols and names, both micro signs and ImageJ's escaped one, ``micron``, ``um``,
    British spellings and plurals.
    """
    plain = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
    plain = plain.strip().translate(_MICRO_SIGNS).lower().replace("metre", "meter")
    for candidate in (plain, plain.removesuffix("s")):
        if candidate in OME_SYMBOLS:
            return candidate
        if candidate in _BY_SYMBOL:
            return _BY_SYMBOL[candidate]
    return default


def step(value: Any) -> float | None:
    """Size of a step as a finite number above 0, or None; the sign carries no size."""
    try:
        size = abs(float(value))
    except (TypeError, ValueError, OverflowError):
        return None
    return size if 0 < size < math.inf else None


def tag_steps(tags: Mapping[str, Any]) -> dict[str, float]:
    """Steps along X and Y as the resolution tags state them, in the tags' own unit."""
    steps = {}
    for letter in "XY":
        fraction = tags.get(f"{letter}Resolution")
        if isinstance(fraction, tuple) and len(fraction) == 2 and fraction[0]:
            size = step(fraction[1] / fraction[0])
            if size is not None:
                steps[letter] = size
    return steps


def tag_calibration(tags: Mapping[str, Any]) -> Calibration:
    """Pixel size from the resolution tags of a plain TIFF, in micrometers.

    Tags without a physical unit say nothing. Neither do 1, 72 and 96 dots per inch: programs
    write them when they know of no scale.

    Parameters
    ----------
    tags : mapping
        Tag names and values of the first page.
    """
    unit = tags.get("ResolutionUnit", 2)
    if unit not in _MICROMETERS:
        return {}
    steps = tag_steps(tags)
    if unit == 2 and any(round(1 / size, 3) in _SCREEN_DPI for size in steps.values()):
        return {}
    return {letter: (size * _MICROMETERS[unit], "micrometer") for letter, size in steps.items()}
