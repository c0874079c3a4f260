from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_blindspot.tiling import halved, pad_reflected, padding, tiles


@given(
    st.lists(
        st.tuples(st.integers(1, 40), st.integers(1, 90), st.integers(0, 20)),
        min_size=1,
        max_size=2,
    ),
    st.sampled_from([1, 2, 4]),
)
def test_cores_cover_everything_once_with_their_halo(axes, divisor):
    shape = tuple(blocks * divisor for blocks, _, _ in axes)
    size, halo = [a[1] for a in axes], [a[2] for a in axes]
    count = np.zeros(shape, int)
    for tile in tiles(shape, size, halo, [divisor] * len(shape)):
        count[tile.core] += 1
        for read, core, crop, n, h in zip(
            tile.read, tile.core, tile.crop, shape, halo, strict=True
        ):
            assert read.start % divisor == 0
            assert read.stop % divisor == 0
            assert read.start <= max(core.start - h, 0)
            assert read.stop >= min(core.stop + h, n)
            assert (crop.start + read.start, crop.stop + read.start) == (core.start, core.stop)
    assert (count == 1).all()


@given(
    st.lists(st.tuples(st.integers(1, 20), st.integers(1, 60)), min_size=1, max_size=3),
    st.integers(0, 20),
    st.sampled_from([1, 2, 4]),
)
def test_halves_cover_a_tile_with_their_halo(axes, halo, divisor):
    shape = tuple(blocks * divisor for blocks, _ in axes)
    halos, divisors = [halo] * len(shape), [divisor] * len(shape)
    for tile in tiles(shape, [size for _, size in axes], halos, divisors):
        count = np.zeros(shape, int)
        halves = halved(tile, shape, halos, divisors)
        if halves is None:
            assert all(core.stop - core.start <= divisor for core in tile.core)
            continue
        for half in halves:
            count[half.core] += 1
            for read, core, crop, n in zip(half.read, half.core, half.crop, shape, strict=True):
                assert read.start % divisor == read.stop % divisor == core.start % divisor == 0
                assert read.start <= max(core.start - halo, 0)
                assert read.stop >= min(core.stop + halo, n)
                assert (crop.start + read.start, crop.stop + read.start) == (core.start, core.stop)
        assert (count[tile.core] == 1).all()
        assert count.sum() == count[tile.core].size


def test_small_images_are_one_tile():
    (only,) = tiles((32, 48), (64, 64), (10, 10), (4, 4))
    assert only.read == only.core == (slice(0, 32), slice(0, 48))


def test_tiles_stay_within_the_size_where_the_halo_allows():
    for tile in tiles((400, 400), (128, 128), (20, 20), (8, 8)):
        assert all(s.stop - s.start <= 128 for s in tile.read)


def test_shape_must_be_a_multiple():
    with pytest.raises(ValueError, match=r"\(30, 32\) is not a multiple of \(4, 4\)"):
        tiles((30, 32), (64, 64), (0, 0), (4, 4))


@pytest.mark.parametrize("shape", [(5, 7), (1, 64), (2, 3), (8, 8)])
def test_reflection_keeps_the_image_and_reaches_multiples(shape):
    image = np.arange(np.prod(shape), dtype=np.float32).reshape(1, *shape)
    padded = pad_reflected(image, (8, 8))
    assert padded.shape[1] % 8 == padded.shape[2] % 8 == 0
    np.testing.assert_array_equal(padded[:, : shape[0], : shape[1]], image)
    if shape[1] > 1 and shape[1] % 8:
        np.testing.assert_array_equal(padded[0, 0, shape[1]], image[0, 0, -2])


def test_padding_is_at_the_far_ends():
    assert padding((5, 8), (4, 4)) == ((0, 3), (0, 0))
