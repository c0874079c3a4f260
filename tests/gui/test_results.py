"""The layers that a run adds, and what can be done with them."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys

import numpy as np
import pytest
import tifffile
from qtpy.QtWidgets import QApplication

from napari_blindspot._gui.layers import KEY
from napari_blindspot.io import open_volume

pytestmark = pytest.mark.gui


def test_uncertainty_and_residual_are_layers_of_their_own(window, denoise, noisy):
    viewer, tab = window(noisy, name="cells", scale=(0.5, 0.25), units="micrometer")
    tab.method.method = "express"
    tab.uncertainty.setChecked(True)
    tab.residual.setChecked(True)

    layers = denoise(viewer, tab, "express")

    by_name = {layer.name: layer for layer in layers}
    assert set(by_name) == {
        "cells · Express",
        "cells · Express · uncertainty",
        "cells · Express · residual",
    }
    denoised = by_name["cells · Express"].data
    np.testing.assert_allclose(
        by_name["cells · Express · residual"].data, noisy - denoised, rtol=1e-5, atol=1e-3
    )
    std = by_name["cells · Express · uncertainty"]
    assert (std.data > 0).all()
    assert std.data.mean() < np.std(noisy - denoised)
    assert [str(unit) for unit in std.units] == ["micrometer", "micrometer"]


def test_methods_without_uncertainty_do_not_offer_it(window, noisy):
    _, tab = window(noisy)
    tab.method.method = "n2v"
    assert not tab.uncertainty.isEnabled()
    tab.method.method = "express"
    assert tab.uncertainty.isEnabled()


def test_a_rotated_labelled_4d_layer_keeps_all_its_fields(window, denoise):
    stack = np.random.default_rng(0).poisson(20.0, (2, 3, 32, 40)).astype(">u2")
    fields = {
        "scale": (2.0, 0.8, 0.2, 0.1),
        "translate": (5.0, -3.0, 10.0, 20.0),
        "rotate": 30.0,
        "shear": (0.1, 0, 0, 0, 0, 0.2),
        "affine": np.diag([1, 1, 1.5, 1, 1.0]),
        "units": ("second", "micrometer", "micrometer", "micrometer"),
        "axis_labels": ("t", "z", "y", "x"),
    }
    rotate = np.eye(4)
    rotate[2:, 2:] = [[0.8, -0.6], [0.6, 0.8]]
    viewer, tab = window()
    source = viewer.add_image(stack, name="embryo", **(fields | {"rotate": rotate}))
    source.contrast_limits = (3, 50)

    (result,) = denoise(viewer, tab)

    for name in ("scale", "translate", "rotate", "shear"):
        np.testing.assert_allclose(getattr(result, name), getattr(source, name), err_msg=name)
    np.testing.assert_allclose(result.affine.affine_matrix, source.affine.affine_matrix)
    assert result.units == source.units
    assert result.axis_labels == source.axis_labels
    assert list(result.contrast_limits) == [3, 50]
    assert tuple(map(str, viewer.layers.extent.units)) == fields["units"]


def test_preview_follows_the_slider_and_goes_at_the_end(window, qtbot, finish):
    stack = np.random.default_rng(0).poisson(20.0, (6, 64, 64)).astype(np.uint16)
    viewer, tab = window(stack, name="stack", scale=(3, 1, 1))
    tab.method.method = "n2v"
    tab.method.budget = "200s"
    viewer.dims.current_step = (1, 0, 0)
    tab.denoise()
    qtbot.waitUntil(lambda: "stack · preview" in viewer.layers, timeout=30_000)
    preview = viewer.layers["stack · preview"]
    assert preview.data.shape == stack.shape
    assert np.isfinite(preview.data[1]).any()
    assert np.isnan(preview.data[4]).all()
    assert tuple(preview.scale) == (3, 1, 1)
    assert tuple(preview.contrast_limits) == tuple(viewer.layers["stack"].contrast_limits)

    viewer.dims.current_step = (4, 0, 0)
    qtbot.waitUntil(lambda: np.isfinite(preview.data[4]).any(), timeout=30_000)
    assert np.isnan(preview.data[1]).all()
    tab.actions.enough_button.click()
    finish(tab)

    assert [layer.name for layer in viewer.layers] == ["stack", "stack · Noise2Void"]


def test_copied_command_gives_the_same_pixels(window, denoise, noisy, tmp_path, qtbot):
    file = tmp_path / "cells one.tif"
    tifffile.imwrite(file, noisy)
    viewer, tab = window()
    viewer.open(file, plugin="napari")
    (result,) = denoise(viewer, tab, "n2v", "5steps")

    tab.result.command.click()
    qtbot.waitUntil(lambda: tab.result.copied.text().startswith("Copied"), timeout=20_000)
    text = QApplication.clipboard().text()
    words = shlex.split(text)
    assert words[0] == "blindspot"
    program = "import sys; from napari_blindspot.cli import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", program, *words[1:]],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )

    assert done.returncode == 0, done.stderr
    saved = open_volume(words[words.index("-o") + 1])
    np.testing.assert_array_equal(saved.read(), result.data)


def test_a_layer_in_no_file_is_saved_before_its_command_is_copied(
    window, denoise, noisy, tmp_path, monkeypatch, qtbot
):
    viewer, tab = window(noisy, name="cells")
    denoise(viewer, tab)
    monkeypatch.setattr(
        "napari_blindspot._gui.result_panel.QFileDialog.getExistingDirectory",
        lambda *args: str(tmp_path),
    )

    tab.result.python.click()
    qtbot.waitUntil(lambda: tab.result.copied.text().startswith("Copied"), timeout=20_000)

    (saved,) = [path for path in tmp_path.iterdir() if path.name.endswith(".tif")]
    np.testing.assert_array_equal(open_volume(saved).read(), noisy)
    assert saved.name in QApplication.clipboard().text()


@pytest.mark.parametrize("way", ["Split", "Blink"])
def test_compare_shows_both_at_the_same_contrast_and_leaves_no_trace(
    way, window, denoise, noisy, qtbot
):
    viewer, tab = window(noisy, name="cells")
    (result,) = denoise(viewer, tab)
    before = [(layer.name, layer.visible) for layer in viewer.layers]
    tab.result.way.setCurrentText(way)

    tab.result.compare.click()
    if way == "Blink":
        states = set()

        def both():
            states.add(result.visible)
            return len(states) == 2

        qtbot.waitUntil(both, timeout=5_000)
    else:
        half = viewer.layers["cells · noisy half"]
        np.testing.assert_array_equal(half.data, noisy[:, : half.data.shape[1]])
        assert abs(half.data.shape[1] - 40) <= 2
        assert tuple(half.contrast_limits) == tuple(result.contrast_limits)
        viewer.scene.camera.center = (0, 32, 60)
        qtbot.waitUntil(lambda: abs(half.data.shape[1] - 60) <= 1, timeout=5_000)
    tab.result.compare.click()

    assert [(layer.name, layer.visible) for layer in viewer.layers] == before


def test_model_is_saved_opened_and_applied_to_another_layer(
    window, denoise, finish, noisy, tmp_path, qtbot
):
    viewer, tab = window(noisy, name="cells")
    (first,) = denoise(viewer, tab)
    tab.model.save(str(tmp_path / "cells"))
    viewer.add_image(noisy, name="again")
    tab.model.model = None

    tab.model.open(str(tmp_path / "cells.safetensors"))
    qtbot.waitUntil(lambda: tab.model.model is not None, timeout=10_000)
    tab.choose(layer=viewer.layers["again"])
    tab.model.apply_button.click()
    finish(tab)

    (again,) = [layer for layer in viewer.layers if layer.name.startswith("again ·")]
    np.testing.assert_array_equal(again.data, first.data)


def test_a_model_that_does_not_fit_says_so_before_it_runs(window, denoise, finish, noisy):
    viewer, tab = window(noisy, name="cells")
    denoise(viewer, tab)
    other = viewer.add_image((noisy.astype(np.float32) * 50), name="bright")
    tab.choose(layer=other)

    tab.model.apply_button.click()
    finish(tab)
    assert not [layer for layer in viewer.layers if layer.name.startswith("bright ·")]
    assert "pply" in tab.progress.text

    tab.model.apply_button.click()
    finish(tab)
    assert [layer for layer in viewer.layers if layer.name.startswith("bright ·")]


def test_learn_from_a_rectangle_and_apply_to_it(window, denoise, noisy):
    viewer, tab = window(noisy, name="cells", scale=(2, 2))
    viewer.add_shapes([[19, 29], [19, 109], [99, 109], [99, 29]], shape_type="rectangle")
    tab.choose(layer=viewer.layers["cells"])
    tab.part.learn_from.setCurrentText("rectangle")

    (result,) = denoise(viewer, tab)

    assert result.data.shape == (40, 40)
    assert tuple(result.translate) == (20, 30)
    assert '"train_on": "Y=10:50,X=15:55"' in result.metadata[KEY]["job"]


def test_learn_from_one_layer_and_apply_to_another(window, denoise, noisy):
    viewer, tab = window(noisy, noisy[::-1])
    first, second = viewer.layers
    tab.choose(layer=first)
    tab.part.apply_to.setCurrentText("another layer")
    tab.part.other.layer = second

    (result,) = denoise(viewer, tab)

    assert result.name == f"{second.name} · Noise2Void"
    assert viewer.layers.index(result) == viewer.layers.index(second) + 1
    assert result.metadata[KEY]["source"] == first.name


def test_chosen_time_points_only(window, denoise):
    movie = np.random.default_rng(0).poisson(20.0, (6, 48, 48)).astype(np.uint16)
    viewer, tab = window(movie, name="movie", axis_labels=("t", "y", "x"))
    tab.part.learn_from.setCurrentText("chosen planes")
    first, last = tab.part.ranges["T"]
    first.setValue(2)
    last.setValue(3)

    (result,) = denoise(viewer, tab)

    assert result.data.shape == (2, 48, 48)
    assert result.translate[0] == 2
