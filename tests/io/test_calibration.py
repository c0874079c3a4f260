from __future__ import annotations

import math

import pytest

from napari_blindspot.io.calibration import (
    OME_SYMBOLS,
    TIME_UNITS,
    Stated,
    step,
    tag_calibration,
    unit_name,
)


@pytest.mark.parametrize(
    "text",
    [
        "micron", "microns", "µm", "\u03bcm", "um", "UM", r"\u00B5m", r"\u00b5m", " µm ",
        "micrometer", "micrometre", "micrometers", "Micrometre",
    ],
)  # fmt: skip
def test_micrometers_in_every_spelling(text):
    assert unit_name(text) == "micrometer"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("nm", "nanometer"), ("mm", "millimeter"), ("cm", "centimeter"), ("inch", "inch"),
        ("Å", "angstrom"), ("m", "meter"), ("s", "second"), ("sec", "second"),
        ("ms", "millisecond"), ("min", "minute"), ("pixels", "pixel"),
        ("", "pixel"), ("reference frame", "pixel"), ("furlong", "pixel"),
    ],
)  # fmt: skip
def test_other_units(text, name):
    assert unit_name(text) == name


def test_names_and_symbols_are_read_back():
    for name, symbol in OME_SYMBOLS.items():
        assert unit_name(name) == name
        assert unit_name(symbol) == name
    assert set(OME_SYMBOLS) > TIME_UNITS


@pytest.mark.parametrize(
    ("value", "size"),
    [("0.5", 0.5), (-2, 2.0), (0, None), ("x", None), (None, None), (math.inf, None),
     (math.nan, None)],
)  # fmt: skip
def test_step_takes_finite_sizes_only(value, size):
    assert step(value) == size


def test_resolution_in_centimeters_and_inches():
    tags = {"XResolution": (100_000, 1), "YResolution": (50_000, 1), "ResolutionUnit": 3}
    expected = {"X": (0.1, "micrometer"), "Y": (0.2, "micrometer")}
    assert tag_calibration(tags) == expected
    per_inch = {"XResolution": (254_000, 1), "YResolution": (127_000, 1)}
    assert tag_calibration(per_inch | {"ResolutionUnit": 2}) == expected
    assert tag_calibration(per_inch) == expected  # inch is the default of the format


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {"XResolution": (10, 1), "YResolution": (10, 1), "ResolutionUnit": 1},
        {"XResolution": (72, 1), "YResolution": (72, 1), "ResolutionUnit": 2},
        {"XResolution": (96, 1), "YResolution": (96, 1), "ResolutionUnit": 2},
        {"XResolution": (1, 1), "YResolution": (1, 1), "ResolutionUnit": 2},
        {"XResolution": (0, 1), "YResolution": (1, 0), "ResolutionUnit": 3},
        {"XResolution": 7, "YResolution": "x", "ResolutionUnit": 3},
    ],
)
def test_tags_that_state_no_size(tags):
    assert tag_calibration(tags) == {}


def test_one_stated_side_makes_square_pixels():
    stated = Stated({"X": (0.1, "micrometer"), "Z": (1.0, "micrometer")}).with_square_pixels()
    assert stated.calibration["Y"] == (0.1, "micrometer")
    assert stated.notes == ("pixels guessed to be square: only one side is stated",)
    both = Stated({"X": (0.1, "micrometer"), "Y": (0.2, "micrometer")})
    assert both.with_square_pixels() is both
    assert Stated().with_square_pixels().notes == ()
