"""Numbers, times and noise laws in words."""

from __future__ import annotations

import math

import pytest

from napari_blindspot.cli.outcome import (
    Outcome,
    duration,
    in_words,
    law_as_json,
    number,
    shown,
)
from napari_blindspot.events import Settled, Started, Step
from napari_blindspot.job import Job
from napari_blindspot.noise import LawInterval, NoiseLaw


@pytest.mark.parametrize(
    ("law", "words"),
    [
        (
            NoiseLaw(3.91, -12.0),
            "variance = 3.91 · signal - 12 (gain 3.91, no noise at signal 3.07)",
        ),
        (
            NoiseLaw(2.0, 9.0),
            "variance = 2 · signal + 9 (gain 2, standard deviation 3 at 0)",
        ),
        (NoiseLaw(0.0, 25.0), "variance = 25, standard deviation 5, at any signal"),
        (NoiseLaw(0.0, -1.0, 4.0), "variance = 4, standard deviation 2, at any signal"),
    ],
)
def test_noise_law_in_words(law, words):
    assert in_words(law) == words


INTERVAL = LawInterval((1.98, 2.04), (-198.0, -192.0))


def test_intervals_are_in_the_line():
    assert in_words(NoiseLaw(2.01, -195.0), INTERVAL) == (
        "variance = 2.01 · signal - 195 "
        "(95 %: gain 1.98 to 2.04, offset -198 to -192; no noise at signal 97)"
    )


def test_intervals_are_in_the_json():
    values = law_as_json(NoiseLaw(2.01, math.nan), INTERVAL)
    assert values == {
        "gain": 2.01,
        "gain_interval": [1.98, 2.04],
        "offset": None,
        "offset_interval": [-198.0, -192.0],
    }
    assert law_as_json(NoiseLaw(2.0, 1.0), None)["gain_interval"] is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (0.123456, "0.123"),
        (99.94, "99.9"),
        (1510.4, "1510"),
        (2.5e7, "2.50e+07"),
        (-4e-5, "-4.00e-05"),
    ],
)
def test_number(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (9.97, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (185, "3 min 05 s"),
        (7800, "2 h 10 min"),
    ],
)
def test_duration(seconds, text):
    assert duration(seconds) == text


def test_paths_below_the_current_folder_are_shown_relative(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert shown(str(tmp_path / "a" / "b.tif")) == str(
        (tmp_path / "a" / "b.tif").relative_to(tmp_path)
    )
    assert shown(str(tmp_path.parent / "b.tif")) == str(tmp_path.parent / "b.tif")
    assert shown(None) == ""


def test_an_unfinished_run_has_no_report():
    outcome = Outcome(Job(inputs=("a.tif",), output="b.tif", method="n2v"))
    outcome.add(Started((8, 8), "YX", "axes YX as given", "Noise2Void", "CPU", 1))
    assert (outcome.halted, outcome.written, outcome.noise) == (False, [], {})
    with pytest.raises(RuntimeError, match="has not finished"):
        outcome.as_text()
    with pytest.raises(RuntimeError, match="has not finished"):
        outcome.as_json()


def test_the_last_loss_on_held_out_pixels_is_told_with_that_of_the_training():
    outcome = Outcome(Job())
    for step, held_out in enumerate((0.9, 0.7, None), 1):
        outcome.add(Step(0, step, step / 3, 0.5, 0.1 * step, held_out))
    assert outcome.held_out == {0: 0.7}
    (line,) = outcome._training()
    assert line.endswith("last loss 0.5, 0.7 on held-out pixels")
    outcome.add(Settled(0, 2, 1))
    (line,) = outcome._training()
    assert line.endswith("0.7 on held-out pixels; ended by itself, best at step 1")
