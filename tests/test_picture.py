"""The picture that compares images side by side."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from napari_blindspot.io import Volume
from napari_blindspot.params import InputError
from napari_blindspot.picture import _BACKGROUND, compare, plane, round_length, save

MICROMETRES = ("micrometer", "micrometer")


def ramp(shape=(60, 60), axes="YX", **described):
    return Volume(np.linspace(0, 100, int(np.prod(shape))).reshape(shape), axes, **described)


def test_panels_share_the_scale_of_the_last_image():
    """Twice as bright an image saturates; its brightest pixels are white, the others grey."""
    truth = ramp()
    bright = truth.like(truth.read() * 2)
    pixels = np.asarray(compare({"bright": bright, "truth": truth})).astype(int)
    assert pixels.shape == (40 + 480 + 34, 2 * (480 + 12) + 12, 3)
    middle = 40 + 240
    left, right = pixels[middle, 12 + 240], pixels[middle, 12 + 480 + 12 + 240]
    assert left.tolist() == [255, 255, 255]
    assert 120 < right[0] < 135


def test_one_pixel_of_the_image_is_a_square():
    truth = ramp((48, 40))
    pixels = np.asarray(compare({"truth": truth}))[40 : 40 + 480, 12 : 12 + 400]
    squares = pixels.reshape(48, 10, 40, 10, 3)
    assert np.all(squares == squares[:, :1, :, :1])


def test_channels_are_coloured_and_added():
    channels = np.zeros((2, 30, 30))
    channels[0, :, 10:] = 1
    channels[1, :, 20:] = 1
    pixels = np.asarray(compare({"two": Volume(channels, "CYX")}))
    row = pixels[40 + 8 * 16, 12:]
    assert row[8].tolist() == [0, 0, 0]
    assert row[15 * 16].tolist() == [0, 255, 0]
    assert row[25 * 16].tolist() == [255, 255, 255]


def test_uncertainty_gets_a_panel_and_a_key():
    truth, std = ramp(), ramp().like(ramp().read() / 10)
    picture = np.asarray(compare({"noisy": truth}, std)).astype(int)
    panel = picture[40:520, 12 + 480 + 12 : -12]
    assert panel[-5, -5].sum() > 600
    assert panel[5, 5].sum() < 60
    key = picture[-17, -12 - 140 : -12].sum(1)
    assert np.all(np.diff(key) >= -3)
    assert key[-1] - key[0] > 600


def test_scale_bar_only_where_the_size_is_known():
    plain = np.zeros((60, 60))
    known = Volume(plain, "YX", scale=(0.5, 0.5), units=MICROMETRES)
    with_bar = np.asarray(compare({"a": known}))
    without = np.asarray(compare({"a": Volume(plain, "YX")}))
    bright = (with_bar.min(-1) > 230) & (without.min(-1) < 230)
    rows, columns = np.nonzero(bright)
    # 30 µm wide, 16 px for each 1 µm: a quarter is 7.5 µm, of which 5 µm are shown.
    widths = [np.ptp(columns[rows == row]) + 1 for row in np.unique(rows)]
    assert max(widths) == 81


def test_plane_is_the_middle_of_time_and_depth():
    shape, axes = (5, 2, 7, 6, 8), "TCZYX"
    data = np.arange(np.prod(shape)).reshape(shape)
    assert np.array_equal(plane(Volume(data, axes)), data[2, :, 3])
    turned = data.transpose(4, 3, 2, 1, 0)
    assert np.array_equal(plane(Volume(turned, axes[::-1])), data[2, :, 3])
    colours = np.arange(6 * 8 * 3).reshape(6, 8, 3)
    assert np.array_equal(plane(Volume(colours, "YXS")), colours.transpose(2, 0, 1))


def test_large_images_are_cut_to_their_centre():
    wide = Volume(np.arange(3000.0)[None].repeat(20, 0), "YX")
    assert plane(wide).shape == (1, 20, 960)
    assert plane(wide)[0, 0, 0] == 1020
    assert compare({"wide": wide}).size == (12 + 960 + 12, 40 + 20 + 34)


@pytest.mark.parametrize(
    "pixels", [np.zeros((20, 20)), np.full((20, 20), np.nan), np.full((20, 20), 7, np.uint8)]
)
def test_constant_and_empty_images_are_drawn(pixels):
    picture = np.asarray(compare({"flat": Volume(pixels, "YX")}, Volume(pixels, "YX")))
    assert tuple(picture[0, 0]) == _BACKGROUND


def test_images_of_other_shapes_are_refused():
    with pytest.raises(InputError, match=r"\(60, 60\), \(30, 30\); compare images of one shape"):
        compare({"a": ramp(), "b": ramp((30, 30))})


def test_picture_is_saved_whole(tmp_path):
    save(compare({"a": ramp()}), tmp_path / "picture.png")
    with Image.open(tmp_path / "picture.png") as picture:
        assert (picture.format, picture.size) == ("PNG", (504, 554))
    with pytest.raises(InputError, match="create it first"):
        save(compare({"a": ramp()}), tmp_path / "nowhere" / "picture.png")
    assert [path.name for path in tmp_path.iterdir()] == ["picture.png"]


@pytest.mark.parametrize(
    ("length", "rounded"), [(7.5, 5), (1.0, 1), (99.9, 50), (0.03, 0.02), (2e-4, 2e-4), (10, 10)]
)
def test_round_length(length, rounded):
    assert round_length(length) == pytest.approx(rounded)
