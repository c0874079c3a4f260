from __future__ import annotations

import errno
import os

import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from napari_blindspot.io.base import Volume, replacing, to_dtype
from napari_blindspot.params import InputError


def test_a_volume_of_unknown_scale():
    volume = Volume(np.zeros((2, 3, 4, 5), np.uint16), "tcyx")
    assert volume.axes == "TCYX"
    assert volume.scale == (1.0, 1.0, 1.0, 1.0)
    assert volume.units == ("", "", "pixel", "pixel")
    assert (volume.shape, volume.dtype, volume.nbytes) == ((2, 3, 4, 5), np.uint16, 240)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"axes": "ZYX"}, "names 3 axes"),
        ({"scale": (1.0, 2.0)}, "axes CYXS need 4"),
        ({"scale": (1.0, 1.0, 0.0, 1.0)}, "use numbers above 0"),
        ({"scale": (1.0, 1.0, float("nan"), 1.0)}, "use numbers above 0"),
        ({"units": ("pixel",)}, "1 entries"),
        ({"origin": (0.0,)}, "1 entries"),
        ({"channel_names": ("a", "b", "c")}, "3 channel names were given"),
        ({"data": np.zeros((2, 0, 5, 3))}, "has no pixels"),
    ],
)
def test_a_volume_whose_parts_do_not_fit_is_refused(changes, message):
    with pytest.raises(InputError, match=message):
        Volume(**({"data": np.zeros((2, 4, 5, 3)), "axes": "CYXS"} | changes))


def test_one_name_fits_an_image_without_channel_axis():
    assert Volume(np.zeros((4, 5)), "YX", channel_names=("DNA",)).channel_names == ("DNA",)


@pytest.mark.parametrize("kind", ["numpy", "big-endian", "memory map", "zarr"])
def test_any_array_is_read_region_by_region(kind, tmp_path):
    expected = np.arange(60, dtype=np.uint16).reshape(3, 4, 5)
    if kind == "zarr":
        data = zarr.array(expected, chunks=(1, 4, 2), store=tmp_path / "a.zarr")
    elif kind == "memory map":
        expected.tofile(tmp_path / "a.raw")
        data = np.memmap(tmp_path / "a.raw", np.uint16, "r", shape=(3, 4, 5))
    else:
        data = expected.astype(">u2") if kind == "big-endian" else expected
    volume = Volume(data, "ZYX")
    region = (slice(1, 3), slice(0, 2), slice(2, 5))
    for pixels, wanted in [(volume.read(), expected), (volume.read(region), expected[region])]:
        assert type(pixels) is np.ndarray
        assert pixels.dtype.isnative
        np.testing.assert_array_equal(pixels, wanted)
    assert volume.dtype == np.dtype(np.uint16)


def test_like_keeps_the_description():
    volume = Volume(np.zeros((4, 5)), "YX", (0.1, 0.2), ("micrometer",) * 2, ("DNA",), note="n")
    result = volume.like(np.ones((4, 5), np.float32))
    assert (result.axes, result.scale, result.units) == ("YX", (0.1, 0.2), ("micrometer",) * 2)
    assert (result.channel_names, result.note, result.dtype) == (("DNA",), "n", np.float32)
    assert volume.like(volume.data, note="other").note == "other"
    with pytest.raises(InputError, match="the image has 3"):
        volume.like(np.zeros((2, 4, 5)))


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8"])
def test_integers_are_rounded_and_clipped(dtype):
    limits = np.iinfo(dtype)
    values = np.array([-np.inf, -1e30, -0.4, 0.5, 1.5, 41.7, np.nan, 1e30, np.inf], np.float32)
    result = to_dtype(values, dtype)
    assert result.dtype == dtype
    assert result[2:7].tolist() == [0, 0, 2, 42, 0]
    assert result[:2].tolist() == [limits.min] * 2
    # 64-bit limits have no exact float: the largest float below counts.
    assert all(0 <= limits.max - int(value) < limits.max * 1e-15 + 1 for value in result[7:])


@given(npst.arrays(np.float32, 6, elements=st.floats(-1e6, 1e6, width=32)))
def test_values_in_range_move_by_half_at_most(values):
    original = values.copy()
    assert np.all(np.abs(to_dtype(values, np.int32) - values.astype(float)) <= 0.5)
    np.testing.assert_array_equal(values, original)


def test_wide_integers_survive_double_precision():
    assert to_dtype(np.array([2.0**31 + 1]), np.uint32)[0] == 2**31 + 1


def test_booleans_are_true_from_one_half():
    assert to_dtype([0.0, 0.49, 0.5, 1.0, np.nan], bool).tolist() == [
        False, False, True, True, False,
    ]  # fmt: skip


def test_floats_are_kept_and_halves_clipped_to_their_range():
    values = np.array([0.25, 1e6, -1e6, np.inf, np.nan], np.float32)
    np.testing.assert_array_equal(to_dtype(values, np.float64), values)
    np.testing.assert_array_equal(
        to_dtype(values, np.float16), [0.25, 65504, -65504, np.inf, np.nan]
    )


def test_other_types_are_refused():
    with pytest.raises(InputError, match="dtype=complex64 is not allowed"):
        to_dtype([1.0], np.complex64)


def test_a_file_appears_only_when_it_is_whole(tmp_path):
    target = tmp_path / "a.txt"
    with replacing(target) as part:
        part.write_text("new")
        assert part.parent == tmp_path
        assert not target.exists()
    assert target.read_text() == "new"
    assert os.listdir(tmp_path) == ["a.txt"]


def _fail_half_way(part, error):
    part.write_text("half")
    raise error


@pytest.mark.parametrize("error", [RuntimeError("x"), KeyboardInterrupt(), OSError(errno.EIO, "x")])
def test_a_failure_leaves_the_old_file_alone(tmp_path, error):
    target = tmp_path / "a.txt"
    target.write_text("old")
    wanted = InputError if isinstance(error, OSError) else type(error)
    with pytest.raises(wanted), replacing(target) as part:
        _fail_half_way(part, error)
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "no space left in"),
        (OSError("400 requested and 100 written"), "no space left in"),
        (PermissionError(errno.EACCES, "Permission denied"), r"\(Permission denied\); choose"),
        (OSError(errno.EROFS, "Read-only file system"), r"\(Read-only file system\); choose"),
        (FileNotFoundError(errno.ENOENT, "No such file"), "there is no folder"),
    ],
)
def test_what_the_system_refuses_becomes_one_sentence(tmp_path, error, message):
    with pytest.raises(InputError, match=message), replacing(tmp_path / "a.txt"):
        raise error


def test_a_missing_folder_becomes_one_sentence(tmp_path):
    with pytest.raises(InputError, match="no folder"), replacing(tmp_path / "b" / "a.txt") as part:
        part.write_text("x")
