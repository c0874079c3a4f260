from __future__ import annotations

import pytest

from napari_blindspot.io.imagej import parse_imagej

TAGS = {"XResolution": (4, 1), "YResolution": (2, 1), "ResolutionUnit": 1}


def calibration(metadata, tags=TAGS):
    return parse_imagej(metadata, tags, "TZCYX", (2, 3, 2, 4, 5)).calibration


def names(labels, axes="ZCYX", shape=(3, 2, 4, 5)):
    return parse_imagej({"Labels": labels}, {}, axes, shape).channel_names


def test_resolution_counts_pixels_per_unit():
    assert calibration({"unit": "micron", "spacing": 1.5, "finterval": 2.5}) == {
        "X": (0.25, "micrometer"),
        "Y": (0.5, "micrometer"),
        "Z": (1.5, "micrometer"),
        "T": (2.5, "second"),
    }


def test_each_axis_may_have_its_own_unit():
    stated = calibration(
        {"unit": "nm", "yunit": "mm", "zunit": "um", "spacing": 3, "finterval": 4, "tunit": "min"}
    )
    assert stated == {
        "X": (0.25, "nanometer"),
        "Y": (0.5, "millimeter"),
        "Z": (3.0, "micrometer"),
        "T": (4.0, "minute"),
    }


def test_without_unit_the_tags_decide():
    in_centimeters = TAGS | {"ResolutionUnit": 3}
    assert calibration({}, in_centimeters)["X"] == (2500.0, "micrometer")
    assert calibration({}, TAGS) == {}
    assert calibration({"spacing": 0.5}, TAGS) == {"Z": (0.5, "pixel")}


@pytest.mark.parametrize("metadata", [{"finterval": 0}, {"finterval": 3, "tunit": "frames"}, {}])
def test_an_interval_without_meaning_is_left_out(metadata):
    assert "T" not in calibration(metadata)


def test_labels_that_name_channels():
    assert names(["DNA", "actin"]) == ("DNA", "actin")
    assert names(["DNA", "actin"] * 3) == ("DNA", "actin")
    assert names(["a", "b", "c"], "CYX", (3, 4, 5)) == ("a", "b", "c")


@pytest.mark.parametrize(
    "labels",
    [
        ["c:1/2 z:1/3", "c:2/2 z:1/3", "c:1/2 z:2/3", "c:2/2 z:2/3"],
        ["same", "same"],
        ["only one"],
        ["", "b"],
        [],
        None,
    ],
)
def test_labels_that_name_planes_are_left_out(labels):
    assert names(labels) == ()


def test_labels_without_channel_axis_are_left_out():
    assert names(["a", "b", "c"], "ZYX", (3, 4, 5)) == ()
