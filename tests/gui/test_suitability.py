"""What is said before a model is applied to an image that it does not suit."""

from __future__ import annotations

import dataclasses
import time

import numpy as np
import pytest

from napari_blindspot import api, sample_data_path, simulate
from napari_blindspot._gui.suitability import Mismatch, mismatches
from napari_blindspot.io import open_volume
from napari_blindspot.io.arrays import as_volume
from napari_blindspot.io.base import Volume
from napari_blindspot.measure import measure_noise
from napari_blindspot.model import load
from napari_blindspot.noise import NoiseLaw
from napari_blindspot.params import InputError

SMALL = {"budget": "2steps", "method": "n2v", "width": 8, "depth": 1, "batch": 2, "threads": 1}
CAMERA = {"gain": 2.0, "offset": 100.0, "read_noise": 2.0}


def exposed(shape=(160, 160), seed=0, **camera):
    rng = np.random.default_rng(seed)
    clean = np.broadcast_to(simulate.nuclei(shape[-2:], rng), shape)
    return simulate.Camera(**{**CAMERA, **camera}).expose(clean, rng)


def trained(pixels, axes, **options):
    return api.train(pixels, axes=axes, **{**SMALL, **options})


@pytest.fixture(scope="module")
def plane_model():
    return trained(exposed(), "YX")


@pytest.fixture(scope="module")
def stack_model():
    return trained(exposed((8, 32, 32)), "ZYX", patch=16)


def said(model, pixels, axes="YX", **options):
    return mismatches(model, as_volume(pixels, axes), **options)


@pytest.mark.parametrize("seed", range(2))
def test_nothing_is_said_of_the_same_camera(plane_model, seed):
    image = exposed((200, 180), seed)
    assert said(plane_model, image) == []
    assert said(plane_model, image, report=measure_noise(as_volume(image, "YX"))) == []
    assert said(plane_model, np.stack([image, image]), "TYX") == []


def test_nothing_is_said_of_the_training_image():
    volume = open_volume(sample_data_path("filaments_noisy.ome.tif"))
    assert mismatches(trained(volume.read(), volume.axes), volume) == []


@pytest.mark.parametrize("measured", [False, True])
@pytest.mark.parametrize(
    ("camera", "words"),
    [
        ({"read_noise": 20.0}, "may leave some of it"),
        ({"gain": 4.0}, "may leave some of it"),
    ],
)
def test_other_noise_is_said(plane_model, camera, words, measured):
    volume = as_volume(exposed(**camera), "YX")
    report = measure_noise(volume) if measured else None
    (found,) = mismatches(plane_model, volume, report)
    assert not found.is_fatal
    assert found.text.startswith("This image has other noise than the training image: ")
    assert words in found.text


def test_a_gain_is_said_where_it_alone_differs(plane_model):
    volume = as_volume(exposed(), "YX")
    report = measure_noise(volume)
    (channel,) = report.channels
    other = dataclasses.replace(channel, gain=channel.gain.scaled(4.0))
    (found,) = mismatches(plane_model, volume, dataclasses.replace(report, channels=(other,)))
    assert f"gain {other.gain.value:.3g} here" in found.text


def test_less_noise_is_blurred(plane_model):
    clean = simulate.nuclei((160, 160), np.random.default_rng(0)) * 2.0 + 100.0
    averaged = clean + np.random.default_rng(1).normal(0, 2, clean.shape)
    (found,) = said(plane_model, averaged)
    assert "may blur" in found.text


@pytest.mark.parametrize("change", [lambda x: x * 8.0, lambda x: x + 1000.0, lambda x: x / 65535])
def test_other_intensities_are_said_once(plane_model, change):
    (found,) = said(plane_model, change(exposed()))
    assert not found.is_fatal
    assert "has other intensities than the training image" in found.text


def test_channels_are_named_and_wrong_numbers_of_them_are_fatal(plane_model):
    both = np.stack([exposed(), exposed(read_noise=20.0)])
    assert said(plane_model, both, "CYX") == [
        Mismatch(
            "The model was trained on 1 channel, this image has 2. Choose another model, or "
            "correct the axes.",
            is_fatal=True,
        )
    ]
    model = trained(np.stack([both[0], both[0]]), "CYX", joint=True)
    volume = Volume(both, "CYX", channel_names=("DAPI", "GFP"))
    (found,) = mismatches(model, volume)
    assert found.text.startswith("GFP has other noise")
    assert said(model, both[0])[0].is_fatal


def test_axes_of_a_3d_model(stack_model, tmp_path):
    (fatal,) = said(stack_model, exposed((9, 32, 32)), "TYX")
    assert fatal.is_fatal
    assert "without Z" in fatal.text
    with pytest.raises(InputError):
        stack_model.check_fits(as_volume(exposed((9, 32, 32)), "TYX"))
    path = tmp_path / "m.safetensors"
    stack_model.save(path)
    for planes in (1, 3):
        image = exposed((planes, 32, 32))
        (thin,) = (m for m in said(load(path), image, "ZYX") if "planes (3D)" in m.text)
        assert not thin.is_fatal
        assert api.apply(str(path), image, axes="ZYX").image.shape == image.shape


def test_images_that_tell_nothing(plane_model):
    assert said(plane_model, np.full((8, 8), 110.0)) == []
    (empty,) = said(plane_model, np.full((8, 8), np.nan))
    assert empty.text == "This image has no finite values."
    holes = exposed().astype(np.float32)
    holes[0, 0] = np.nan
    assert said(plane_model, holes) == []
    assert said(plane_model, exposed()[:2]) == []


def test_without_an_estimate_the_law_of_the_trained_model_counts(plane_model):
    (network,) = plane_model.networks
    law = NoiseLaw(CAMERA["gain"], CAMERA["read_noise"] ** 2 - CAMERA["gain"] * CAMERA["offset"])
    bare = dataclasses.replace(
        network, spec=dataclasses.replace(network.spec, noise=()), noise=(law,)
    )
    model = dataclasses.replace(plane_model, networks=(bare,))
    assert said(model, exposed()) == []
    assert "may leave" in said(model, exposed(read_noise=20.0))[0].text


def test_only_some_places_of_a_large_image_are_read(plane_model):
    read = []

    class Counted(Volume):
        def read(self, region=None):
            found = super().read(region)
            read.append(found.size)
            return found

    huge = np.broadcast_to(exposed((256, 256)), (900, 256, 256))
    began = time.process_time()
    mismatches(plane_model, Counted(huge, "TYX"))
    assert 0 < sum(read) <= 1 << 19
    assert time.process_time() - began < 4
