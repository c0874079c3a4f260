from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_blindspot.axes import Layout, check_axes, guess_axes
from napari_blindspot.params import InputError


@pytest.mark.parametrize("text", ["YX", "zyx", " tzcyx ", "SYX", "XYCZTS"])
def test_check_axes_accepts_any_order_and_case(text):
    assert check_axes(text, len(text.strip())) == text.strip().upper()


@pytest.mark.parametrize(
    ("text", "ndim", "message"),
    [
        ("QYX", 3, "unknown letter 'Q'; use TCZYXS"),
        ("ZZYX", 4, "names an axis twice"),
        ("ZYX", 4, "names 3 axes but the image has 4"),
        ("TZC", 3, "lacks Y or X"),
        ("", 0, "lacks Y or X"),
    ],
)
def test_check_axes_says_what_is_wrong(text, ndim, message):
    with pytest.raises(InputError, match=message):
        check_axes(text, ndim)


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((5, 7), "YX"),
        ((1, 64), "YX"),
        ((32, 256, 256), "ZYX"),
        ((200, 220, 3), "YXS"),
        ((200, 220, 4), "YXS"),
        ((16, 220, 3), "ZYX"),
        ((8, 200, 220, 3), "TYXS"),
        ((12, 2, 120, 128), "ZCYX"),
        ((2, 12, 120, 128), "CZYX"),
        ((20, 12, 120, 128), "TZYX"),
        ((2, 12, 2, 120, 128), "TZCYX"),
        ((2, 3, 12, 120, 128), "TCZYX"),
        ((9, 12, 7, 120, 128), "TZCYX"),
        ((2, 5, 200, 220, 3), "TZYXS"),
        ((2, 5, 2, 200, 220, 3), "TZCYXS"),
    ],
)
def test_guess_axes(shape, axes):
    assert guess_axes(shape) == axes


@pytest.mark.parametrize("shape", [(), (9,), (2, 2, 2, 2, 30, 30), (1, 2, 2, 2, 30, 30, 3)])
def test_guess_axes_refuses_what_has_no_letters(shape):
    with pytest.raises(InputError, match=rf"has {len(shape)} axes"):
        guess_axes(shape)


@given(st.lists(st.integers(1, 40), min_size=2, max_size=5).map(tuple))
def test_every_guess_fits_its_shape(shape):
    assert check_axes(guess_axes(shape), len(shape)) == guess_axes(shape)


@st.composite
def layouts(draw):
    extra = draw(st.sets(st.sampled_from("TCZS")))
    axes = "".join(draw(st.permutations(sorted(extra | {"Y", "X"}))))
    shape = tuple(draw(st.integers(1, 4)) for _ in axes)
    able = ["YX", *(f"{letter}YX" for letter in "ZT" if letter in axes)]
    spatial = draw(st.sampled_from(able))
    return Layout(axes, shape, spatial)


@given(layouts())
def test_samples_and_back_is_the_identity(layout):
    array = np.arange(np.prod(layout.shape)).reshape(layout.shape)
    samples = layout.to_samples(array)
    assert samples.shape == (layout.n_samples, layout.n_channels, *layout.space_shape)
    assert np.array_equal(layout.from_samples(samples), array)


@given(layouts())
def test_each_pixel_arrives_where_its_letters_say(layout):
    """Index arithmetic written out anew: one pixel at a time, without transposing."""
    array = np.arange(np.prod(layout.shape)).reshape(layout.shape)
    samples = layout.to_samples(array)
    for index in np.ndindex(*layout.shape):
        at = dict(zip(layout.axes, index, strict=True))
        n = c = 0
        for letter, length in zip(layout.axes, layout.shape, strict=True):
            if letter in "CS":
                c = c * length + at[letter]
            elif letter not in layout.spatial:
                n = n * length + at[letter]
        assert samples[(n, c, *(at[letter] for letter in layout.spatial))] == array[index]


def test_time_and_planes_are_samples_of_a_2d_network():
    layout = Layout("TZCYX", (2, 3, 4, 5, 6), "YX")
    assert (layout.n_samples, layout.n_channels, layout.space_shape) == (6, 4, (5, 6))
    assert (layout.sample_axes, layout.channel_axes) == ("TZ", "C")


def test_planes_are_space_of_a_3d_network():
    layout = Layout("TZCYX", (2, 3, 4, 5, 6), "ZYX")
    assert (layout.n_samples, layout.n_channels, layout.space_shape) == (2, 4, (3, 5, 6))


def test_channels_and_rgb_samples_multiply():
    assert Layout("CYXS", (2, 5, 6, 3), "YX").n_channels == 6


def test_samples_are_a_view_where_the_order_allows_it():
    array = np.zeros((2, 3, 4, 5, 6))
    assert np.shares_memory(Layout("TZCYX", array.shape, "YX").to_samples(array), array)


def test_layout_refuses_space_that_is_not_there():
    with pytest.raises(InputError, match="needs a Z axis but the axes are TYX"):
        Layout("TYX", (2, 5, 6), "ZYX")
    with pytest.raises(InputError, match="use YX, ZYX, TYX"):
        Layout("TYX", (2, 5, 6), "XY")


def test_layout_refuses_arrays_of_another_shape():
    layout = Layout("TYX", (2, 5, 6), "YX")
    with pytest.raises(ValueError, match="the layout expects"):
        layout.to_samples(np.zeros((2, 6, 5)))
    with pytest.raises(ValueError, match="the layout expects"):
        layout.from_samples(np.zeros((2, 1, 6, 5)))


def test_repeats_are_the_slowest_of_the_places_of_a_sample():
    array = np.arange(2 * 3 * 4 * 5 * 6).reshape(2, 3, 4, 5, 6)
    layout = Layout("CTZYX", array.shape, "YX", "T")
    assert (layout.sample_axes, layout.channel_axes) == ("Z", "TC")
    assert (layout.n_samples, layout.n_channels, layout.n_repeats) == (4, 2, 3)
    samples = layout.to_samples(array)
    assert samples.shape == (4, 6, 5, 6)
    np.testing.assert_array_equal(layout.from_samples(samples), array)
    assert layout.in_all_repeats([1]) == (1, 3, 5)
    for repeat, place in enumerate(layout.in_all_repeats([1])):
        np.testing.assert_array_equal(samples[2, place], array[1, repeat, 2])
        region = layout.region(2, place, (slice(1, 3), slice(0, 6)))
        np.testing.assert_array_equal(layout.to_window(array[region]), array[1, repeat, 2, 1:3])


@pytest.mark.parametrize(("axes", "space", "letter"), [("CYX", "YX", "T"), ("ZYX", "ZYX", "Z")])
def test_repeats_are_along_an_axis_that_is_there_and_not_in_space(axes, space, letter):
    with pytest.raises(InputError, match=f"repeats='{letter}' is not an axis of {axes} beside"):
        Layout(axes, (9,) * len(axes), space, letter)


def test_without_repeats_there_is_one():
    layout = Layout("TCYX", (2, 3, 5, 6), "YX")
    assert (layout.n_repeats, layout.in_all_repeats((0, 2))) == (1, (0, 2))
