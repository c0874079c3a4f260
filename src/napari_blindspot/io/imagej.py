"""What ImageJ writes into a TIFF: pixel sizes, intervals, channel labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from napari_blindspot.io.calibration import (
    TIME_UNITS,
    Calibration,
    Stated,
    step,
    tag_calibration,
    tag_steps,
    unit_name,
)


def parse_imagej(
    metadata: Mapping[str, Any], tags: Mapping[str, Any], axes: str, shape: tuple[int, ...]
) -> Stated:
    """Sizes of steps and channel names from ImageJ's description and the resolution tags.

    The resolution counts pixels per `unit`, which stands in the description; the tag
    ResolutionUnit only counts where the description names no unit. Labels belong to planes:
    they name the channels if there is one per channel, or if every plane of a channel carries
    the same label and each channel another.

    Parameters
    ----------
    metadata : mapping
        ImageJ's description, as tifffile parses it.
    tags : mapping
        Tag names and values of the first page.
    axes, shape
        Axes as stored, and their lengths.
    """
    return Stated(_calibration(metadata, tags), _channel_names(metadata, axes, shape))


def _calibration(metadata: Mapping[str, Any], tags: Mapping[str, Any]) -> Calibration:
    unit = _unit(metadata, "unit")
    sizes = tag_calibration(tags)
    if unit != "pixel":
        own = {letter: _unit(metadata, f"{letter.lower()}unit", unit) for letter in "XYZ"}
        sizes = {letter: (size, own[letter]) for letter, size in tag_steps(tags).items()}
    spacing = step(metadata.get("spacing"))
    if spacing is not None:
        sizes["Z"] = (spacing, _unit(metadata, "zunit", unit))
    interval = step(metadata.get("finterval"))
    time_unit = _unit(metadata, "tunit") if "tunit" in metadata else "second"
    if interval is not None and time_unit in TIME_UNITS:
        sizes["T"] = (interval, time_unit)
    return sizes


def _channel_names(
    metadata: Mapping[str, Any], axes: str, shape: tuple[int, ...]
) -> tuple[str, ...]:
    labels = metadata.get("Labels")
    if "C" not in axes or not isinstance(labels, list):
        return ()
    count = shape[axes.index("C")]
    # Only Y, X and S come behind C in ImageJ's order, so the channel is the fastest plane index.
    per_channel = [set(labels[channel::count]) for channel in range(count)]
    names = tuple(str(next(iter(found))) for found in per_channel if len(found) == 1)
    return names if len(set(names)) == count and all(names) else ()


def _unit(metadata: Mapping[str, Any], key: str, default: str = "pixel") -> str:
    text = metadata.get(key)
    return unit_name(text, default) if isinstance(text, str) else default
