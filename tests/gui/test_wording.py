"""What the widget says of an image, of its noise and of a run."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

import measure_scenes as scenes
from napari_blindspot import methods, noise_report
from napari_blindspot._gui import wording
from napari_blindspot.io.base import Volume
from napari_blindspot.measure import Estimate
from napari_blindspot.measure.correlation import Correlation

MICRO, SECOND = "micrometer", "second"


def volume(shape, axes, **described):
    return Volume(np.broadcast_to(np.uint16(1), shape), axes, **described)


@pytest.mark.parametrize(
    ("image", "size", "axes"),
    [
        (
            volume((32, 512, 512), "ZYX", scale=(0.5, 0.1, 0.1), units=(MICRO,) * 3),
            "uint16, 16.8 MB",
            "32 planes of 512 × 512 pixels, 0.5 × 0.1 × 0.1 µm",
        ),
        (
            volume(
                (20, 2, 1, 64, 48),
                "TCZYX",
                scale=(2.0, 1.0, 1.0, 65.0, 0.065),
                units=(SECOND, "", MICRO, "nanometer", MICRO),
            ),
            "uint16, 246 kB",
            "20 time points, 2 channels, 64 × 48 pixels, 65 nm × 0.065 µm, every 2 s",
        ),
        (volume((5, 5), "YX"), "uint16, 50 B", "5 × 5 pixels"),
        (
            volume((3, 9, 9), "TYX", scale=(1, 3, 3), units=("", "furlong", "furlong")),
            "uint16, 486 B",
            "3 time points, 9 × 9 pixels, 3 × 3 furlong",
        ),
    ],
)
def test_an_image_in_words(image, size, axes):
    assert wording.axes_text(image) == axes
    assert wording.summary_text(image) == f"{axes}; {size}"


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (999_400, "999 kB"),
        (999_600, "1 MB"),
        (10**9, "1 GB"),
        (2 * 10**12, "2 TB"),
    ],
)
def test_sizes(count, text):
    assert wording.bytes_text(count) == text


@pytest.fixture(scope="module")
def report():
    return noise_report(scenes.exposed(scenes.clean((96, 96))), axes="YX")


def changed(report, *changes):
    (channel,) = report.channels
    channels = tuple(dataclasses.replace(channel, **each) for each in changes)
    return dataclasses.replace(report, channels=channels)


KNOWN = {"gain": Estimate(3.94, 3.8, 4.1), "black_level": 100.0, "read_noise": Estimate(2.1, 2, 2)}
INDEPENDENT = tuple(Correlation(axis, (0.0,) * 5, (0.01,) * 5) for axis in "XY")


def along(axis, *lags):
    found = (*lags, *[0.0] * (5 - len(lags)))
    return tuple(Correlation(a, found if a == axis else (0.0,) * 5, (0.01,) * 5) for a in "XY")


def test_noise_that_suits_every_method(report):
    known = changed(report, {**KNOWN, "correlations": INDEPENDENT, "hot": 0, "dead": 0})
    assert wording.noise_text(known) == (
        "Poisson-Gaussian, gain 3.94, read noise 2.1.\n"
        "The noise of neighbouring pixels is independent: every method fits, Express first."
    )
    assert wording.advised(known) == {}


def test_correlated_noise_names_a_method_that_can_be_used(report):
    rows = changed(report, {**KNOWN, "correlations": along("X", 0.8, 0.6, 0.4, 0.2)})
    text = wording.noise_text(rows)
    assert "read row by row" in text
    assert "use StructN2V (pattern horizontal, length 9 px)." in text
    assert "--" not in text
    fields = wording.advised(rows)
    assert fields == {"method": "struct_n2v", "params": {"pattern": "horizontal", "length": 9}}
    methods.create(fields["method"], fields["params"])


def test_noise_of_near_neighbours_names_express(report):
    rows = changed(report, {**KNOWN, "correlations": along("X", 0.6, 0.3)})
    assert "use Express." in wording.noise_text(rows)
    assert wording.advised(rows) == {"method": "express", "params": {}}


def test_one_pattern_for_channels_that_differ(report):
    x, y = ({"name": n, "correlations": along(n, *[0.6] * 4)} for n in "XY")
    pattern = "/".join(["1" * 9] * 9)
    assert wording.advised(changed(report, x, y))["params"] == {"pattern": pattern}
    lines = wording.noise_text(changed(report, x, {**y, "name": "1"})).splitlines()
    assert lines[0].startswith("X: Poisson-Gaussian")
    assert any(line.startswith("channel 1: ") for line in lines)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({**KNOWN, "black_level": None}, "read noise at most 2.1."),
        ({**KNOWN, "gain": None}, "an image of one brightness tells no more"),
        ({**KNOWN, "gain": Estimate(0.1, -0.5, 0.7)}, "Gaussian, standard deviation"),
        ({**KNOWN, "gain": Estimate(-2, -3, -1)}, "inverted or was processed"),
        ({**KNOWN, "gain": Estimate(3.0, 1.0, 5.0)}, "gain 1 to 5, read noise 2.1"),
        ({**KNOWN, "read_noise": None}, "gain 3.94.\n"),
        ({**KNOWN, "counts": True}, "Poisson, gain 3.94.\n"),
        ({"groups": None, "gain": None}, "Too few usable pixels"),
        ({"saturated": 0.25}, "25 % of the pixels are saturated"),
        ({"hot": 1200, "dead": 3}, "Left out: 1,200 hot and 3 dead pixels."),
        ({"hot": 0, "dead": 0, "not_finite": 1}, "Left out: 1 empty (NaN) pixel."),
        ({"correlations": ()}, "too small to tell whether the noise is correlated"),
        (
            {"correlations": (*INDEPENDENT, Correlation("Z", (0.4,) * 5, (0.01,) * 5))},
            "noise, or structure; 2D is safe.",
        ),
    ],
)
def test_what_else_is_said_of_noise(report, change, said):
    assert said in wording.noise_text(changed(report, change))


def test_no_noise_at_all():
    report = noise_report(np.full((64, 64), 9.0), axes="YX")
    assert wording.noise_text(report) == "There is no noise to remove."


def test_the_report_of_a_model_is_compared_with_the_image(report):
    after = dataclasses.replace(changed(report, {"correlations": along("X", 0.5)}), before=report)
    assert "The blind prediction and the image alone tell the same" in wording.noise_text(after)
    assert wording.advised(after) == wording.advised(report)


def finished(elapsed_s=64.2, shape=(8, 8), done=1.0):
    """A finished run."""
    denoised = Volume(np.zeros(shape), "YX") if shape else None
    return SimpleNamespace(denoised=denoised, elapsed_s=elapsed_s, done=done)


@pytest.mark.parametrize(
    ("done", "text"),
    [
        (finished(), "Denoised with Express in 1:04."),
        (finished(elapsed_s=3723.0, shape=()), "Trained with Express in 1:02:03."),
    ],
)
def test_a_run_in_words(done, text):
    assert wording.done_text(done, "Express") == text


@pytest.mark.parametrize(
    ("done", "said"),
    [
        (finished(), "the whole image denoised"),
        (finished(done=0.456), "45 % of the image"),
        (finished(done=0.999), "99 % of the image"),
        (finished(done=0.0), "before anything was denoised"),
        (finished(shape=()), "before anything was denoised"),
    ],
)
def test_a_stopped_run_in_words(done, said):
    assert said in wording.stopped_text(done)


def test_errors_say_what_to_do_in_the_window():
    said = wording.in_window_words("A 3D network needs a Z axis, the input has TYX; use --dims 2D.")
    assert said.endswith("choose planes (2D) under Denoise, Advanced.")
