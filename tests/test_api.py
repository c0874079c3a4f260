from __future__ import annotations

import numpy as np
import pytest

import napari_blindspot
from napari_blindspot import api
from napari_blindspot.events import Step
from napari_blindspot.halting import Stop
from napari_blindspot.params import InputError

pytestmark = pytest.mark.usefixtures("few_pixels")
OPTIONS = {"method": "n2v", "budget": "2steps", "width": 4, "patch": 16}


def test_denoise_reports_its_steps():
    steps = []
    noisy = np.random.default_rng(0).poisson(20.0, (32, 32))
    result = napari_blindspot.denoise(noisy, progress=steps.append, **OPTIONS)
    assert sum(isinstance(event, Step) for event in steps) == 2
    assert result.image.shape == (32, 32)
    assert result.std is None
    assert len(result.noise) == 1


def test_a_trained_model_is_applied_from_memory_as_from_its_file(tmp_path):
    rng = np.random.default_rng(0)
    noisy, other = rng.poisson(20.0, (2, 32, 32))
    model = napari_blindspot.train(noisy, **OPTIONS)
    model.save(tmp_path / "model.safetensors")
    in_memory = napari_blindspot.apply(model, other, device="cpu").image
    from_file = napari_blindspot.apply(tmp_path / "model.safetensors", other, device="cpu").image
    np.testing.assert_array_equal(in_memory, from_file)
    assert np.ptp(in_memory) > 0


def test_estimate_noise_of_photon_counts():
    rng = np.random.default_rng(0)
    signal = np.linspace(5, 200, 256)[None].repeat(256, 0)
    (law,) = napari_blindspot.estimate_noise(rng.poisson(signal))
    assert law.gain == pytest.approx(1, rel=0.1)


@pytest.mark.parametrize(
    ("image", "options", "message"),
    [
        (np.zeros((8, 8), complex), {}, "complex128 cannot be denoised"),
        (np.zeros((8, 8)), {"speed": 3}, "'speed' is not known"),
        (np.zeros((8, 8)), {"axes": "YZ"}, "YZ"),
        (np.zeros(8), {}, "axes"),
    ],
)
def test_unusable_images_and_options(image, options, message):
    with pytest.raises(InputError, match=message):
        api.denoise(image, **{**OPTIONS, **options})


def test_halted_runs_say_so():
    with pytest.raises(InterruptedError, match="halted"):
        api.denoise(np.ones((16, 16)), stop=lambda: Stop.HALT, **OPTIONS)
