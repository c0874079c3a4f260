"""What a user does first: open a sample, open the widget, press a button, look at the result."""

from __future__ import annotations

import json

import numpy as np
import pytest
from napari.layers import Image

from napari_blindspot import methods
from napari_blindspot._gui.layers import KEY
from napari_blindspot.job import Job

pytestmark = pytest.mark.gui

FIELDS = ("scale", "translate", "rotate", "shear", "units", "axis_labels")


@pytest.mark.parametrize("sample", ["planaria", "filaments", "timelapse"])
def test_sample_to_denoised_layer(sample, window, denoise, make_napari_viewer_proxy):
    viewer, tab = window()
    assert not tab.actions.denoise_button.isEnabled()
    opened = viewer.open_sample("napari-blindspot", sample)
    source = opened[-1]
    tab.choose(layer=source)
    assert tab.actions.denoise_button.isEnabled()
    pixels = np.array(source.data)

    (result,) = denoise(viewer, tab, "n2v", "2steps")

    assert result.name == f"{source.name} · Noise2Void"
    assert viewer.layers.index(result) == viewer.layers.index(source) + 1
    assert result.data.shape == source.data.shape
    assert np.isfinite(result.data).all()
    assert tuple(result.contrast_limits) == tuple(source.contrast_limits)
    assert result.colormap.name == source.colormap.name
    for name in FIELDS:
        assert np.array_equal(getattr(result, name), getattr(source, name)), name
    np.testing.assert_array_equal(source.data, pixels)
    record = result.metadata[KEY]
    assert Job.from_json(record["job"]).method == "n2v"
    assert json.loads(json.dumps(record)) == record
    assert "Denoised with Noise2Void" in tab.progress.text


@pytest.mark.parametrize("name", methods.available())
def test_every_method_from_the_menu(name, window, finish, noisy):
    from napari._app_model import get_app_model

    if methods.get(name)().repeats:
        noisy = np.stack([noisy, noisy[::-1, ::-1]])
    labels = ("t", "y", "x")[-noisy.ndim :]
    viewer, tab = window(noisy, name="cells", axis_labels=labels)
    command = get_app_model().commands.execute_command(f"napari-blindspot.denoise_{name}")
    widget = command.result()
    assert widget.denoise_tab.method.method == name
    tab = widget.denoise_tab
    tab.method.budget = "3steps"

    tab.actions.denoise_button.click()
    assert tab.busy
    assert not tab.actions.denoise_button.isVisible()
    finish(tab)

    (result,) = [layer for layer in viewer.layers if KEY in layer.metadata]
    assert isinstance(result, Image)
    assert result.name == f"cells · {methods.get(name).title}"
    assert result.data.shape == noisy.shape
    assert np.isfinite(result.data).all()
    assert tab.actions.denoise_button.isEnabled()


def test_menu_has_an_entry_for_each_method_and_the_palette_too():
    from npe2 import PluginManager

    manager = PluginManager.instance()
    manager.discover()
    manifest = manager.get_manifest("napari-blindspot")
    (submenu,) = manifest.contributions.menus["napari/layers/filter"]
    entries = [item.command for item in manifest.contributions.menus[submenu.submenu]]
    titles = {command.id: command.title for command in manifest.contributions.commands}
    assert entries == [f"napari-blindspot.denoise_{name}" for name in methods.available()]
    for name, method in methods.available().items():
        title = titles[f"napari-blindspot.denoise_{name}"]
        assert method.title in title
        assert method.reference.split(";")[0].removeprefix("Our own, ") in title
