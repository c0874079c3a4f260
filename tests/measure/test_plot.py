"""Pictures of the noise report."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import measure_scenes as scenes
from napari_blindspot import noise_report
from napari_blindspot.measure.plot import draw, save_plot
from napari_blindspot.params import InputError

pytest.importorskip("matplotlib")


def test_plot_shows_line_and_groups():
    report = noise_report(scenes.exposed(scenes.clean((128, 128))), axes="YX")
    left, right = draw(report).axes
    (line,) = left.lines
    gain = np.diff(line.get_ydata()) / np.diff(line.get_xdata())
    assert gain == pytest.approx(report.channels[0].gain.value)
    assert len(left.collections[0].get_offsets()) == len(report.channels[0].groups.signal)
    assert len(right.patches) == 10


def test_black_level_is_marked():
    noisy = scenes.exposed(scenes.clean((128, 128)))
    figure = draw(noise_report(noisy, axes="YX", black_level=100))
    assert [list(line.get_xdata()) for line in figure.axes[0].lines][1] == [100, 100]


@pytest.mark.parametrize("suffix", [".png", ".pdf", ".svg"])
def test_plot_is_written(tmp_path, suffix):
    report = noise_report(np.random.default_rng(0).normal(100, 5, (2, 48, 48)), axes="CYX")
    save_plot(report, tmp_path / f"noise{suffix}", "two channels")
    assert [file.name for file in tmp_path.iterdir()] == [f"noise{suffix}"]
    if suffix == ".png":
        with Image.open(tmp_path / "noise.png") as picture:
            assert picture.width == 1440


@pytest.mark.parametrize("image", [np.ones((4, 4)), np.full((64, 64), 3.0), np.ones((1, 64))])
def test_plot_of_nothing(image, tmp_path):
    save_plot(noise_report(image, axes="YX"), tmp_path / "noise.png")
    assert (tmp_path / "noise.png").stat().st_size > 1000


def test_many_channels_are_not_all_drawn():
    report = noise_report(np.random.default_rng(0).normal(100, 5, (12, 24, 24)), axes="CYX")
    figure = draw(report, "many")
    assert len(figure.axes) == 16
    assert figure.get_suptitle() == "many (and 4 more channels)"


def test_unusable_targets(tmp_path):
    report = noise_report(np.ones((4, 4)))
    with pytest.raises(InputError, match=r"noise\.gif is no name for a plot; use \.png"):
        save_plot(report, tmp_path / "noise.gif")
    with pytest.raises(InputError, match="existing folder"):
        save_plot(report, tmp_path / "missing" / "noise.png")


def test_without_matplotlib(monkeypatch, tmp_path):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install matplotlib"):
        save_plot(noise_report(np.ones((4, 4))), tmp_path / "noise.png")
