from __future__ import annotations

import numpy as np
import pytest
from structures import KINDS, picture


@pytest.mark.parametrize("seed", range(12))
def test_a_picture_fills_its_range_and_belongs_to_its_seed(seed):
    first, again = (picture((96, 80), np.random.default_rng(seed)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert first.shape == (96, 80)
    assert first.dtype == np.float32
    assert first.min() == 0
    assert 0.99 < np.max(first) <= 1.5


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_shows_something(kind):
    made = [kind((96, 80), np.random.default_rng(seed)) for seed in range(4)]
    assert all(np.isfinite(light).all() and np.ptp(light) > 0 for light in made)
    assert all((light >= 0).all() for light in made)
    assert not np.array_equal(made[0], made[1])
