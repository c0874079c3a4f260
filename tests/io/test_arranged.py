from __future__ import annotations

import numpy as np
import pytest

from napari_blindspot.io.arranged import Arranged, arranged

VALUES = np.arange(2 * 1 * 3 * 4).reshape(2, 1, 3, 4)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ((0, 1, 2, 3), VALUES),
        ((3, 0, 2), VALUES[:, 0].transpose(2, 0, 1)),
        ((2, None, 1, 3, 0, None), VALUES.transpose(2, 1, 3, 0)[:, None, :, :, :, None]),
    ],
)
def test_axes_are_in_order_whether_read_at_once_or_by_region(order, expected):
    whole = arranged(VALUES, order)
    np.testing.assert_array_equal(whole, expected)
    assert np.shares_memory(whole, VALUES)
    lazy = Arranged(VALUES, order)
    assert (lazy.shape, lazy.dtype) == (expected.shape, VALUES.dtype)
    np.testing.assert_array_equal(lazy[...], expected)
    for cut in (lambda n: slice(n // 2, n), lambda n: slice(n // 2), lambda _: slice(1, 1)):
        region = tuple(cut(n) for n in expected.shape)
        np.testing.assert_array_equal(lazy[region], expected[region])


def test_an_axis_longer_than_one_cannot_be_left_out():
    with pytest.raises(ValueError, match="not equal to one"):
        arranged(VALUES, (1, 2, 3))
