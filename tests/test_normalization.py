from __future__ import annotations

import numpy as np
import pytest

from napari_blindspot.normalization import Normalization


def test_round_trip_and_unit_scale():
    samples = np.random.default_rng(0).normal(300, 20, (3, 2, 8, 9))
    samples[:, 1] *= 5
    scale = Normalization.of(samples)
    normal = scale.apply(samples)
    assert normal.dtype == np.float32
    np.testing.assert_allclose(normal.mean((0, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(normal.std((0, 2, 3)), 1, rtol=1e-5)
    np.testing.assert_allclose(scale.undo(normal), samples, rtol=1e-5)
    np.testing.assert_allclose(scale.undo_std(np.ones_like(normal))[0, :, 0, 0], scale.std)


def test_constant_and_non_finite_channels():
    samples = np.full((1, 2, 4, 4), 7.0)
    samples[0, 1, 0, 0] = np.nan
    scale = Normalization.of(samples)
    assert scale.mean == (7, 7)
    assert scale.std == (1, 1)
    assert Normalization.of(np.full((1, 1, 2, 2), np.inf)).mean == (0,)


def test_large_offsets_keep_their_precision():
    samples = (2**24 + np.arange(16.0)).reshape(1, 1, 4, 4)
    normal = Normalization.of(samples).apply(samples)
    assert len(np.unique(normal)) == 16


@pytest.mark.parametrize("dtype", [bool, np.int16, np.uint8, np.float16])
def test_any_dtype(dtype):
    samples = np.random.default_rng(0).integers(0, 2, (1, 1, 5, 7)).astype(dtype)
    assert np.isfinite(Normalization.of(samples).apply(samples)).all()


def test_the_scale_of_a_channel_is_the_mean_over_its_repeats():
    scale = Normalization((1.0, 10.0, 3.0, 30.0), (2.0, 5.0, 4.0, 7.0))
    pooled = scale.pooled(2)
    assert pooled == Normalization((2.0, 20.0), (3.0, 6.0))
    assert pooled.repeated(2) == Normalization((2.0, 20.0, 2.0, 20.0), (3.0, 6.0, 3.0, 6.0))
    assert scale.pooled(4) is scale
