"""Pixels that are read where they are looked at, and names for files that overwrite nothing."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest

from napari_blindspot._gui.free_path import free_path
from napari_blindspot._gui.lazy import sliceable

pytestmark = pytest.mark.gui


class Counted:
    """Pixels of a file that counts what is read of it."""

    def __init__(self, pixels):
        self._pixels = pixels
        self.shape, self.dtype = pixels.shape, pixels.dtype
        self.read = 0

    def __getitem__(self, index):
        part = self._pixels[index]
        self.read += part.size
        return part


@pytest.mark.parametrize("pixels", [np.zeros((3, 4)), da.zeros((3, 4))])
def test_what_can_be_sliced_is_taken_as_it_is(pixels):
    assert sliceable(pixels) is pixels


def test_of_a_file_the_planes_that_are_looked_at_are_read():
    values = np.arange(5 * 6 * 7).reshape(5, 6, 7)
    file = Counted(values)
    lazy = sliceable(file)
    assert (lazy.shape, lazy.dtype, file.read) == (values.shape, values.dtype, 0)
    np.testing.assert_array_equal(lazy[2].compute(), values[2])
    assert file.read == 6 * 7
    np.testing.assert_array_equal(lazy.compute(), values)


def test_a_free_path_is_numbered_past_those_that_are_taken(tmp_path):
    names = []
    for _ in range(3):
        path = free_path(tmp_path, "cells", ".ome.zarr")
        path.mkdir()
        names.append(path.name)
    assert names == ["cells.ome.zarr", "cells_2.ome.zarr", "cells_3.ome.zarr"]
