from __future__ import annotations

import numpy as np
import pytest
from stacks import KINDS, movie, stack, volume

SPACE = (6, 72, 72)


@pytest.mark.parametrize("make", [volume, movie, stack])
@pytest.mark.parametrize("seed", range(6))
def test_a_stack_fills_its_range_and_belongs_to_its_seed(make, seed):
    first, again = (make(SPACE, np.random.default_rng(seed)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert first.shape == SPACE
    assert first.dtype == np.float32
    assert first.min() == 0
    assert 0.95 < np.max(first) <= 1.5


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_shows_something_that_goes_on_in_the_next_plane(kind):
    for seed in range(3):
        light = kind(SPACE, 1.0, np.random.default_rng(seed))
        assert np.isfinite(light).all()
        assert np.ptp(light) > 0
    wide = kind((6, 96, 96), 1.0, np.random.default_rng(7))
    if kind.__name__ not in ("vesicles", "filaments"):  # thin until the optics widens them
        planes = wide.reshape(6, -1)
        assert np.corrcoef(planes[2], planes[3])[0, 1] > 0.5


def test_some_movies_stand_still_and_some_do_not():
    movies = [movie(SPACE, np.random.default_rng(seed)) for seed in range(30)]
    changes = np.array([np.abs(np.diff(each, axis=0)).max() for each in movies])
    assert 0.03 < (changes < 0.05).mean() < 0.5
    assert (changes > 0.2).mean() > 0.3
