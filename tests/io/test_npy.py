"""NumPy files in and out."""

from __future__ import annotations

import numpy as np
import pytest

from napari_blindspot.io import Volume, open_volume, save_volume
from napari_blindspot.params import InputError


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint32, np.float16, ">f8"])
def test_what_was_written_comes_back_without_being_loaded(tmp_path, dtype):
    values = np.arange(24).reshape(2, 3, 4).astype(dtype)
    assert save_volume(tmp_path / "a.npy", Volume(values, "ZYX")) == ""
    back = open_volume(tmp_path / "a.npy")
    assert isinstance(back.data, np.memmap)
    assert back.axes == "ZYX"
    np.testing.assert_array_equal(back.read(), values)


def test_given_axes_overrule_the_guess(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((3, 20, 20)))
    assert open_volume(tmp_path / "a.npy", axes="TYX").axes == "TYX"


def test_a_lost_scale_is_said(tmp_path):
    volume = Volume(np.zeros((4, 4)), "YX", scale=(2.0, 2.0), units=("micrometer",) * 2)
    assert "lost" in save_volume(tmp_path / "a.npy", volume)


def test_nothing_is_unpickled(tmp_path):
    np.save(tmp_path / "a.npy", np.array([[{"a": 1}]]), allow_pickle=True)
    with pytest.raises(InputError, match="cannot be read as npy"):
        open_volume(tmp_path / "a.npy")


@pytest.mark.parametrize("values", [np.zeros((4, 4), complex), np.array([["a", "b"]])])
def test_other_types_are_refused(tmp_path, values):
    np.save(tmp_path / "a.npy", values)
    with pytest.raises(InputError, match="use bool, integers or floats"):
        open_volume(tmp_path / "a.npy")


def test_a_damaged_file_is_named_in_one_sentence(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((40, 40)))
    whole = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(whole[:1000])
    with pytest.raises(InputError, match="cannot be read as npy"):
        open_volume(tmp_path / "a.npy")
