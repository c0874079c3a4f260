"""Where the pixels of a training come from."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_blindspot import sources
from napari_blindspot.api import as_volume
from napari_blindspot.axes import Layout
from napari_blindspot.methods import Spec, create
from napari_blindspot.series import Series


@pytest.mark.parametrize(("shape", "axes"), [((3, 20, 24), "TYX"), ((1, 700, 20), "TYX")])
def test_the_probe_of_a_small_series_has_no_pixel_more_than_once(monkeypatch, shape, axes):
    monkeypatch.setattr(sources, "WHOLE", 100)
    pixels = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    volume = as_volume(pixels, axes)
    source = sources.source_of([Series(volume, Layout(axes, shape, "YX"), (0,))])
    _, counts = np.unique(source.probe, return_counts=True)
    assert counts.max() == 1
    assert source.probe.size >= pixels.size // 2


@pytest.mark.parametrize("whole", [2**25, 1])
def test_no_pixel_of_an_odd_image_is_shown_twice_in_a_patch(monkeypatch, whole):
    """Mirrored to even lengths, an image would show hidden pixels next to themselves."""
    monkeypatch.setattr(sources, "WHOLE", whole)
    image = np.random.default_rng(0).permutation(45 * 51).reshape(45, 51).astype(np.float32)
    volume = as_volume(image, "YX")
    series = Series(volume, Layout("YX", image.shape, "YX"), (0,))
    parts = create("n2v", {"patch": 64, "batch": 1}).build(Spec(2, 1, (0.0,), (1.0,)))
    generator = torch.Generator().manual_seed(0)
    sampler = sources.source_of([series]).patches(parts, torch.device("cpu"), generator)
    seen = set()
    for _ in range(60):
        patch = sampler.draw(generator).noisy.flatten().tolist()
        assert len(set(patch)) == len(patch) == 44 * 48
        seen.update(patch)
    assert len(seen) == image.size
