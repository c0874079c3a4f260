"""What the report says about the choice of a method."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import measure_scenes as scenes
from napari_blindspot import methods, noise_report
from napari_blindspot.measure.advice import advice, comparison, correlation_choice
from napari_blindspot.measure.correlation import Correlation


@pytest.fixture(scope="module")
def white():
    (channel,) = noise_report(scenes.exposed(scenes.clean((96, 96))), axes="YX").channels
    return channel


def correlated(channel, **lags):
    found = tuple(
        Correlation(axis, (*values, *[0.0] * (5 - len(values))), (0.01,) * 5)
        for axis, values in {"X": [], "Y": [], **lags}.items()
    )
    return dataclasses.replace(channel, correlations=found)


def test_white_noise_suits_every_method(white):
    assert advice(correlated(white)).endswith("every method fits, express first.")


@pytest.mark.parametrize(
    ("lags", "parameters"),
    [
        ({"X": [0.15]}, {"pattern": "horizontal", "length": 3}),
        ({"Y": [0.8, 0.6, 0.4, 0.2]}, {"pattern": "vertical", "length": 9}),
        ({"X": [0.8, 0.5, 0.3, 0.2], "Y": [0.4]}, {"pattern": "/".join(["1" * 9] * 3)}),
    ],
)
def test_correlated_noise_needs_a_pattern_that_the_method_takes(white, lags, parameters):
    text = advice(correlated(white, **lags))
    assert "--method struct_n2v" in text
    for name, value in parameters.items():
        assert f"--param {name}={value}" in text
    methods.create("struct_n2v", parameters)


@pytest.mark.parametrize(
    ("lags", "method"),
    [
        ({"X": [0.5, 0.2], "Y": [0.55, 0.2]}, "express"),
        ({"X": [0.5, 0.2, 0.1]}, "express"),
        ({"X": [0.5, 0.2, 0.1, 0.1]}, "struct_n2v"),
        ({"X": [0.15], "Y": [0.15]}, "struct_n2v"),
    ],
)
def test_noise_of_near_neighbours_is_known_to_express(white, lags, method):
    channel = correlated(white, **lags)
    assert correlation_choice([channel]).method == method
    assert correlation_choice([correlated(white), channel]).method == method
    assert correlation_choice([correlated(white, Y=[0.15]), channel]).method == "struct_n2v"


def test_uncertain_correlation_is_not_acted_upon(white):
    found = Correlation("X", (0.15, 0.0, 0.0, 0.0, 0.0), (0.08,) * 5)
    channel = dataclasses.replace(white, correlations=(found,))
    assert channel.correlated("X") == 0


def test_planes_with_much_in_common(white):
    assert "--dims 2D" in advice(correlated(white, Z=[0.4]))


def test_further_remarks(white):
    counts = dataclasses.replace(white, counts=True, saturated=0.25)
    assert "photon counts" in advice(counts)
    assert "25 % of the pixels are saturated" in advice(counts)


def test_nothing_to_say():
    for image, text in ((np.full((64, 64), 9.0), "no noise"), (np.ones((1, 1)), "Too few")):
        (channel,) = noise_report(image, axes="YX").channels
        assert text in advice(channel)


def test_inverted_image(white):
    noisy = scenes.exposed(scenes.clean()).astype(float)
    (channel,) = noise_report(1000 - noisy, axes="YX").channels
    assert "inverted" in advice(channel)


@pytest.mark.parametrize(
    ("ratio", "lags", "words"),
    [
        (1.04, {}, "tell the same noise"),
        (0.8, {}, "leaves 20 % less noise than the image has"),
        (1.3, {}, "leaves 30 % more than the noise of the image"),
        (1.3, {"X": [0.5]}, "correlated noise hides from the filters"),
    ],
)
def test_blind_prediction_is_compared_with_the_image(white, ratio, lags, words):
    before = correlated(white, **lags)
    after = dataclasses.replace(before, variance=ratio * before.variance)
    assert words in comparison(after, before)


def test_nothing_is_compared_without_pixels(white):
    nothing = dataclasses.replace(white, groups=None)
    assert "too few pixels" in comparison(nothing, white)
