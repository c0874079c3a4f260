"""The noise report from the blind prediction of a model."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from torch import nn

import measure_scenes as scenes
from napari_blindspot import api, methods, noise_report
from napari_blindspot.filters import gaussian
from napari_blindspot.masking import Everything, Grid
from napari_blindspot.methods.base import Parts, Recipe, Spec
from napari_blindspot.model import Model, TrainedNetwork
from napari_blindspot.networks.base import Network
from napari_blindspot.noise import NoiseLaw
from napari_blindspot.normalization import Normalization
from napari_blindspot.params import InputError
from napari_blindspot.simulate import Camera


class Smooth(Network):
    """Stands for a trained network: a blur that sees the pixel, or its neighbours alone."""

    def __init__(self, *, blind):
        super().__init__(divisor=(4, 4), halo=(5, 5), is_blind=blind)
        self.unused = nn.Parameter(torch.zeros(()))

    def forward(self, x, mask=None):
        blurred = gaussian(x, 1.2)
        if not self.is_blind:
            return blurred
        point = torch.zeros(1, 1, 21, 21)
        point[..., 10, 10] = 1
        own = gaussian(point, 1.2)[0, 0, 10, 10]
        return (blurred - own * x) / (1 - own)


def model_of(image, *, blind=False, channels=1, spatial="YX"):
    """A model with a network for each channel, as if trained on the image `(C, Y, X)`."""
    method = methods.create("n2v", {})
    networks = []
    for channel in range(channels):
        values = image[channel] if channels > 1 else image
        mean, std = (float(values.mean()),), (float(values.std()) or 1.0,)
        built = method.build(Spec(2, 1, mean, std))
        masking = Everything() if blind else Grid(4)
        parts = Parts(masking, Smooth(blind=blind), built.loss, built.predictor, Recipe(0.1, 8, 1))
        law = (NoiseLaw(0.0, 1.0),)
        networks.append(
            TrainedNetwork(
                (channel,), Spec(2, 1, mean, std), parts, Normalization(mean, std), law, ()
            )
        )
    return Model(method, spatial, tuple(networks))


@pytest.mark.parametrize("blind", [False, True], ids=["hidden pixels", "blind network"])
def test_known_law_is_found(blind):
    noisy = scenes.exposed(scenes.clean((250, 254), peak=60.0))
    report = noise_report(noisy, axes="YX", black_level=100, model=model_of(noisy, blind=blind))
    (after,), (before,) = report.channels, report.before.channels
    assert after.gain.value == pytest.approx(2.0, rel=0.1)
    assert after.gain.low < after.gain.value < after.gain.high
    assert after.read_noise.value == pytest.approx(6.0, rel=0.05)
    assert before.gain.value == pytest.approx(2.0, rel=0.1)
    assert report.model == "Noise2Void"
    for found in after.correlations:
        np.testing.assert_allclose(found.lags, 0, atol=0.07)


def test_each_channel_has_its_own_noise():
    photons = scenes.clean((192, 192), peak=60.0)
    noisy = np.stack(
        [scenes.exposed(photons, Camera(gain=gain, offset=50.0, read_noise=2.0)) for gain in (1, 4)]
    )
    report = noise_report(noisy, axes="CYX", model=model_of(noisy, channels=2))
    gains = [channel.gain.value for channel in report.channels]
    np.testing.assert_allclose(gains, [1, 4], rtol=0.15)


def test_stack_has_a_correlation_between_its_planes():
    noisy = scenes.exposed(np.stack([scenes.clean((96, 96), peak=60.0)] * 6))
    report = noise_report(noisy, axes="TYX", model=model_of(noisy))
    found = {c.axis: c for c in report.channels[0].correlations}
    assert list(found) == ["X", "Y", "T"]
    np.testing.assert_allclose(found["T"].lags, 0, atol=0.1)


@pytest.mark.parametrize(
    "image",
    [
        np.full((32, 32), 7.0),
        np.random.default_rng(0).normal(9, 1, (5, 7)),
        np.full((16, 16), np.nan),
        np.random.default_rng(1).poisson(3, (1, 40)),
    ],
    ids=["constant", "small", "not a number", "one row"],
)
def test_images_that_tell_nothing_have_json_without_nan(image):
    report = noise_report(image, axes="YX", model=model_of(np.nan_to_num(image)))
    text = json.dumps(report.as_json(), allow_nan=False)
    assert json.loads(text)["before"]["channels"][0]["name"] == "0"


def test_report_is_the_same_every_time():
    noisy = scenes.exposed(scenes.clean((96, 96)))
    first, second = (noise_report(noisy, axes="YX", model=model_of(noisy)) for _ in range(2))
    assert first.as_json() == second.as_json()


def test_image_is_not_changed():
    noisy = scenes.exposed(scenes.clean((64, 64)))
    before = noisy.copy()
    noise_report(noisy, axes="YX", model=model_of(noisy))
    np.testing.assert_array_equal(noisy, before)


def test_padding_shows_no_hidden_pixel():
    """5 rows are padded to 8: the mirrored ones must not be taken for blind."""
    from napari_blindspot.blind import BlindPlanes
    from napari_blindspot.measure.sampling import Run

    noisy = np.random.default_rng(2).normal(50, 4, (1, 1, 13, 16))
    planes = BlindPlanes(model_of(noisy), (NoiseLaw(0.0, 16.0),), torch.device("cpu"))
    (found,) = planes(Run(noisy, ""))
    assert found.mean.shape == (1, 13, 16)
    assert found.hidden[0, :9].any()
    assert not found.hidden[0, 9:].any()


@pytest.mark.parametrize(
    ("axes", "spatial", "words"),
    [
        ("CYX", "YX", "trained on 1 channels, the input has 2"),
        ("TYX", "ZYX", "needs a Z axis"),
    ],
)
def test_model_must_fit(axes, spatial, words):
    noisy = np.zeros((2, 32, 32))
    with pytest.raises(InputError, match=words):
        noise_report(noisy, axes=axes, model=model_of(noisy, spatial=spatial))


@pytest.mark.parametrize(
    ("method", "shape", "axes"),
    [
        ("express", (48, 40), "YX"),
        ("struct_n2v", (48, 40), "YX"),
        ("laine19", (2, 40, 40), "CYX"),
        ("n2v", (9, 24, 24), "ZYX"),
    ],
)
def test_methods_have_a_report(method, shape, axes):
    noisy = np.random.default_rng(3).poisson(30, shape).astype(np.uint16)
    small = {"width": 8, "depth": 1, "joint": axes == "CYX"}
    small |= {"similar": False} if method == "express" else {}
    model = api.train(noisy, axes=axes, method=method, budget="1steps", **small)
    report = noise_report(noisy, axes=axes, model=model)
    assert len(report.channels) == (2 if axes == "CYX" else 1)
    json.dumps(report.as_json(), allow_nan=False)
