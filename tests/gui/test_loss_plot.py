"""Losses are kept, thinned and drawn inside the widget, in either theme."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image
from qtpy.QtGui import QColor, QPalette

from napari_blindspot._gui import colours
from napari_blindspot._gui.loss_plot import LossPlot

pytestmark = pytest.mark.gui

THEMES = {"dark": ("#262930", "#f0f1f2"), "light": ("#efebe9", "#3b3a39")}


@pytest.fixture
def plot(qtbot):
    made = LossPlot()
    qtbot.addWidget(made)
    return made


def paint(plot, theme):
    """Change the palette as a theme does."""
    palette = plot.palette()
    for role, colour in zip(("Window", "WindowText"), THEMES[theme], strict=True):
        palette.setColor(QPalette.ColorRole[role], QColor(colour))
    plot.setPalette(palette)
    plot.setAutoFillBackground(True)


@pytest.fixture
def pixels(tmp_path):
    """Draws a widget: its pixels, RGB."""

    def draw(widget):
        path = tmp_path / "widget.png"
        assert widget.grab().save(str(path))
        with Image.open(path) as picture:
            return np.asarray(picture.convert("RGB")).astype(int)

    return draw


def near(picture, colour):
    """Pixels of about a colour."""
    wanted = np.array(QColor(colour).getRgb()[:3])
    return np.abs(picture - wanted).max(axis=-1) < 40


def learn(plot, *, shift=0.0):
    for step in range(1, 301):
        place = step / 300
        held_out = math.exp(-6 * place) + 0.1 * place + shift if step % 10 == 0 else None
        plot.add(place, 0.02 + math.exp(-8 * place) + shift, held_out)


def test_losses_are_kept_with_their_places(plot):
    plot.add(0.25, 1.0)
    plot.add(0.5, 0.5, 0.75)
    training, held_out = plot.values["training"], plot.values["held_out"]
    assert [place for place, _ in training] == [0.25, 0.5]
    assert training[0][1] == 1.0
    assert 0.5 <= training[1][1] < 0.51
    assert held_out == [(0.5, 0.75)]
    plot.clear()
    assert plot.values == {"training": [], "held_out": []}


def test_training_loss_is_smooth_but_not_late(plot):
    noise = np.random.default_rng(0).normal(size=1000)
    for step in range(1000):
        plot.add(step / 1000, 5 - 4 * step / 1000 + noise[step])
    places, losses = np.array(plot.values["training"]).T
    off = losses - (5 - 4 * places)
    assert np.abs(off[places > 0.1]).std() < 0.3
    assert abs(off[places > 0.1].mean()) < 0.15


def test_long_trainings_cost_no_more_than_short_ones(plot):
    for step in range(5000):
        plot.add(step / 5000, 1.0, 1.0)
    for points in plot.values.values():
        assert 150 < len(points) <= 400
        places = [place for place, _ in points]
        assert places == sorted(places)
        assert places[0] == 0.0
        assert places[-1] > 0.99


def test_what_is_no_number_is_left_out(plot):
    plot.add(0.1, math.nan, math.inf)
    plot.add(0.2, 1.0, math.nan)
    assert plot.values == {"training": [(0.2, 1.0)], "held_out": []}
    plot.grab()


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("shift", [0.0, -5.0, 123456.0])
@pytest.mark.parametrize("width", [300, 500])
def test_curves_are_drawn_in_the_theme_and_no_text_is_clipped(plot, pixels, theme, shift, width):
    paint(plot, theme)
    plot.resize(width, 150)
    learn(plot, shift=shift)
    picture = pixels(plot)
    background, text = THEMES[theme]
    edges = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    assert near(edges, background).all()
    assert near(picture, text).sum() > 300
    assert near(picture, colours.accent(plot).name()).sum() > 200


def test_key_names_held_out_pixels_only_where_there_are_some(plot, pixels):
    paint(plot, "dark")
    plot.resize(300, 150)
    plot.add(0.1, 1.0)
    plot.add(0.2, 0.9)
    accent = colours.accent(plot).name()
    assert not near(pixels(plot), accent).any()
    plot.add(0.3, 0.8, 0.85)
    assert near(pixels(plot), accent).any()


def test_a_lower_loss_is_drawn_lower(plot, pixels):
    paint(plot, "dark")
    plot.resize(300, 150)
    for place, loss in ((0.1, 1.0), (0.9, 0.01)):
        plot.add(place, 1.0, loss)
    rows, columns = np.nonzero(near(pixels(plot), colours.accent(plot).name()))
    inside = rows > 30
    rows, columns = rows[inside], columns[inside]
    assert rows[columns.argmax()] > rows[columns.argmin()] + 50
