"""The command `blindspot noise`."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

import measure_scenes as scenes
from napari_blindspot import api
from napari_blindspot.cli.commands import app


@pytest.fixture
def noisy(tmp_path):
    file = tmp_path / "noisy.tif"
    tifffile.imwrite(file, scenes.exposed(scenes.clean((192, 192))))
    return file


def blindspot(*arguments):
    return CliRunner().invoke(app, ["noise", *map(str, arguments)])


def test_report_is_printed(noisy):
    done = blindspot(noisy)
    assert done.exit_code == 0, done.output
    for words in ("gain", "variance = gain · signal + offset", "at most", "along X", "lag 5"):
        assert words in done.stdout
    assert "every method fits" in done.stdout


def test_black_level_gives_the_read_noise(noisy):
    done = blindspot(noisy, "--black-level", 100)
    assert "at most" not in done.stdout
    assert "electrons" in done.stdout


def test_json_is_one_object(noisy):
    done = blindspot(noisy, "--json", "--black-level", 100)
    values = json.loads(done.stdout)
    assert values["axes"] == "YX"
    (channel,) = values["channels"]
    assert channel["gain"]["value"] == pytest.approx(2.0, rel=0.1)
    assert channel["read_noise"]["value"] == pytest.approx(6.0, rel=0.1)
    assert "every method fits" in channel["advice"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """An image of two channels and a model that has seen it for two steps."""
    folder = tmp_path_factory.mktemp("trained")
    image = np.stack([scenes.exposed(scenes.clean((96, 96)), seed=seed) for seed in (0, 1)])
    tifffile.imwrite(folder / "noisy.tif", image, metadata={"axes": "CYX"}, ome=True)
    model = api.train(image, axes="CYX", method="n2v", budget="2steps", width=4, patch=48)
    model.save(folder / "model.safetensors")
    return folder / "noisy.tif", folder / "model.safetensors"


def test_model_and_image_are_shown_side_by_side(trained):
    noisy, model = trained
    done = blindspot(noisy, "--model", model, "--black-level", 100)
    assert done.exit_code == 0, done.output
    for words in ("model.safetensors, Noise2Void", "blind prediction", "image alone", "channel 1"):
        assert words in done.stdout
    for words in ("correlation of what is left", "correlation in the image", "The blind predic"):
        assert done.stdout.count(words) == 2


def test_json_of_a_model_has_both_reports(trained):
    noisy, model = trained
    done = blindspot(noisy, "--model", model, "--json")
    values = json.loads(done.stdout, parse_constant=pytest.fail)
    assert (values["model"], values["method"]) == (str(model), "Noise2Void")
    for report in (values, values["before"]):
        assert [len(c["gain"]["interval"]) for c in report["channels"]] == [2, 2]


def test_plot_of_a_model_shows_both_lines(trained, tmp_path):
    pytest.importorskip("matplotlib")
    noisy, model = trained
    done = blindspot(noisy, "--model", model, "--plot", tmp_path / "noise.png", "--quiet")
    assert (done.exit_code, done.output) == (0, "")
    assert (tmp_path / "noise.png").stat().st_size > 5000


def test_plot_is_drawn_quietly(noisy, tmp_path):
    pytest.importorskip("matplotlib")
    done = blindspot(noisy, "--plot", tmp_path / "noise.png", "--quiet")
    assert done.exit_code == 0
    assert done.output == ""
    assert (tmp_path / "noise.png").stat().st_size > 5000


def test_axes_are_overruled(tmp_path):
    file = tmp_path / "stack.tif"
    stack = np.random.default_rng(0).poisson(9, (3, 64, 64)).astype(np.uint16)
    tifffile.imwrite(file, stack, photometric="minisblack")
    assert json.loads(blindspot(file, "--axes", "TYX", "--json").stdout)["axes"] == "TYX"
    assert len(json.loads(blindspot(file, "--axes", "CYX", "--json").stdout)["channels"]) == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["missing.tif"], "missing.tif does not exist"),
        (["IN", "--plot", "noise.gif"], "noise.gif is no name for a plot"),
        (["IN", "--axes", "ZYX"], "names 3 axes but the file has shape (192, 192)"),
        (["IN", "--model", "missing.safetensors"], "missing.safetensors cannot be read as a model"),
        (["IN", "--black-level", "nan"], "black_level=nan is not allowed"),
    ],
)
def test_unusable_input_ends_with_one_sentence(noisy, arguments, words):
    done = blindspot(*(noisy if part == "IN" else part for part in arguments))
    assert done.exit_code == 2
    assert words in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
