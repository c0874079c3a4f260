"""OME-Zarr in and out."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
import zarr

from napari_blindspot.io import Volume, open_volume, save_volume
from napari_blindspot.params import InputError


def stack(axes, shape, dtype=np.uint16, **description):
    values = np.random.default_rng(0).integers(0, 200, shape)
    return Volume(values.astype(dtype), axes, **description)


@pytest.mark.parametrize(
    ("axes", "shape"),
    [("YX", (7, 9)), ("ZYX", (20, 30, 40)), ("TCZYX", (2, 3, 4, 33, 35)), ("CTYX", (2, 3, 8, 8))],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32, np.float64, bool])
def test_what_was_written_comes_back(tmp_path, axes, shape, dtype):
    volume = stack(axes, shape, dtype)
    assert save_volume(tmp_path / "a.ome.zarr", volume) == ""
    back = open_volume(tmp_path / "a.ome.zarr")
    assert (back.axes, back.dtype) == (axes, np.dtype(dtype))
    np.testing.assert_array_equal(back.read(), volume.data)
    assert os.listdir(tmp_path) == ["a.ome.zarr"]


def test_scale_units_origin_and_names_are_kept(tmp_path):
    described = {
        "scale": (1.0, 2.0, 0.5, 0.1, 0.2),
        "units": ("", "second", "micrometer", "nanometer", "micrometer"),
        "origin": (0.0, 0.0, 3.0, -4.0, 5.0),
        "channel_names": ("DNA", "actin"),
    }
    volume = stack("CTZYX", (2, 3, 4, 5, 6), **described)
    save_volume(tmp_path / "a.ome.zarr", volume)
    back = open_volume(tmp_path / "a.ome.zarr")
    for name, value in described.items():
        assert getattr(back, name) == value


def test_a_folder_that_vanishes_is_not_read_as_zeros(tmp_path):
    save_volume(tmp_path / "a.zarr", stack("YX", (20, 30)))
    volume = open_volume(tmp_path / "a.zarr")
    (tmp_path / "a.zarr").rename(tmp_path / "b.zarr")
    with pytest.raises(InputError, match=r"a\.zarr cannot be used: it is no longer there"):
        volume.read()


def test_a_pixel_size_without_a_unit_is_kept(tmp_path):
    volume = stack("TYX", (2, 20, 30), scale=(1.5, 0.5, 0.25))
    assert save_volume(tmp_path / "a.zarr", volume) == ""
    back = open_volume(tmp_path / "a.zarr")
    assert (back.scale, back.units) == (volume.scale, ("", "pixel", "pixel"))


def test_regions_are_read_in_the_order_of_the_axes(tmp_path):
    volume = stack("CTYX", (2, 3, 8, 9))
    save_volume(tmp_path / "a.zarr", volume)
    region = (slice(1, 2), slice(0, 2), slice(3, 7), slice(2, 9))
    back = open_volume(tmp_path / "a.zarr")
    np.testing.assert_array_equal(back.read(region), volume.data[region])


def test_rgb_is_stored_as_channels_and_comes_back_as_samples(tmp_path):
    volume = stack("YXS", (20, 21, 3), np.uint8)
    assert "channels" in save_volume(tmp_path / "a.ome.zarr", volume)
    back = open_volume(tmp_path / "a.ome.zarr")
    assert back.axes == "YXS"
    np.testing.assert_array_equal(back.read(), volume.data)


def test_the_pyramid_holds_means_at_the_right_place(tmp_path):
    volume = stack("YX", (600, 520), scale=(0.5, 0.25), units=("micrometer",) * 2)
    save_volume(tmp_path / "a.ome.zarr", volume)
    group = zarr.open_group(tmp_path / "a.ome.zarr", mode="r")
    assert [group[name].shape for name in "012"] == [(600, 520), (300, 260), (150, 130)]
    mean = volume.data.reshape(300, 2, 260, 2).mean((1, 3))
    np.testing.assert_array_equal(group["1"][...], np.rint(mean))
    (image,) = group.attrs["ome"]["multiscales"]
    scale, translation = image["datasets"][1]["coordinateTransformations"]
    assert (scale["scale"], translation["translation"]) == ([1.0, 0.5], [0.25, 0.125])


def test_version_04_stays_04(tmp_path):
    volume = stack("ZYX", (3, 8, 8), metadata={"version": "0.4"})
    save_volume(tmp_path / "a.ome.zarr", volume)
    attributes = json.loads((tmp_path / "a.ome.zarr" / ".zattrs").read_text())
    assert attributes["multiscales"][0]["version"] == "0.4"
    assert open_volume(tmp_path / "a.ome.zarr").metadata["version"] == "0.4"


def test_an_existing_image_is_replaced_whole(tmp_path):
    save_volume(tmp_path / "a.zarr", stack("ZYX", (3, 8, 8)))
    save_volume(tmp_path / "a.zarr", stack("YX", (5, 5)))
    assert open_volume(tmp_path / "a.zarr").shape == (5, 5)
    assert os.listdir(tmp_path) == ["a.zarr"]


def test_a_failure_leaves_the_old_image(tmp_path, monkeypatch):
    save_volume(tmp_path / "a.zarr", stack("YX", (5, 5)))

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("napari_blindspot.io.ome_zarr_out._write_finest", full)
    with pytest.raises(InputError, match="no space left"):
        save_volume(tmp_path / "a.zarr", stack("YX", (6, 6)))
    assert open_volume(tmp_path / "a.zarr").shape == (5, 5)
    assert os.listdir(tmp_path) == ["a.zarr"]


def test_a_folder_of_something_else_is_not_replaced(tmp_path):
    (tmp_path / "a.zarr").mkdir()
    (tmp_path / "a.zarr" / "letter.txt").write_text("x")
    with pytest.raises(InputError, match="no Zarr folder"):
        save_volume(tmp_path / "a.zarr", stack("YX", (5, 5)))
    assert (tmp_path / "a.zarr" / "letter.txt").exists()


def test_an_array_without_metadata_is_guessed(tmp_path):
    zarr.save_array(tmp_path / "a.zarr", np.zeros((20, 30, 40), np.float32))
    volume = open_volume(tmp_path / "a.zarr")
    assert volume.axes == "ZYX"
    assert "guessed" in volume.note
    assert open_volume(tmp_path / "a.zarr", axes="TYX").axes == "TYX"


def damage_chunk(folder):
    chunk = next(path for path in (folder / "0" / "c").rglob("*") if path.is_file())
    chunk.write_bytes(b"\x01" * 40)


def remove_array(folder):
    (folder / "0" / "zarr.json").unlink()


def empty_metadata(folder):
    (folder / "zarr.json").write_text("{")


def no_image(folder):
    (folder / "zarr.json").write_text('{"zarr_format": 3, "node_type": "group"}')


def plate(folder):
    attributes = {"ome": {"version": "0.5", "plate": {}}}
    text = {"zarr_format": 3, "node_type": "group", "attributes": attributes}
    (folder / "zarr.json").write_text(json.dumps(text))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (damage_chunk, "cannot be read as OME-Zarr"),
        (remove_array, "is missing"),
        (empty_metadata, "cannot be read"),
        (no_image, "holds no image"),
        (plate, "plate of many images"),
    ],
)
def test_damaged_folders_are_named_in_one_sentence(tmp_path, damage, message):
    folder = tmp_path / "a.ome.zarr"
    save_volume(folder, stack("YX", (50, 50)))
    damage(folder)
    with pytest.raises(InputError, match=message):
        open_volume(folder).read()
