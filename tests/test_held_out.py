from __future__ import annotations

import numpy as np
import pytest

from napari_blindspot.held_out import SHARE, HeldOut


@pytest.mark.parametrize(("n", "space"), [(1, (512, 512)), (5, (200, 130)), (2, (33, 260, 250))])
def test_about_two_percent_in_blocks(n, space):
    held = HeldOut.of(n, space, 0)
    whole = [slice(0, length) for length in space]
    masks = np.stack([held.window(i, whole) for i in range(n)])
    assert masks.shape == (n, *space)
    assert 0.5 * SHARE < masks.mean() < 2 * SHARE
    for sample, *centre in held.centres():
        inside = tuple(min(c, length - 1) for c, length in zip(centre, space, strict=True))
        assert masks[(sample, *inside)]


def test_a_larger_share_can_be_asked_for():
    held = HeldOut.of(1, (200, 190), 0, 0.15)
    assert held.blocks.mean() == pytest.approx(0.15, abs=0.005)


def test_a_window_is_part_of_the_whole():
    held = HeldOut.of(1, (300, 200), 3)
    whole = held.window(0, [slice(0, 300), slice(0, 200)])
    np.testing.assert_array_equal(
        held.window(0, [slice(7, 131), slice(50, 199)]), whole[7:131, 50:199]
    )


def test_the_seed_decides():
    first, second, other = (HeldOut.of(1, (512, 512), seed).blocks for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()


def test_a_small_image_spares_nothing():
    assert HeldOut.of(1, (64, 64), 0) is None
