from __future__ import annotations

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
from scipy import ndimage

from napari_blindspot import simulate
from napari_blindspot.params import InputError
from napari_blindspot.simulate import Camera

SCENES = {
    "nuclei 2D": lambda rng, **light: simulate.nuclei((96, 80), rng, **light),
    "nuclei 3D": lambda rng, **light: simulate.nuclei((12, 48, 40), rng, **light),
    "filaments 2D": lambda rng, **light: simulate.filaments((96, 80), rng, **light),
    "filaments 3D": lambda rng, **light: simulate.filaments((12, 48, 40), rng, **light),
    "planaria": lambda rng, **light: simulate.planaria((10, 48, 40), rng, **light),
    "timelapse": lambda rng, **light: simulate.timelapse((3, 64, 48), rng, **light),
}
SHAPES = {
    "nuclei 2D": (96, 80),
    "nuclei 3D": (12, 48, 40),
    "filaments 2D": (96, 80),
    "filaments 3D": (12, 48, 40),
    "planaria": (10, 48, 40),
    "timelapse": (3, 2, 64, 48),
}


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.mark.parametrize("name", SCENES)
def test_scene_runs_from_background_to_peak(name, rng):
    photons = SCENES[name](rng, peak=50.0, background=3.0)
    assert photons.shape == SHAPES[name]
    assert photons.dtype == np.float32
    assert photons.max() == pytest.approx(50.0, rel=1e-6)
    assert photons.min() >= 3.0 - 1e-5
    assert photons.std() > 1.0


@pytest.mark.parametrize("name", SCENES)
def test_scene_depends_on_the_seed_alone(name):
    first, again, other = (SCENES[name](np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("name", ["nuclei 2D", "filaments 2D"])
def test_more_photons_scale_the_same_scene(name):
    dim, bright = (
        SCENES[name](np.random.default_rng(1), peak=peak, background=0.0) for peak in (3.0, 30.0)
    )
    np.testing.assert_allclose(bright, 10 * dim, rtol=1e-5)


def test_nuclei_cover_about_what_is_asked_for(rng):
    photons = simulate.nuclei((400, 400), rng, peak=1.0, background=0.0, radius=8, coverage=0.2)
    covered = np.mean(photons > 0.1)
    assert 0.12 < covered < 0.25  # nuclei overlap and reach over the borders


def test_filaments_grow_with_their_count():
    few, many = (
        simulate.filaments((128, 128), np.random.default_rng(0), count=count, background=0.0)
        for count in (2, 40)
    )
    assert np.mean(many > 5) > 3 * np.mean(few > 5)


def test_planaria_is_dimmer_and_blurrier_in_depth(rng):
    photons = simulate.planaria((24, 96, 96), rng, background=0.0).astype(float)
    top, bottom = photons[2:6], photons[-6:-2]
    assert bottom.mean() < 0.5 * top.mean()

    def sharpness(planes):
        edges = np.abs(np.diff(planes, axis=-1)).mean()
        return edges / planes.std()

    assert sharpness(bottom) < 0.8 * sharpness(top)


def test_planaria_nuclei_are_round_in_micrometres():
    rng = np.random.default_rng(3)
    photons = simulate.planaria((40, 80, 80), rng, scale_um=(2.0, 0.5, 0.5)).astype(float)
    half = photons[:20]  # deeper planes are blurred more
    half = half - half.mean(axis=(1, 2), keepdims=True)

    def length_um(axis, scale_um):
        spectrum = np.abs(np.fft.rfft(half, axis=axis)) ** 2
        frequency = np.fft.rfftfreq(half.shape[axis], scale_um)
        power = spectrum.mean(axis=tuple(a for a in range(3) if a != axis))
        return 1 / (np.sum(power * frequency) / np.sum(power))

    ratio = length_um(0, 2.0) / length_um(2, 0.5)
    assert 0.6 < ratio < 2.5  # 4 or 1/4 if the voxel size were left out


def test_timelapse_moves_smoothly(rng):
    nuclei = simulate.timelapse((6, 96, 96), rng).astype(float)[:, 0]
    near = np.corrcoef(nuclei[0].ravel(), nuclei[1].ravel())[0, 1]
    far = np.corrcoef(nuclei[0].ravel(), nuclei[5].ravel())[0, 1]
    assert 0.8 < near < 0.999
    assert far < near - 0.05


def test_timelapse_channels_show_different_things(rng):
    frames = simulate.timelapse((2, 96, 96), rng)
    assert np.corrcoef(frames[0, 0].ravel(), frames[0, 1].ravel())[0, 1] < 0.5


def test_blur_keeps_the_mean_and_widens_by_sigma():
    point = np.zeros((65, 65), np.float32)
    point[32, 32] = 1000
    blurred = simulate.blur(point, (2.0, 4.0))
    assert blurred.dtype == np.float32
    assert blurred.sum() == pytest.approx(1000, rel=1e-4)
    offsets = np.arange(65) - 32
    for axis, sigma in ((0, 2.0), (1, 4.0)):
        profile = blurred.sum(axis=1 - axis) / 1000
        assert np.sqrt(np.sum(profile * offsets**2)) == pytest.approx(sigma, rel=0.02)


def test_expected_grey_value_is_the_mean_of_many_exposures(rng):
    camera = Camera(gain=2.5, offset=90, read_noise=4.0)
    photons = simulate.nuclei((48, 48), rng, peak=40.0)
    mean = np.mean([camera.expose(photons, rng) for _ in range(400)], axis=0)
    z_scores = (mean - camera.expected(photons)) / np.sqrt(camera.variance(photons) / 400)
    assert abs(z_scores.mean()) < 0.1
    assert 0.95 < z_scores.std() < 1.05


@pytest.mark.parametrize(("gain", "read_noise"), [(1.0, 0.0), (2.5, 4.0), (12.0, 20.0)])
def test_variance_follows_the_documented_law(gain, read_noise, rng):
    camera = Camera(gain=gain, offset=100, read_noise=read_noise)
    photons = np.linspace(10, 400, 200)[:, None].repeat(4000, axis=1)
    noisy = camera.expose(photons, rng).astype(float)
    signal, variance = noisy.mean(axis=1), noisy.var(axis=1)
    slope, floor = np.polyfit(signal - camera.offset, variance, 1, w=1 / variance)
    assert slope == pytest.approx(gain, rel=0.02)
    # Without read noise grey values are whole numbers anyway: rounding adds nothing.
    expected_floor = read_noise**2 + (1 / 12 if read_noise else 0.0)
    assert floor == pytest.approx(expected_floor, abs=0.05 * gain**2 * photons.min())
    if read_noise:
        np.testing.assert_allclose(camera.variance(photons[:, 0]), variance, rtol=0.12)


def test_noise_is_independent_between_pixels(rng):
    noisy = Camera().expose(np.full((300, 300), 20.0, np.float32), rng).astype(float)
    residual = noisy - noisy.mean()
    for axis in (0, 1):
        shifted = np.roll(residual, 1, axis=axis)
        assert abs(np.mean(residual * shifted)) < 0.02 * residual.var()


def test_read_noise_alone_is_gaussian(rng):
    noisy = Camera(offset=1000, read_noise=5.0).expose(np.zeros((200, 200), np.float32), rng)
    values = noisy.astype(float)
    assert values.std() == pytest.approx(np.sqrt(25 + 1 / 12), rel=0.02)
    assert abs(np.mean(((values - values.mean()) / values.std()) ** 3)) < 0.05


def test_exposures_depend_on_the_seed_alone():
    photons = np.full((32, 32), 8.0, np.float32)
    first, again, other = (
        Camera().expose(photons, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_camera_leaves_its_input_alone(rng):
    photons = simulate.nuclei((32, 32), rng)
    before = photons.copy()
    Camera().expose(photons, rng)
    simulate.blur(photons, 2.0)
    np.testing.assert_array_equal(photons, before)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32"])
def test_grey_values_have_the_type_of_the_camera(dtype, rng):
    noisy = Camera(offset=20, dtype=dtype).expose(np.full((8, 8), 30.0, np.float32), rng)
    assert noisy.dtype == np.dtype(dtype)


@pytest.mark.parametrize(("saturation", "largest"), [(None, 255), (200, 200)])
def test_grey_values_saturate_at_both_ends(saturation, largest, rng):
    camera = Camera(gain=4.0, offset=3.0, read_noise=6.0, dtype="uint8", saturation=saturation)
    photons = np.concatenate([np.zeros(500), np.full(500, 200.0)]).astype(np.float32)
    noisy = camera.expose(photons, rng)
    assert noisy[:500].min() == 0
    assert np.all(noisy[500:] == largest)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gain": 0.0}, "gain=0.0 is not allowed; use a number above 0"),
        ({"read_noise": -1.0}, "read_noise=-1.0 is not allowed; use 0 or more"),
        ({"dtype": "float32"}, "dtype='float32' is not allowed; use uint8"),
        ({"dtype": "uint8", "saturation": 4095}, "saturation=4095 does not fit uint8; use 1 to"),
    ],
)
def test_impossible_cameras_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        dataclasses.replace(Camera(), **change)


def test_impossible_scenes_are_refused(rng):
    with pytest.raises(InputError, match="use two or three sizes"):
        simulate.nuclei((8, 8, 8, 8), rng)
    with pytest.raises(InputError, match="use two or three sizes"):
        simulate.filaments((0, 8), rng)
    with pytest.raises(InputError, match="use 0 <= background < peak"):
        simulate.nuclei((8, 8), rng, peak=2.0, background=2.0)
    with pytest.raises(InputError, match=r"use \(Z, Y, X\)"):
        simulate.planaria((8, 8), rng)
    with pytest.raises(InputError, match=r"use \(T, Y, X\)"):
        simulate.timelapse((8, 8), rng)


def test_scenes_are_smooth_enough_to_be_denoised(rng):
    photons = simulate.nuclei((96, 96), rng, background=0.0).astype(float)
    fine = photons - ndimage.gaussian_filter(photons, 1.0)
    assert fine.std() < 0.35 * photons.std()


def test_simulator_works_without_torch():
    code = "import sys, napari_blindspot.simulate; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_camera_takes_whole_numbers():
    photons = np.full((8, 8), 5.0)
    whole, real = (
        Camera(gain=g, offset=o).expose(photons, np.random.default_rng(1))
        for g, o in ((2, 100), (2.0, 100.0))
    )
    np.testing.assert_array_equal(whole, real)
