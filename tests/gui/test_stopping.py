"""Stopping, and what happens to layers and windows while a run is on."""

from __future__ import annotations

import sys
import threading
import time

import numpy as np
import pytest

from napari_blindspot._gui import running
from napari_blindspot._gui.layers import KEY
from napari_blindspot.events import Step, Tile
from napari_blindspot.halting import Stop

pytestmark = pytest.mark.gui

AT_ONCE_S = 1.0  # from the click to the end of the run


@pytest.fixture
def ends(monkeypatch):
    """Times at which runs have ended, before napari adds their layers."""
    times = []
    add = running.add_results
    monkeypatch.setattr(
        running, "add_results", lambda *args: (times.append(time.perf_counter()), add(*args))[1]
    )
    return times


@pytest.fixture
def begin(qtbot):
    """Begins a run and waits for the first event of a kind."""

    def run(tab, method="n2v", budget="300s", until=Step):
        seen = []
        tab.method.method = method
        tab.method.budget = budget
        tab.denoise()
        tab.running.happened.connect(seen.append)
        qtbot.waitUntil(lambda: any(isinstance(e, until) for e in seen), timeout=60_000)

    return run


def results(viewer):
    return [layer for layer in viewer.layers if KEY in layer.metadata]


def test_stop_while_it_learns_is_obeyed_at_once_and_keeps_the_model(
    window, begin, finish, ends, noisy
):
    viewer, tab = window(noisy, name="cells")
    begin(tab)

    began = time.perf_counter()
    tab.actions.stop_button.click()
    finish(tab)
    assert ends[-1] - began < AT_ONCE_S

    assert results(viewer) == []
    assert tab.model.model is not None, tab.progress.text + tab.progress.details
    assert "topped" in tab.progress.text
    tab.model.apply_button.click()
    finish(tab)
    (result,) = results(viewer)
    assert np.isfinite(result.data).all()


def test_stop_while_it_denoises_is_obeyed_at_once_and_keeps_the_part_that_is_done(
    window, begin, finish, ends
):
    planes = np.random.default_rng(0).poisson(30.0, (40, 96, 96)).astype(np.uint16)
    viewer, tab = window(planes, name="stack", axis_labels=("t", "y", "x"))
    begin(tab, "express", "3steps", until=Tile)

    began = time.perf_counter()
    tab.actions.stop_button.click()
    finish(tab)
    assert ends[-1] - began < AT_ONCE_S

    (result,) = results(viewer)
    done = np.isfinite(result.data).all(axis=(1, 2))
    assert 0 < done.sum() < len(planes)
    assert not np.isfinite(result.data[~done]).any()
    assert result.metadata[KEY]["complete"] is False
    assert "%" in result.name


def test_good_enough_ends_the_training_and_denoises(window, begin, finish, noisy):
    viewer, tab = window(noisy, name="cells")
    begin(tab)

    assert tab.actions.enough_button.isVisibleTo(tab)
    tab.actions.enough_button.click()
    finish(tab)

    (result,) = results(viewer)
    assert np.isfinite(result.data).all()
    assert result.name == "cells · Noise2Void"


def test_two_runs_in_a_row_give_two_layers(window, denoise, noisy):
    viewer, tab = window(noisy, name="cells")

    (first,) = denoise(viewer, tab, "n2v")
    kept = first.data.copy()
    (second,) = denoise(viewer, tab, "n2v")
    (other,) = denoise(viewer, tab, "n2v2")

    assert len({first.name, second.name, other.name}) == 3
    np.testing.assert_array_equal(first.data, kept)
    np.testing.assert_array_equal(second.data, kept)
    assert not np.array_equal(other.data, kept)


def test_layer_is_deleted_while_it_is_denoised(window, begin, finish, noisy):
    viewer, tab = window(noisy, name="cells")
    begin(tab)

    viewer.layers.remove("cells")
    tab.stop(Stop.APPLY)
    finish(tab)

    assert [layer.name for layer in viewer.layers] == ["cells · Noise2Void"]
    assert not tab.result.compare.isEnabled()


def test_layer_is_renamed_while_it_is_denoised(window, begin, finish, noisy):
    viewer, tab = window(noisy, name="cells")
    begin(tab)

    viewer.layers["cells"].name = "nuclei"
    tab.stop(Stop.APPLY)
    finish(tab)

    assert [layer.name for layer in viewer.layers] == ["nuclei", "cells · Noise2Void"]
    assert tab.image.choice.currentText() == "nuclei"


def at_work(before):
    """New threads that run something: Qt keeps others, without a frame of Python, for later."""
    frames = sys._current_frames()
    return [t for t in threading.enumerate() if t not in before and t.ident in frames]


def test_window_is_closed_while_it_learns(window, begin, noisy, qtbot):
    before = set(threading.enumerate())
    viewer, tab = window(noisy, name="cells")
    begin(tab)

    viewer.close()

    qtbot.waitUntil(lambda: not at_work(before), timeout=5_000)


def test_widget_is_closed_while_it_learns(window, begin, noisy, qtbot):
    before = set(threading.enumerate())
    viewer, tab = window(noisy, name="cells")
    begin(tab)

    viewer.window.remove_dock_widget("all")

    qtbot.waitUntil(lambda: not at_work(before), timeout=5_000)
    assert results(viewer) == []
    assert [layer.name for layer in viewer.layers] == ["cells"]


def test_an_error_is_a_sentence_with_details_and_another_run_goes(
    window, finish, denoise, noisy, monkeypatch
):
    viewer, tab = window(noisy, name="cells")
    import napari_blindspot.run as core

    def broken(*args, **kwargs):
        raise ValueError("the unforeseen")
        yield

    with monkeypatch.context() as patch:
        patch.setattr(core, "run", broken)
        tab.denoise()
        finish(tab)

    assert "the unforeseen" in tab.progress.text
    assert "Traceback" in tab.progress.details
    assert len(denoise(viewer, tab)) == 1


def test_unusable_input_is_refused_in_a_sentence(window, noisy):
    viewer, tab = window(noisy[:4, :4], name="tiny")
    tab.method.budget = "2steps"
    viewer.add_image(np.zeros((20, 20, 3), np.uint8), rgb=True, name="colours")

    assert tab.image.layer.name == "colours"
    assert "plit" in tab.image.summary.text()
    assert not tab.actions.denoise_button.isEnabled()
