"""An array that has values in one region only."""

from __future__ import annotations

import numpy as np
import pytest

from napari_blindspot._gui.preview_layer import Excerpt

SHAPE = (3, 4, 6, 7)
REGION = (slice(1, 2), slice(2, 3), slice(1, 5), slice(3, 7))


@pytest.mark.parametrize(
    "index",
    [
        (1, 2, slice(None), slice(None)),
        (1, 3, slice(None), slice(None)),
        (np.int64(1), 2),
        (slice(None), 2, slice(2, 4), slice(None, None, 2)),
        (Ellipsis, 4),
        (-2, Ellipsis),
        Ellipsis,
        1,
    ],
)
def test_slices_are_those_of_the_whole_array(index):
    image = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)
    whole = np.full(SHAPE, np.nan, np.float32)
    whole[REGION] = image
    excerpt = Excerpt(SHAPE)
    assert np.isnan(excerpt[index]).all()

    excerpt.put(image, REGION)

    np.testing.assert_array_equal(excerpt[index], whole[index])


def test_only_the_last_region_has_values():
    excerpt = Excerpt((4, 8))
    excerpt.put(np.ones((1, 8), np.float32), (slice(0, 1), slice(0, 8)))
    excerpt.put(np.ones((1, 8), np.float32), (slice(3, 4), slice(0, 8)))
    assert np.isnan(excerpt[0]).all()
    assert (excerpt[3] == 1).all()
