from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest
from tifffile import OmeXml

from napari_blindspot.io.base import Volume
from napari_blindspot.io.calibration import Stated
from napari_blindspot.io.ome import describe_ome, parse_ome

PIXELS = """<OME {namespace}><Image ID="Image:0"><Pixels DimensionOrder="XYZCT" SizeX="5" SizeY="4"
 SizeZ="1" SizeC="2" SizeT="1" {attributes}><Channel ID="c0" {channel}/><Channel ID="c1"/></Pixels>
 </Image><Image ID="Image:1"><Pixels PhysicalSizeX="9"/></Image></OME>"""


def parse(attributes="", channel="", namespace=""):
    return parse_ome(PIXELS.format(attributes=attributes, channel=channel, namespace=namespace))


def written(volume, name="image"):
    """OME-XML of a volume and what it could not express."""
    metadata, notes = describe_ome(volume, name)
    xml = OmeXml(UUID=metadata["UUID"], Creator=metadata["Creator"])
    shape = volume.shape
    planes = int(np.prod(shape[:-2]))
    xml.addimage(volume.dtype, shape, (planes, 1, 1, *shape[-2:], 1), axes=volume.axes, **metadata)
    return xml.tostring(), notes


def test_sizes_with_and_without_units():
    stated = parse('PhysicalSizeX="0.1" PhysicalSizeY="200" PhysicalSizeYUnit="nm"')
    assert stated.calibration == {"X": (0.1, "micrometer"), "Y": (200.0, "nanometer")}
    stated = parse('PhysicalSizeZ="3" PhysicalSizeZUnit="mm" TimeIncrement="7"')
    assert stated.calibration == {"Z": (3.0, "millimeter"), "T": (7.0, "second")}
    assert parse('TimeIncrement="7" TimeIncrementUnit="ms"').calibration["T"][1] == "millisecond"


def test_any_schema_version_is_read():
    for year in ("2011-06", "2016-06"):
        address = f'xmlns="http://www.openmicroscopy.org/Schemas/OME/{year}"'
        stated = parse('PhysicalSizeX="0.1"', 'Name="DNA"', address)
        assert stated.calibration["X"] == (0.1, "micrometer")
        assert stated.channel_names == ("DNA", "")


def test_sizes_without_meaning_are_left_out():
    assert parse('PhysicalSizeX="0" PhysicalSizeY="x" TimeIncrement="-0"').calibration == {}
    assert parse('TimeIncrement="7" TimeIncrementUnit="furlong"').calibration == {}
    stated = parse('PhysicalSizeX="3" PhysicalSizeXUnit="reference frame"')
    assert stated.calibration["X"] == (3.0, "pixel")


@pytest.mark.parametrize("xml", [None, "", "<OME>", "no xml", "<OME/>", "<OME><Image/></OME>"])
def test_broken_or_empty_xml_says_nothing(xml):
    assert parse_ome(xml) == Stated()


def test_channels_without_names_have_none():
    assert parse().channel_names == ()


def test_what_is_written_is_read_back():
    volume = Volume(
        np.zeros((2, 3, 2, 4, 5), np.uint8),
        "TZCYX",
        scale=(1 / 3, 0.7, 1.0, 0.1, 2 / 7),
        units=("minute", "nanometer", "", "micrometer", "inch"),
        channel_names=('<b> & "µ" {x}', "actin\x00\x0b"),
    )
    xml, notes = written(volume, "name\x01 <&>")
    stated = parse_ome(xml)
    assert notes == []
    assert stated.axes == "TZCYX"
    assert stated.channel_names == ('<b> & "µ" {x}', "actin")
    for letter, size, unit in zip(volume.axes, volume.scale, volume.units, strict=True):
        if letter != "C":
            assert stated.calibration[letter] == (size, unit)
    assert ElementTree.fromstring(xml).find("{*}Image").get("Name") == "name <&>"


def test_nothing_is_stated_of_unknown_scales():
    xml, notes = written(Volume(np.zeros((3, 4, 5)), "ZYX"))
    assert notes == []
    assert parse_ome(xml).calibration == {}


def test_losses_are_told():
    volume = Volume(
        np.zeros((2, 4, 5)),
        "TYX",
        scale=(3.0, 1.0, 2.0),
        units=("", "second", "furlong"),
        origin=(0.0, 1.0, 2.0),
    )
    xml, notes = written(volume)
    assert parse_ome(xml).calibration == {}
    assert notes == [
        "the origin is lost: OME-TIFF has no place for it",
        "the scale of T is lost: OME-TIFF has no unit '' for it",
        "the scale of Y is lost: OME-TIFF has no unit 'second' for it",
        "the scale of X is lost: OME-TIFF has no unit 'furlong' for it",
    ]


def test_identifiers_follow_from_the_content():
    volume = Volume(np.zeros((4, 5)), "YX")
    first = describe_ome(volume, "a")[0]["UUID"]
    assert describe_ome(volume, "a")[0]["UUID"] == first
    assert describe_ome(volume, "b")[0]["UUID"] != first
    assert first.startswith("urn:uuid:")
