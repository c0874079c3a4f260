"""A real window with the widget in it."""

from __future__ import annotations

import numpy as np
import pytest

TITLE = "Blind-spot denoising"
RUN_MS = 60_000


@pytest.fixture
def window(make_napari_viewer_proxy, qtbot, few_pixels):
    """Opens napari with the widget docked; called with arrays, it adds them as layers."""

    def open_window(*images, **kwargs):
        viewer = make_napari_viewer_proxy(strict_qt="raise")
        for image in images:
            viewer.add_image(image, **kwargs)
        _, widget = viewer.window.add_plugin_dock_widget("napari-blindspot", TITLE)
        return viewer, widget.denoise_tab

    return open_window


@pytest.fixture
def finish(qtbot):
    """Waits until a run is over."""

    def wait_for(tab, timeout=RUN_MS):
        qtbot.waitUntil(lambda: not tab.busy, timeout=timeout)

    return wait_for


@pytest.fixture
def denoise(finish):
    """Denoises with the quickest settings and returns the new layers."""

    def run(viewer, tab, method="n2v", budget="4steps"):
        before = list(viewer.layers)
        tab.method.method = method
        tab.method.budget = budget
        tab.denoise()
        finish(tab)
        return [layer for layer in viewer.layers if layer not in before]

    return run


@pytest.fixture
def noisy():
    """Small image with photon noise, (64, 80) uint16."""
    rng = np.random.default_rng(0)
    signal = 60 + 40 * np.sin(np.arange(64)[:, None] / 7) * np.cos(np.arange(80) / 9)
    return (3 * rng.poisson(signal) + rng.normal(0, 2, signal.shape)).round().astype(np.uint16)
