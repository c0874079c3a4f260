from __future__ import annotations

import numpy as np
import pytest
import tifffile
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_blindspot.io import tiff_out
from napari_blindspot.io.base import Volume
from napari_blindspot.io.tiff import read_tiff
from napari_blindspot.io.tiff_out import stored_dtype, write_tiff
from napari_blindspot.params import InputError

KEPT = ("axes", "shape", "dtype", "scale", "units", "channel_names")


def noise(shape, dtype="uint16"):
    values = np.random.default_rng(0).normal(50, 20, shape)
    return (values > 50) if dtype == "bool" else values.astype(dtype)


def assert_kept(path, volume):
    result = read_tiff(path)
    for name in KEPT:
        assert getattr(result, name) == getattr(volume, name), name
    np.testing.assert_array_equal(result.read(), volume.read())
    return result


@st.composite
def axes_orders(draw):
    extra = draw(st.sets(st.sampled_from("TCZS")))
    axes = "".join(draw(st.permutations(sorted(extra | {"Y", "X"}))))
    return axes, tuple(draw(st.integers(1, 4)) for _ in axes)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(axes_orders())
def test_any_axes_order_and_axes_of_length_one_are_kept(tmp_path, order):
    axes, shape = order
    volume = Volume(noise(shape), axes)
    assert write_tiff(tmp_path / "a.tif", volume) == ""
    assert_kept(tmp_path / "a.tif", volume)


@pytest.mark.parametrize("compression", [None, "zlib", "lzw", "zstd"])
@pytest.mark.parametrize(
    "dtype", ["bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64"]
)
def test_types_are_kept(tmp_path, dtype, compression):
    volume = Volume(noise((3, 9, 11), dtype), "ZYX")
    assert write_tiff(tmp_path / "a.tif", volume, compression) == ""
    assert_kept(tmp_path / "a.tif", volume)


@pytest.mark.parametrize(
    ("dtype", "axes", "stored"),
    [
        ("float16", "ZYX", "float32"),
        ("int64", "ZYX", "float64"),
        ("uint64", "ZYX", "float64"),
        ("bool", "YXS", "uint8"),
    ],
)
def test_types_that_ome_lacks_are_stored_in_the_nearest(tmp_path, dtype, axes, stored):
    volume = Volume(noise((6, 5, 3), dtype), axes)
    note = write_tiff(tmp_path / "a.tif", volume)
    assert note == f"{dtype} is stored as {stored}, the nearest type of OME-TIFF"
    assert stored_dtype(dtype, has_samples="S" in axes) == stored
    result = read_tiff(tmp_path / "a.tif")
    assert result.dtype == stored
    np.testing.assert_array_equal(result.read(), volume.read())


def test_integers_beyond_double_precision_are_refused(tmp_path):
    volume = Volume(np.array([[-(2**53) - 2, 0]]), "YX")
    with pytest.raises(InputError, match=r"value 9007199254740994 of int64 cannot be stored"):
        write_tiff(tmp_path / "a.tif", volume)
    assert list(tmp_path.iterdir()) == []


def test_description_is_kept(tmp_path):
    volume = Volume(
        noise((2, 3, 2, 7, 9)),
        "TZCYX",
        scale=(0.1, 0.35, 1.0, 1 / 3.793965, 1 / 3.793965),
        units=("second", "micrometer", "", "micrometer", "micrometer"),
        channel_names=("DNA", "µ-tubule"),
    )
    assert write_tiff(tmp_path / "a.tif", volume) == ""
    result = assert_kept(tmp_path / "a.tif", volume)
    assert result.note == "axes TZCYX from OME metadata"


def test_other_readers_see_ome_tiff(tmp_path):
    volume = Volume(noise((5, 3, 6, 7)), "YXCZ", (0.2, 0.2, 1.0, 0.5), ("micrometer",) * 4)
    write_tiff(tmp_path / "a.tif", volume)
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.is_ome
        series = file.series[0]
        assert (series.axes, series.shape) == ("CZYX", (6, 7, 5, 3))
        np.testing.assert_array_equal(series.asarray(), volume.data.transpose(2, 3, 0, 1))
        assert 'PhysicalSizeZ="0.5"' in file.ome_metadata


def test_rgb_is_stored_as_rgb(tmp_path):
    write_tiff(tmp_path / "a.tif", Volume(noise((3, 6, 7), "uint8"), "SYX"))
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.pages[0].photometric == tifffile.PHOTOMETRIC.RGB
        assert file.pages[0].shape == (6, 7, 3)


def test_pixels_are_read_plane_by_plane(tmp_path):
    class Planes:
        """Array that notes how much of it was asked for at once."""

        shape, dtype = (2, 3, 4, 5), np.dtype(np.uint8)
        largest = 0

        def __getitem__(self, region):
            pixels = np.broadcast_to(np.arange(4, dtype=np.uint8)[:, None], self.shape)[region]
            self.largest = max(self.largest, pixels.size)
            return pixels

    planes = Planes()
    write_tiff(tmp_path / "a.tif", Volume(planes, "TZYX"))
    assert planes.largest == 20
    assert read_tiff(tmp_path / "a.tif").read()[1, 2, 3].tolist() == [3] * 5


def test_lazy_and_big_endian_arrays_are_written(tmp_path):
    expected = noise((3, 6, 7))
    lazy = zarr.array(expected, chunks=(2, 4, 4))
    for data in (lazy, expected.astype(">u2")):
        write_tiff(tmp_path / "a.tif", Volume(data, "ZYX"))
        np.testing.assert_array_equal(read_tiff(tmp_path / "a.tif").read(), expected)


def test_large_files_become_bigtiff(tmp_path, monkeypatch):
    volume = Volume(noise((3, 6, 7)), "ZYX")
    for limit, big in [(volume.nbytes + 1, False), (volume.nbytes, True)]:
        monkeypatch.setattr(tiff_out, "BIGTIFF_BYTES", limit)
        write_tiff(tmp_path / "a.tif", volume)
        with tifffile.TiffFile(tmp_path / "a.tif") as file:
            assert file.is_bigtiff == big
        assert_kept(tmp_path / "a.tif", volume)


def test_the_same_image_gives_the_same_bytes(tmp_path):
    volume = Volume(noise((3, 6, 7)), "ZYX")
    (tmp_path / "b").mkdir()
    for folder in (tmp_path, tmp_path / "b"):
        write_tiff(folder / "a.tif", volume)
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b" / "a.tif").read_bytes()
