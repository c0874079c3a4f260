"""OME-XML, both ways: axes, sizes of steps, units and channel names."""

from __future__ import annotations

import re
import uuid
from typing import Any
from xml.etree import ElementTree

from napari_blindspot.io.base import Volume, unknown_scale
from napari_blindspot.io.calibration import (
    OME_SYMBOLS,
    TIME_UNITS,
    Calibration,
    Stated,
    step,
    unit_name,
)

NAMESPACE = "napari-blindspot"

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def parse_ome(xml: str | None) -> Stated:
    """Read the first image of OME-XML; nothing is known where the XML is broken."""
    try:
        root = ElementTree.fromstring(xml or "")
    except ElementTree.ParseError:
        return Stated()
    pixels = root.find("{*}Image/{*}Pixels")
    if pixels is None:
        return Stated()
    names = tuple(channel.get("Name", "") for channel in pixels.iterfind("{*}Channel"))
    own = f"{{*}}StructuredAnnotations/{{*}}MapAnnotation[@Namespace='{NAMESPACE}']"
    return Stated(
        calibration=_parse_calibration(pixels),
        channel_names=names if any(names) else (),
        axes=root.findtext(f"{own}/{{*}}Value/{{*}}M[@K='axes']") or "",
    )


def _parse_calibration(pixels: ElementTree.Element) -> Calibration:
    sizes: Calibration = {}
    for letter in "XYZT":
        name, default = _attribute(letter)
        size = step(pixels.get(name))
        if size is not None:
            sizes[letter] = (size, unit_name(pixels.get(f"{name}Unit", default)))
    if sizes.get("T", (1.0, "second"))[1] not in TIME_UNITS:
        del sizes["T"]
    return sizes


def _attribute(letter: str) -> tuple[str, str]:
    """Name of the attribute of an axis, and the unit that OME-XML means when it states none."""
    return ("TimeIncrement", "s") if letter == "T" else (f"PhysicalSize{letter}", "µm")


def describe_ome(volume: Volume, name: str) -> tuple[dict[str, Any], list[str]]:
    """Metadata of a volume in the form that tifffile turns into OME-XML.

    Parameters
    ----------
    volume : Volume
        The image.
    name : str
        Name of the image in OME-XML.

    Returns
    -------
    metadata : dict
        Attributes and elements.
    notes : list of str
        What OME-XML cannot express, in words.
    """
    metadata: dict[str, Any] = {
        "Creator": NAMESPACE,
        "Name": _plain(name),
        "MapAnnotation": {"Namespace": NAMESPACE, "axes": volume.axes},
    }
    notes = [] if volume.origin is None else ["the origin is lost: OME-TIFF has no place for it"]
    for letter, size, unit in zip(volume.axes, volume.scale, volume.units, strict=True):
        if (size, unit) == unknown_scale(letter) or letter in "CS":
            continue
        if unit in OME_SYMBOLS and (unit in TIME_UNITS) == (letter == "T"):
            attribute = _attribute(letter)[0]
            metadata |= {attribute: size, f"{attribute}Unit": OME_SYMBOLS[unit]}
        else:
            notes.append(f"the scale of {letter} is lost: OME-TIFF has no unit {unit!r} for it")
    if any(volume.channel_names):
        metadata["Channel"] = {"Name": [_plain(text) for text in volume.channel_names]}
    # The same image written twice gives the same bytes: no random or time-based identifier.
    identity = f"{metadata} {volume.shape} {volume.dtype}"
    metadata["UUID"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, identity)}"
    return metadata, notes


def _plain(text: str) -> str:
    return _NO_XML.sub("", text)
