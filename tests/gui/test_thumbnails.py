"""Small pictures of big files, at one contrast, in a thread."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from napari_blindspot import api
from napari_blindspot._gui.thumbnails import (
    Thumbnailer,
    grey,
    limits_of,
    sampled,
    thumbnails,
)
from napari_blindspot.io import open_volume, save_volume
from napari_blindspot.io.base import Volume

RAMP = np.arange(64 * 64, dtype=np.float32).reshape(64, 64)


class Counted:
    """Pixels that count how many of them are read."""

    def __init__(self, shape):
        self.shape, self.dtype, self.read = shape, np.dtype(np.uint16), 0

    def __getitem__(self, region):
        lengths = [len(range(*span.indices(n))) for span, n in zip(region, self.shape, strict=True)]
        self.read += int(np.prod(lengths))
        return np.zeros(lengths, np.uint16)


def test_the_middle_plane_and_the_first_channel_are_shown():
    stack = np.zeros((4, 2, 6, 32, 40), np.uint8)
    stack[2, 0, 3] = 7
    assert (sampled(Volume(stack, "TCZYX")) == 7).all()


def test_y_goes_down_and_x_to_the_right_whatever_the_order_of_the_axes():
    np.testing.assert_array_equal(sampled(Volume(RAMP.T, "XY")), RAMP)


def test_a_colour_picture_is_shown_by_its_mean():
    colours = np.stack([RAMP, RAMP + 3, RAMP + 6], axis=-1)
    np.testing.assert_allclose(sampled(Volume(colours, "YXS")), RAMP + 3)


@pytest.mark.parametrize("shape", [(500, 2048, 2048), (1, 40000, 30000)])
def test_of_a_big_volume_a_few_pixels_are_read(shape):
    data = Counted(shape)
    picture = sampled(Volume(data, "ZYX"))
    assert data.read == picture.size < 200 * 200


@pytest.mark.parametrize("suffix", [".ome.tif", ".npy", ".ome.zarr", ".png"])
def test_every_format_is_read_by_region(tmp_path, suffix):
    noisy = np.random.default_rng(0).poisson(40.0, (300, 420)).astype(np.uint8)
    save_volume(tmp_path / f"a{suffix}", api.as_volume(noisy, "YX"))
    picture = sampled(open_volume(tmp_path / f"a{suffix}"))
    np.testing.assert_array_equal(picture, noisy[::3, ::4])


def test_few_pixels_are_beyond_the_limits():
    noisy = np.random.default_rng(0).normal(100, 5, (100, 100))
    noisy[0, 0], noisy[0, 1] = 1e6, np.nan
    low, high = limits_of(noisy)
    assert 85 < low < 100 < high < 120
    shown = grey(noisy, (low, high))
    assert shown[0, 0] == 255
    assert shown[0, 1] == 0


def test_a_constant_or_empty_image_has_limits():
    assert limits_of(np.full((4, 4), 3.0)) == (3.0, 4.0)
    assert limits_of(np.full((4, 4), np.nan)) == (0.0, 1.0)


def test_noisy_and_result_have_the_same_contrast(tmp_path):
    save_volume(tmp_path / "a.npy", api.as_volume(RAMP, "YX"))
    save_volume(tmp_path / "b.npy", api.as_volume(RAMP / 2, "YX"))
    made = thumbnails(str(tmp_path / "a.npy"), str(tmp_path / "b.npy"))
    limits = limits_of(RAMP.astype(float))
    np.testing.assert_array_equal(made.noisy, grey(RAMP, limits))
    np.testing.assert_array_equal(made.denoised, grey(RAMP / 2, limits))
    assert made.denoised.max() < 140


def test_a_file_that_cannot_be_read_has_a_sentence(tmp_path):
    (tmp_path / "a.tif").write_bytes(b"no image")
    made = thumbnails(str(tmp_path / "a.tif"))
    assert made.noisy is None
    assert "a.tif" in made.message


def test_an_unforeseen_error_has_a_sentence_too(tmp_path, monkeypatch):
    def broken(path):
        raise RuntimeError("the cable is loose")

    monkeypatch.setattr("napari_blindspot._gui.thumbnails.open_volume", broken)
    assert "the cable is loose" in thumbnails(str(tmp_path / "a.tif")).message


@pytest.mark.gui
def test_they_are_made_elsewhere_and_arrive_here(qtbot, tmp_path, monkeypatch):
    threads = []

    def noted(path):
        threads.append(threading.get_ident())
        return Volume(RAMP, "YX")

    monkeypatch.setattr("napari_blindspot._gui.thumbnails.open_volume", noted)
    thumbnailer, made = Thumbnailer(), []
    thumbnailer.made.connect(lambda it: made.append((it.file, threading.get_ident())))
    for name in "abc":
        thumbnailer.ask(name)
    qtbot.waitUntil(lambda: len(made) == 3)
    thumbnailer.ask("d", "result")
    qtbot.waitUntil(lambda: len(made) == 4)
    assert made == [(name, threading.get_ident()) for name in "abcd"]
    assert threading.get_ident() not in threads


@pytest.mark.gui
def test_results_come_first(qtbot, monkeypatch):
    held, order = threading.Event(), []

    def slow(path):
        held.wait(5)
        order.append(path)
        return Volume(RAMP, "YX")

    monkeypatch.setattr("napari_blindspot._gui.thumbnails.open_volume", slow)
    thumbnailer, made = Thumbnailer(), []
    thumbnailer.made.connect(made.append)
    thumbnailer.ask("a")
    qtbot.waitUntil(lambda: not thumbnailer.waiting)
    thumbnailer.ask("b")
    thumbnailer.ask("c", "result")
    held.set()
    qtbot.waitUntil(lambda: len(made) == 3)
    assert order == ["a", "c", "result", "b"]


@pytest.mark.gui
def test_abandoned_no_more_are_made(qtbot, monkeypatch):
    held, begun, made = threading.Event(), threading.Event(), []

    def slow(path):
        begun.set()
        held.wait(5)
        return Volume(RAMP, "YX")

    monkeypatch.setattr("napari_blindspot._gui.thumbnails.open_volume", slow)
    thumbnailer = Thumbnailer()
    thumbnailer.made.connect(made.append)
    thumbnailer.ask("a")
    thumbnailer.ask("b")
    assert begun.wait(5)
    thumbnailer.abandon()
    held.set()
    qtbot.wait(50)
    thumbnailer.ask("c")
    assert not made
    assert not thumbnailer.waiting
