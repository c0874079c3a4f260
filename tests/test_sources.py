"""Where the pixels of a training come from."""

from __future__ import annotations

import numpy as np
import pytest

from napari_blindspot import sources
from napari_blindspot.api import as_volume
from napari_blindspot.axes import Layout
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
