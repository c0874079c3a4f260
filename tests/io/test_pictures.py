"""PNG and JPEG in and out."""

from __future__ import annotations

import imagecodecs
import numpy as np
import pytest

from napari_blindspot.io import Volume, open_volume, save_volume
from napari_blindspot.params import InputError


def picture(shape, dtype=np.uint8):
    rows = np.linspace(0, 200, shape[0]).reshape(-1, *(1,) * (len(shape) - 1))
    return np.broadcast_to(rows, shape).astype(dtype)


@pytest.mark.parametrize(
    ("shape", "axes"), [((20, 30), "YX"), ((20, 30, 3), "YXS"), ((20, 30, 4), "YXS")]
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_png_keeps_every_value(tmp_path, shape, axes, dtype):
    volume = Volume(picture(shape, dtype), axes)
    assert save_volume(tmp_path / "a.png", volume) == ""
    back = open_volume(tmp_path / "a.png")
    assert (back.axes, back.dtype) == (axes, np.dtype(dtype))
    np.testing.assert_array_equal(back.read(), volume.data)


def test_jpeg_is_close_and_says_that_it_is_lossy(tmp_path):
    volume = Volume(picture((32, 32)), "YX")
    assert "lossy" in save_volume(tmp_path / "a.jpg", volume)
    back = open_volume(tmp_path / "a.jpg")
    assert "JPEG" in back.note
    assert np.abs(back.read().astype(int) - volume.data).max() < 4


def test_axes_of_length_1_are_left_out(tmp_path):
    volume = Volume(picture((20, 30))[None, :, None].transpose(0, 2, 1, 3), "TCYX")
    save_volume(tmp_path / "a.png", volume)
    assert open_volume(tmp_path / "a.png").shape == (20, 30)


def test_a_lost_scale_is_said(tmp_path):
    volume = Volume(picture((20, 30)), "YX", scale=(0.1, 0.1), units=("micrometer",) * 2)
    assert "scale is lost" in save_volume(tmp_path / "a.png", volume)


@pytest.mark.parametrize(
    ("name", "volume", "message"),
    [
        ("a.png", Volume(picture((3, 20, 30)), "ZYX"), "holds one plane"),
        ("a.png", Volume(picture((20, 30), np.float32), "YX"), "cannot hold float32"),
        ("a.jpg", Volume(picture((20, 30), np.uint16), "YX"), "cannot hold uint16"),
    ],
)
def test_what_a_picture_cannot_hold_is_refused(tmp_path, name, volume, message):
    with pytest.raises(InputError, match=message):
        save_volume(tmp_path / name, volume)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_damaged_pictures_are_named_in_one_sentence(tmp_path, name):
    encode = imagecodecs.png_encode if name == "a.png" else imagecodecs.jpeg_encode
    (tmp_path / name).write_bytes(encode(picture((64, 64)))[:60])
    with pytest.raises(InputError, match="cannot be read as"):
        open_volume(tmp_path / name)


def test_a_picture_that_states_absurd_sizes_is_not_unpacked(tmp_path):
    encoded = bytearray(imagecodecs.png_encode(picture((64, 64))))
    encoded[16:24] = (2**30).to_bytes(4, "big") * 2
    (tmp_path / "a.png").write_bytes(encoded)
    with pytest.raises(InputError, match="damaged"):
        open_volume(tmp_path / "a.png")
