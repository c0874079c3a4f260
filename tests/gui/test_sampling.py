"""Places spread over an image."""

from __future__ import annotations

import math

import numpy as np
import pytest

from napari_blindspot._gui.sampling import sample_of, spread

SMALL = [(10, 12), (3, 100, 100), (7, 9, 40, 40)]
LARGE = [(5000, 6000), (100, 4096, 4096), (2, 3, 512, 512), (1, 10**7), (10**7, 1)]


@pytest.mark.parametrize("shape", SMALL + LARGE)
def test_places_are_spread_over_an_image_and_never_many(shape):
    regions = spread(shape)
    assert all(
        0 <= span.start < span.stop <= length
        for region in regions
        for span, length in zip(region, shape, strict=True)
    )
    total = sum(math.prod(span.stop - span.start for span in region) for region in regions)
    most = min(math.prod(shape), 5 * math.prod(shape[-2:])) if shape in SMALL else 1e6
    assert 0.9 * most < total <= most
    assert len({tuple(map(str, region)) for region in regions}) == len(regions)


def test_a_sample_leaves_out_what_is_not_finite():
    values = np.array([[1, np.nan], [np.inf, 2]], np.float16)
    assert sorted(sample_of(values)) == [1, 2]
