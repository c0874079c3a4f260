"""The two ways in and out of `napari_blindspot.io`."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import tifffile

from napari_blindspot.io import Volume, check_target, open_volume, save_volume
from napari_blindspot.params import InputError

IMAGE = Volume(np.arange(20, dtype=np.uint8).reshape(4, 5), "YX")


@pytest.mark.parametrize("name", ["a.tif", "a.TIFF", "a.ome.tif", "ä b.tif", "a.btf"])
def test_open_what_was_saved(tmp_path, name):
    assert save_volume(tmp_path / name, IMAGE) == ""
    assert os.listdir(tmp_path) == [name]
    volume = open_volume(str(tmp_path / name), axes="YX", channel_names=["DNA"])
    assert volume.channel_names == ("DNA",)
    np.testing.assert_array_equal(volume.read(), IMAGE.data)


def test_compression_is_passed_on(tmp_path):
    save_volume(tmp_path / "a.tif", IMAGE, compression="zlib")
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.pages[0].compression == tifffile.COMPRESSION.ADOBE_DEFLATE


def test_inputs_that_are_no_image_files(tmp_path):
    (tmp_path / "empty.tif").touch()
    (tmp_path / "folder.tif").mkdir()
    (tmp_path / "a.doc").write_text("x")
    for name, message in [
        ("none.tif", "none.tif does not exist"),
        ("empty.tif", "empty.tif is empty: 0 bytes"),
        ("folder.tif", "folder.tif is not a file"),
        ("a.doc", "a.doc has the suffix '.doc', which is not supported; use .tif, .tiff"),
    ]:
        with pytest.raises(InputError, match=message):
            open_volume(tmp_path / name)


def test_targets_that_cannot_be_written(tmp_path):
    (tmp_path / "folder.tif").mkdir()
    for name, message in [
        ("a.doc", "suffix '.doc'"),
        ("none/a.tif", "no folder .*none; create it first"),
        ("folder.tif", "folder.tif is a folder"),
    ]:
        with pytest.raises(InputError, match=message):
            save_volume(tmp_path / name, IMAGE)
    assert os.listdir(tmp_path) == ["folder.tif"]


def test_a_read_only_folder_is_found_out_beforehand(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    with pytest.raises(InputError, match="is read-only"):
        check_target(tmp_path / "a.tif")


def test_the_input_is_never_overwritten(tmp_path):
    save_volume(tmp_path / "a.tif", IMAGE)
    before = (tmp_path / "a.tif").read_bytes()
    volume = open_volume(tmp_path / "a.tif")
    result = volume.like(np.zeros((4, 5)))
    (tmp_path / "link.tif").symlink_to(tmp_path / "a.tif")
    os.link(tmp_path / "a.tif", tmp_path / "hard.tif")
    for name in ("a.tif", "link.tif", "hard.tif"):
        with pytest.raises(InputError, match="is the input itself; give the result another name"):
            save_volume(tmp_path / name, result)
    assert (tmp_path / "a.tif").read_bytes() == before


def test_a_folder_that_is_the_input_is_not_written_into(tmp_path):
    save_volume(tmp_path / "a.zarr", IMAGE)
    volume = open_volume(tmp_path / "a.zarr")
    with pytest.raises(InputError, match="lies inside the input"):
        check_target(tmp_path / "a.zarr" / "b.tif", volume)


@pytest.mark.parametrize(
    ("name", "axes", "dtype", "message"),
    [
        ("a.png", "ZYX", "uint8", "holds one plane"),
        ("a.png", "YX", "float32", "cannot hold float32, only uint8 or uint16; write a .tif"),
        ("a.jpg", "YX", "uint16", "cannot hold uint16, only uint8"),
        ("a.zarr", "CYXS", "uint8", "both C and S; write a .tif"),
    ],
)
def test_what_a_format_cannot_hold_is_found_out_beforehand(tmp_path, name, axes, dtype, message):
    volume = Volume(np.zeros((2, 4, 5, 3)[: len(axes)], np.uint8), axes)
    with pytest.raises(InputError, match=message):
        check_target(tmp_path / name, volume, dtype=dtype)


def test_an_unknown_compression_is_refused(tmp_path):
    with pytest.raises(InputError, match="use zlib, lzw, zstd or none"):
        save_volume(tmp_path / "a.tif", IMAGE, compression="jpeg")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.npy", "a.png", "a.zarr"])
def test_a_compression_that_a_format_does_not_have_is_refused(tmp_path, name):
    with pytest.raises(InputError, match="leave it out"):
        save_volume(tmp_path / name, IMAGE.like(IMAGE.data.astype(np.uint8)), compression="zlib")


def test_another_file_is_replaced_only_where_allowed(tmp_path):
    save_volume(tmp_path / "a.tif", IMAGE)
    before = (tmp_path / "a.tif").read_bytes()
    other = IMAGE.like(IMAGE.data + 1)
    with pytest.raises(InputError, match="exists already; remove it or give another name"):
        save_volume(tmp_path / "a.tif", other, overwrite=False)
    assert (tmp_path / "a.tif").read_bytes() == before
    assert check_target(tmp_path / "a.tif") == (tmp_path / "a.tif").resolve()
    save_volume(tmp_path / "a.tif", other)
    np.testing.assert_array_equal(open_volume(tmp_path / "a.tif").read(), other.data)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not replace open files")
def test_a_result_is_written_over_an_old_one_that_is_still_open(tmp_path):
    """The old file stays readable through its memory map: it is renamed away, not rewritten."""
    save_volume(tmp_path / "a.tif", IMAGE)
    old = open_volume(tmp_path / "a.tif")
    save_volume(tmp_path / "a.tif", IMAGE.like(IMAGE.data + 1))
    np.testing.assert_array_equal(old.read(), IMAGE.data)


FULL_DISK = """
import resource, sys
import numpy as np
from napari_blindspot.io import Volume, save_volume
from napari_blindspot.params import InputError
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
noisy = np.random.default_rng(0).random((4, 100, 100))
for compression in (None, "zlib"):
    try:
        save_volume(sys.argv[1], Volume(noisy, "ZYX"), compression=compression)
    except InputError as error:
        print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are a Unix matter")
def test_a_disk_that_fills_up_leaves_the_old_file(tmp_path):
    target = tmp_path / "a.tif"
    target.write_text("old")
    command = [sys.executable, "-c", FULL_DISK, str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    message = f"{target.resolve()} was not written: no space left in {tmp_path.resolve()}; free"
    assert [line.startswith(message) for line in done.stdout.splitlines()] == [True, True]
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.tif"]


def test_torch_is_not_imported():
    code = "import sys, napari_blindspot.io; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
