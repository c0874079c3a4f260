from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_blindspot.api import as_volume
from napari_blindspot.io.base import Volume
from napari_blindspot.params import InputError
from napari_blindspot.regions import cropped, parse_region, region_text


class Lazy:
    """Array that remembers what was read."""

    def __init__(self, data):
        self.data, self.read = data, []
        self.shape, self.dtype = data.shape, data.dtype

    def __getitem__(self, index):
        self.read.append(index)
        return self.data[index]


def numbers(*shape):
    return np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("T=3", {"T": slice(3, 4)}),
        ("t=0:5, y=100:356", {"T": slice(0, 5, 1), "Y": slice(100, 356, 1)}),
        ("T=0:50:10", {"T": slice(0, 50, 10)}),
        ("Z=4:", {"Z": slice(4, None, 1)}),
        ("Z=:4", {"Z": slice(0, 4, 1)}),
    ],
)
def test_text(text, region):
    assert parse_region(text) == region
    assert parse_region(region_text(region)) == region


@pytest.mark.parametrize("text", ["", "T", "T=", "Q=1", "T=1,T=2", "T=-1", "T=0:5:0", "T=1.5"])
def test_other_text_is_refused(text):
    with pytest.raises(InputError, match="T=0:5,Y=100:356"):
        parse_region(text)


@pytest.mark.parametrize("text", ["T=7", "T=2:9", "T=3:3", "C=0"])
def test_a_region_outside_is_refused(text):
    with pytest.raises(InputError, match="The region"):
        cropped(as_volume(numbers(5, 8, 9), "TYX"), text)


@pytest.mark.parametrize("kind", [np.asarray, Lazy])
def test_pixels_positions_and_names(kind):
    data = numbers(3, 2, 8, 9)
    volume = Volume(
        kind(data),
        "TCYX",
        scale=(2.0, 1.0, 0.5, 0.25),
        channel_names=("a", "b"),
        origin=(1.0, 0.0, 0.0, 10.0),
    )
    part = cropped(volume, "T=0:3:2,C=1,X=4:8")
    assert part.shape == (2, 1, 8, 4)
    np.testing.assert_array_equal(part.read(), data[0:3:2, 1:2, :, 4:8])
    assert part.scale == (4.0, 1.0, 0.5, 0.25)
    assert part.origin == (1.0, 1.0, 0.0, 11.0)
    assert part.channel_names == ("b",)
    assert "region" in part.note


def test_nothing_is_read_before_it_is_asked_for():
    lazy = Lazy(numbers(6, 8, 9))
    part = cropped(Volume(lazy, "TYX"), "T=2:5")
    assert lazy.read == []
    part.read((slice(1, 2), slice(0, 8), slice(3, 4)))
    assert lazy.read == [(slice(3, 4, 1), slice(0, 8, 1), slice(3, 4, 1))]


@given(st.data())
def test_a_part_of_a_part(data):
    whole = numbers(11, 7, 5)
    start = data.draw(st.integers(0, 9))
    stop = data.draw(st.integers(start + 1, 11))
    step = data.draw(st.integers(1, 4))
    part = cropped(Volume(Lazy(whole), "TYX"), f"T={start}:{stop}:{step}")
    n = part.shape[0]
    low = data.draw(st.integers(0, n - 1))
    high = data.draw(st.integers(low + 1, n))
    expected = whole[start:stop:step][low:high]
    np.testing.assert_array_equal(part.read((slice(low, high), slice(0, 7), slice(0, 5))), expected)


def test_no_region_is_the_volume_itself():
    volume = as_volume(numbers(4, 5))
    assert cropped(volume, None) is volume
