"""How large the tiles are in which a volume is denoised."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest

from napari_blindspot.pieces import ROOM, TILE, tile_for


def network_of(halo, margin=0, bytes_per_value=None):
    net = SimpleNamespace(halo=halo, divisor=(1,) * len(halo), bytes_per_value=bytes_per_value)
    parts = SimpleNamespace(network=net, predictor=SimpleNamespace(margin=margin))
    return SimpleNamespace(parts=parts)


PLANE, VOLUME, PLENTY = (5000, 5000), (500, 5000, 5000), 2**40


def test_tiles_are_smaller_where_little_memory_is_free():
    plane, volume = network_of((20, 20)), network_of((3, 20, 20))
    assert tile_for(plane, PLANE, 1, PLENTY) == TILE[2]
    assert tile_for(plane, PLANE, 1, 2**28) == (256, 256)
    assert tile_for(plane, PLANE, 4, 2**28) == (128, 128)
    assert tile_for(volume, VOLUME, 1, 0) == (32, 40, 40)


@pytest.mark.parametrize("free", [0, 2**28, 2**30, PLENTY])
@pytest.mark.parametrize(("halo", "space"), [((20, 20), PLANE), ((10, 20, 20), VOLUME)])
def test_tiles_of_networks_whose_memory_is_known_fit_into_it(free, halo, space):
    tile = tile_for(network_of(halo, 0, 400.0), space, 1, free)
    smallest = (32,) * (len(halo) - 2) + (64, 64)
    room = max(min(ROOM, free / 2), 400 * math.prod(smallest))
    assert 400 * math.prod(tile) <= room


def test_tiles_are_larger_for_wide_networks_that_need_little_memory():
    side, _ = tile_for(network_of((100, 100), 10, 400.0), PLANE, 1, PLENTY)
    assert side == 12 * 110
    assert tile_for(network_of((20, 20), 0, 400.0), PLANE, 1, PLENTY) == (1024, 1024)


def test_tiles_are_deep_where_networks_look_far_along_z():
    far, near = (tile_for(network_of((z, 20, 20), 0, 400.0), VOLUME, 1, PLENTY) for z in (10, 1))
    assert far[0] > near[0] == 32
    thin = tile_for(network_of((10, 20, 20), 0, 400.0), (20, 5000, 5000), 1, PLENTY)
    assert thin[0] >= 20
    assert thin[1] > far[1]
