"""Parts of an image, written as `T=0:5,Y=100:356`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_blindspot.axes import LETTERS
from napari_blindspot.params import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_blindspot.io.base import Region, Volume

_PART = re.compile(rf"([{LETTERS}])=(\d+)?(:)?(\d+)?(?::(\d+))?")


def parse_region(text: str) -> dict[str, slice]:
    """Slices by the letter of their axis.

    Parameters
    ----------
    text : str
        `T=3` for one place, `T=0:5` for five, `T=0:50:10` for every tenth; several are joined
        with commas.

    Raises
    ------
    InputError
        If the text is something else.
    """
    found: dict[str, slice] = {}
    for part in text.replace(" ", "").upper().split(","):
        match = _PART.fullmatch(part)
        if not match or part.endswith("=") or match[1] in found or match[5] == "0":
            raise InputError(
                f"The region {text!r} is not understood; write axes and places such as "
                "T=0:5,Y=100:356."
            )
        start = int(match[2] or 0)
        if not match[3]:
            found[match[1]] = slice(start, start + 1)
        else:
            stop = int(match[4]) if match[4] else None
            found[match[1]] = slice(start, stop, int(match[5] or 1))
    return found


def region_text(region: Mapping[str, slice]) -> str:
    """The text of slices by letter."""
    return ",".join(f"{letter}={_span(span)}" for letter, span in region.items())


def cropped(volume: Volume, text: str | None) -> Volume:
    """Part of a volume, read when it is asked for; the volume itself for None.

    Raises
    ------
    InputError
        If the region names an axis that is not there or lies outside.
    """
    if not text:
        return volume
    region = _within(parse_region(text), volume)
    starts = [span.start for span in region]
    steps = [span.step for span in region]
    before = volume.origin or (0.0,) * len(starts)
    names = volume.channel_names
    if names and "C" in volume.axes:
        names = names[region[volume.axes.index("C")]]
    return volume.like(
        volume.data[region]
        if isinstance(volume.data, np.ndarray)
        else Cropped(volume.data, region),
        origin=tuple(o + s * size for o, s, size in zip(before, starts, volume.scale, strict=True)),
        scale=tuple(size * n for size, n in zip(volume.scale, steps, strict=True)),
        channel_names=names,
        note="; ".join(filter(None, [volume.note, f"region {text}"])),
    )


@dataclass(frozen=True, eq=False)
class Cropped:
    """Part of an array.

    Attributes
    ----------
    data : array-like
        Anything with `shape`, `dtype` and slicing.
    region : tuple of slice
        One slice per axis, with start, stop and step.
    """

    data: Any
    region: Region

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        return tuple(len(range(s.start, s.stop, s.step)) for s in self.region)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Data type."""
        dtype: np.dtype[Any] = np.dtype(self.data.dtype)
        return dtype

    def __getitem__(self, index: Any) -> NDArray[Any]:
        given = (slice(None),) * len(self.region) if index is Ellipsis else index
        chosen = tuple(_inside(own, part) for own, part in zip(self.region, given, strict=True))
        return np.asarray(self.data[chosen])


def _span(span: slice) -> str:
    if span.stop is not None and span.stop == span.start + 1:
        return str(span.start)
    step = "" if span.step in (None, 1) else f":{span.step}"
    return f"{span.start}:{'' if span.stop is None else span.stop}{step}"


def _within(parts: Mapping[str, slice], volume: Volume) -> Region:
    """One whole slice per axis."""
    lengths = dict(zip(volume.axes, volume.shape, strict=True))
    for letter, span in parts.items():
        if letter not in lengths:
            raise InputError(
                f"The region names the axis {letter}, the image has {volume.axes}; use those."
            )
        if not range(*span.indices(lengths[letter])) or (span.stop or 0) > lengths[letter]:
            raise InputError(
                f"The region {letter}={_span(span)} does not lie inside the {lengths[letter]} "
                f"places of axis {letter}."
            )
    spans = (parts.get(letter, slice(None)).indices(lengths[letter]) for letter in volume.axes)
    return tuple(slice(*span) for span in spans)


def _inside(own: slice, part: slice) -> slice:
    """A part of a slice in the coordinates of the whole."""
    places = range(own.start, own.stop, own.step)[part]
    return slice(places.start, places.stop, places.step)
