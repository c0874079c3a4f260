"""StructN2V: patterns that tell Y from X."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_blindspot import methods, sources
from napari_blindspot.api import as_volume
from napari_blindspot.axes import Layout
from napari_blindspot.methods import Spec
from napari_blindspot.series import Series


def built(ndim=2, **params):
    spec = Spec(ndim, 1, (0.0,), (1.0,))
    return methods.create("struct_n2v", {"patch": 16, "batch": 64, **params}).build(spec)


@pytest.mark.parametrize(
    ("pattern", "ndim", "upright"),
    [
        ("horizontal", 2, True),
        ("vertical", 2, True),
        ("cross", 2, False),
        ("010/111/010", 2, False),
        ("000/111/111", 2, True),
        ("horizontal", 3, True),
        ("cross", 3, False),
        ("axial", 3, False),
    ],
)
def test_patterns_that_tell_y_from_x_are_not_turned(pattern, ndim, upright):
    parts = built(ndim, pattern=pattern)
    assert parts.recipe.upright == parts.predictor.upright == upright


@pytest.mark.parametrize("whole", [10**9, 100])
@pytest.mark.parametrize(("pattern", "axes"), [("horizontal", {-1}), ("cross", {-1, -2})])
def test_patches_lie_as_the_pattern_does(monkeypatch, whole, pattern, axes):
    """A ramp along X, in memory and read block by block."""
    monkeypatch.setattr(sources, "WHOLE", whole)
    ramp = np.tile(np.arange(48, dtype=np.float32), (40, 1))
    series = Series(as_volume(ramp, "YX"), Layout("YX", ramp.shape, "YX"), (0,))
    generator = torch.Generator().manual_seed(0)
    drawn = sources.source_of([series]).patches(
        built(pattern=pattern), torch.device("cpu"), generator
    )
    noisy = drawn.draw(generator).noisy
    flat = {axis for axis in (-1, -2) if any(p.diff(dim=axis).any() for p in noisy)}
    assert flat == axes
