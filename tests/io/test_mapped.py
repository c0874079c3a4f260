"""Memory-mapped files that do not stay in memory."""

from __future__ import annotations

import os
import resource
import sys

import numpy as np
import pytest

import disks
from napari_blindspot.io import Volume, open_volume
from napari_blindspot.io.mapped import memory_map, scratch
from napari_blindspot.params import InputError

MEGABYTE = 2**20
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self/statm")


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


@needs_linux
def test_regions_of_a_large_file_do_not_fill_the_memory(tmp_path):
    np.save(tmp_path / "a.npy", np.ones((200, 1024, 256), np.uint16))
    volume = open_volume(tmp_path / "a.npy")
    before = resident()
    total = sum(
        int(volume.read((slice(z, z + 1),) * 1 + (slice(None),) * 2).sum()) for z in range(200)
    )
    assert total == 200 * 1024 * 256
    assert resident() - before < 20 * MEGABYTE


def test_a_region_of_a_map_is_a_copy_and_other_regions_are_not(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(20).reshape(4, 5))
    mapped = open_volume(tmp_path / "a.npy").read((slice(1, 3), slice(0, 2)))
    assert memory_map(mapped) is None
    np.testing.assert_array_equal(mapped, [[5, 6], [10, 11]])
    values = np.zeros((4, 5))
    assert np.shares_memory(Volume(values, "YX").read((slice(0, 2), slice(0, 2))), values)


@pytest.mark.parametrize("wrap", [lambda a: a, np.asarray, lambda a: a.T])
def test_changes_in_a_private_copy_of_a_file_are_not_lost(tmp_path, wrap):
    np.save(tmp_path / "a.npy", np.zeros((400, 400)))
    private = np.load(tmp_path / "a.npy", mmap_mode="c")
    private[:] = 7
    volume = Volume(wrap(private), "YX")
    for _ in range(2):
        assert (volume.read((slice(0, 300), slice(0, 300))) == 7).all()
    assert (private == 7).all()


@needs_linux
def test_scratch_keeps_what_is_written_but_not_in_memory(tmp_path):
    path = tmp_path / "s"
    with scratch(path, (100, 1024, 256), np.float32) as array:
        before = resident()
        for z in range(100):
            array[z] = np.full((1024, 256), z, np.float32)
        assert resident() - before < 20 * MEGABYTE
        assert path.stat().st_size == 100 * 1024 * 256 * 4
        volume = Volume(array, "ZYX")
        for z in (0, 50, 99):
            assert (volume.read((slice(z, z + 1), slice(None), slice(None))) == z).all()
    assert not path.exists()


def test_scratch_is_removed_after_an_error(tmp_path):
    with pytest.raises(KeyError), scratch(tmp_path / "s", (2, 2), np.uint8):
        raise KeyError
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("native", [True, False])
def test_there_is_space_for_all_of_a_scratch_or_none_is_made(tmp_path, monkeypatch, native):
    if not native:
        monkeypatch.delattr(os, "posix_fallocate", raising=False)
    with disks.mounted(tmp_path / "small", "size=1m") as folder:
        with scratch(folder / "s", (3, 300_000), np.uint8) as array:
            assert (folder / "s").stat().st_size == 900_000
            assert not array[:].any()
        with (
            pytest.raises(OSError, match="No space left"),
            scratch(folder / "s", (3, 400_000), np.uint8),
        ):
            pass
        assert list(folder.iterdir()) == []


def test_a_file_that_was_cut_off_is_not_touched(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((100, 100, 100)))
    volume = open_volume(tmp_path / "a.npy")
    region = (slice(99, 100), slice(0, 2), slice(0, 2))
    assert not volume.read(region).any()
    os.truncate(tmp_path / "a.npy", 10_000)
    for wanted in (region, None, (slice(0, 1), slice(0, 2), slice(0, 2))):
        with pytest.raises(InputError, match=r"a\.npy was cut off while it was in use"):
            volume.read(wanted)
