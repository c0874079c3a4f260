"""The samples, opened as a user opens them: in a real viewer."""

from __future__ import annotations

import numpy as np
import pytest

from napari_blindspot import sample_data_path
from napari_blindspot.io import open_volume

EXPECTED = {
    "planaria": ("zyx", "planaria_noisy.ome.tif"),
    "filaments": ("yx", "filaments_noisy.ome.tif"),
    "timelapse": ("tyx", "timelapse_noisy.ome.tif"),
}


@pytest.mark.gui
@pytest.mark.parametrize("key", EXPECTED)
def test_sample_opens_with_its_axes_and_scale(key, make_napari_viewer_proxy):
    viewer = make_napari_viewer_proxy()
    labels, file_name = EXPECTED[key]
    volume = open_volume(sample_data_path(file_name))
    scale = dict(zip(volume.axes.lower(), volume.scale, strict=True))
    units = dict(zip(volume.axes.lower(), volume.units, strict=True))

    layers = viewer.open_sample("napari-blindspot", key)

    assert len(layers) == volume.n_names
    for layer in layers:
        assert layer.axis_labels == tuple(labels)
        assert tuple(layer.scale) == pytest.approx([scale[axis] for axis in labels])
        assert [str(unit) for unit in layer.units] == [units[axis] for axis in labels]
        assert "pixel" not in [units[axis] for axis in labels]
        low, high = layer.contrast_limits
        assert layer.data.min() <= low < high <= layer.data.max()


@pytest.mark.gui
def test_each_channel_is_a_layer_with_its_own_pixels(make_napari_viewer_proxy):
    viewer = make_napari_viewer_proxy()
    volume = open_volume(sample_data_path("timelapse_noisy.ome.tif"))
    assert volume.axes == "TCYX"

    layers = viewer.open_sample("napari-blindspot", "timelapse")

    assert [layer.name for layer in layers] == [
        f"Time-lapse · {name}" for name in volume.channel_names
    ]
    for index, layer in enumerate(layers):
        np.testing.assert_array_equal(layer.data, volume.read()[:, index])
    assert len({layer.colormap.name for layer in layers}) == len(layers)
