"""The noise report on images whose noise is known."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import tifffile

import measure_scenes as scenes
from napari_blindspot import noise_report
from napari_blindspot.io import open_volume
from napari_blindspot.io.arrays import as_volume
from napari_blindspot.measure import measure_noise, sampling
from napari_blindspot.params import InputError
from napari_blindspot.simulate import Camera


def only(image, **options):
    (channel,) = noise_report(image, **options).channels
    return channel


@pytest.mark.parametrize(("coverage", "near"), [(0.05, 0.1), (1.0, 0.05)], ids=["sparse", "dense"])
def test_gain_and_read_noise_of_a_simulated_image(coverage, near):
    photons = scenes.clean((384, 384), coverage=coverage)
    found = only(scenes.exposed(photons), axes="YX", black_level=100)
    assert found.gain.value == pytest.approx(2.0, rel=near)
    assert found.read_noise.value == pytest.approx(6.0, rel=0.05)
    assert found.read_noise_electrons.value == pytest.approx(3.0, rel=near)


def test_read_noise_has_a_limit_without_a_black_level():
    found = only(scenes.exposed(scenes.clean()), axes="YX")
    assert found.black_level is None
    assert 5.5 < found.read_noise.value < 10.0
    assert found.no_noise_at < 100 < found.dark


def test_intervals_cover_the_truth():
    """Of 40 intervals of 95 %, 38 are expected to hold the truth; 34 or less are 1 in 100."""
    camera = Camera(gain=2.0, offset=100.0, read_noise=4.0)
    photons = scenes.clean((128, 128), peak=60.0)
    gains, offsets = [], []
    for seed in range(40):
        found = only(scenes.exposed(photons, camera, seed), axes="YX")
        gains.append(found.gain.low <= 2.0 <= found.gain.high)
        offsets.append(found.offset.low <= 16 + 1 / 12 - 200 <= found.offset.high)
    assert sum(gains) >= 35
    assert sum(offsets) >= 35


def test_saturation_is_reported_and_left_out():
    camera = Camera(gain=2.0, offset=20.0, read_noise=4.0, dtype="uint8")
    found = only(scenes.exposed(scenes.clean(peak=160.0), camera), axes="YX", black_level=20)
    assert 0.001 < found.saturated < 0.1
    assert found.gain.value == pytest.approx(2.0, rel=0.1)


def test_noise_cut_off_at_zero_is_made_up_for():
    camera = Camera(gain=2.0, offset=0.0, read_noise=6.0)
    found = only(scenes.exposed(scenes.clean(), camera), axes="YX", black_level=0)
    assert found.clipped > 0.05
    assert found.gain.value == pytest.approx(2.0, rel=0.1)
    assert found.read_noise.value == pytest.approx(6.0, rel=0.1)


def test_hot_pixels_are_counted_and_change_nothing():
    noisy = scenes.exposed(scenes.clean())
    rng = np.random.default_rng(2)
    hot = noisy.copy()
    hot[rng.integers(0, 256, 40), rng.integers(0, 256, 40)] = 4000
    before, after = (only(image, axes="YX", black_level=100) for image in (noisy, hot))
    assert before.hot <= 1
    assert 36 <= after.hot <= 41
    assert after.gain.value == pytest.approx(before.gain.value, rel=0.05)
    assert after.read_noise.value == pytest.approx(before.read_noise.value, rel=0.05)


def test_rare_photons_are_not_hot():
    counts = np.random.default_rng(3).poisson(0.02, (256, 256)).astype(np.uint16)
    assert only(counts, axes="YX").hot == 0


def test_photon_counts_are_recognised():
    signal = np.linspace(0.05, 12, 256) * np.ones((256, 1))
    found = only(np.random.default_rng(4).poisson(signal), axes="YX")
    assert found.counts
    assert found.gain.value == pytest.approx(1.0, rel=0.05)
    assert found.black_level == 0
    assert found.read_noise.value < 0.2


def test_constant_image_has_no_noise():
    found = only(np.full((64, 64), 700, np.uint16))
    assert found.gain is None
    assert found.variance == 0
    assert found.read_noise.value == 0


def test_not_finite_pixels_are_left_out():
    noisy = scenes.exposed(scenes.clean()).astype(np.float32)
    spoilt = noisy.copy()
    spoilt[10:14, 10:20] = np.nan
    spoilt[100, 100] = np.inf
    found = only(spoilt, axes="YX")
    assert found.not_finite == 41
    assert found.gain.value == pytest.approx(only(noisy, axes="YX").gain.value, rel=0.03)


def test_an_image_without_a_finite_pixel():
    found = only(np.full((32, 32), np.nan))
    assert found.gain is None
    assert found.groups is None
    assert math.isnan(found.signal)


@pytest.mark.parametrize("shape", [(5, 7), (1, 64), (64, 1), (1, 1), (3, 3)])
def test_tiny_images_have_no_gain_but_a_report(shape):
    image = np.random.default_rng(5).normal(100, 5, shape)
    report = noise_report(image, axes="YX")
    json.dumps(report.as_json(), allow_nan=False)
    assert report.channels[0].gain is None
    assert report.channels[0].correlations == ()


def test_a_row_of_pixels_has_a_standard_deviation():
    found = only(np.random.default_rng(6).normal(100, 5, (1, 4096)), axes="YX")
    assert found.variance**0.5 == pytest.approx(5, rel=0.1)


def test_channels_are_measured_apart():
    rng = np.random.default_rng(7)
    photons = scenes.clean((128, 128))
    colours = [Camera(gain=g, offset=50.0, read_noise=2.0).expose(photons, rng) for g in (1, 2, 3)]
    report = noise_report(np.stack(colours, -1), axes="YXS")
    assert [channel.name for channel in report.channels] == ["red", "green", "blue"]
    gains = [channel.gain.value for channel in report.channels]
    assert gains == pytest.approx([1, 2, 3], rel=0.12)


def test_frames_in_time_tell_noise_from_structure():
    """Texture as fine as a pixel hides the noise of one frame, and is the same in all."""
    rng = np.random.default_rng(8)
    photons = rng.gamma(4.0, 25.0, (128, 128))
    frames = np.stack([scenes.exposed(photons, seed=seed) for seed in range(8)])
    found = only(frames, axes="TYX", black_level=100)
    assert found.gain.value == pytest.approx(2.0, rel=0.05)
    alone = only(frames[0], axes="YX", black_level=100)
    assert alone.variance > 5 * found.variance


def test_planes_of_a_stack_count_together():
    photons = np.stack([scenes.clean((128, 128), seed=seed) for seed in range(6)])
    found = only(scenes.exposed(photons), axes="ZYX", black_level=100)
    assert found.gain.value == pytest.approx(2.0, rel=0.07)
    assert {c.axis for c in found.correlations} == {"X", "Y", "Z"}


def test_five_axes_have_every_correlation():
    rng = np.random.default_rng(9)
    image = rng.normal(100, 5, (5, 2, 4, 64, 64)).astype(np.float32)
    report = noise_report(image, axes="TCZYX")
    assert len(report.channels) == 2
    for channel in report.channels:
        assert [c.axis for c in channel.correlations] == ["X", "Y", "T", "Z"]
        assert all(abs(lag) < 0.1 for c in channel.correlations for lag in c.lags)


def test_integers_shift_and_scale():
    noisy = scenes.exposed(scenes.clean()).astype(np.float64)
    plain, scaled = only(noisy, axes="YX"), only(3 * noisy - 7000, axes="YX")
    assert scaled.gain.value == pytest.approx(3 * plain.gain.value, rel=5e-3)


def test_eight_bit_images():
    camera = Camera(gain=0.5, offset=5.0, read_noise=1.0, dtype="uint8")
    found = only(scenes.exposed(scenes.clean(peak=300.0), camera), axes="YX", black_level=5)
    assert found.gain.value == pytest.approx(0.5, rel=0.07)
    assert found.read_noise.value == pytest.approx(1.0, rel=0.15)


def test_the_image_is_not_changed():
    image = scenes.exposed(scenes.clean((64, 64))).astype(np.float32)
    image[3, 3] = np.nan
    before = image.copy()
    noise_report(image, axes="YX")
    np.testing.assert_array_equal(image, before)


def test_only_a_part_of_a_large_volume_is_read():
    class Spy:
        shape, dtype = (400, 2048, 2048), np.dtype(np.uint16)
        pixels = 0

        def __getitem__(self, region):
            shape = tuple(s.stop - s.start for s in region)
            Spy.pixels += math.prod(shape)
            return np.random.default_rng(0).poisson(20, shape).astype(np.uint16)

    volume = as_volume(np.zeros((2, 4, 4), np.uint16), "ZYX").like(Spy())
    runs = list(sampling.runs(volume, "Z"))
    assert Spy.pixels <= sampling.BUDGET
    assert [run.planes.shape for run in runs] == [(1, 8, 256, 256)] * 4


def test_a_small_stack_is_read_whole():
    volume = as_volume(np.arange(5 * 32 * 32).reshape(5, 32, 32), "TYX")
    (run,) = sampling.runs(volume, "T")
    np.testing.assert_array_equal(run.planes[0], volume.read())


def test_report_is_json():
    report = noise_report(scenes.exposed(scenes.clean((64, 64))), axes="YX")
    values = json.loads(json.dumps(report.as_json(), allow_nan=False))
    (channel,) = values["channels"]
    assert set(channel["gain"]) == {"value", "interval"}
    assert len(channel["correlation"]["X"]["lags"]) == 5
    assert channel["read_noise_is_limit"] is True


def test_black_level_must_be_a_number():
    with pytest.raises(InputError, match="black_level=nan"):
        noise_report(np.ones((8, 8)), black_level=math.nan)


def test_photon_hazelnut(shared_data):
    folder = shared_data / "photon_hazelnut"
    frames = open_volume(folder / "noisy_lowlight_T40.tif").read()
    (low,) = measure_noise(as_volume(frames[:8], "TYX")).channels
    assert low.gain.value == pytest.approx(1.0, rel=0.05)
    assert low.counts
    assert low.black_level == 0
    assert only(frames[0], axes="YX").gain.value == pytest.approx(1.0, rel=0.05)


def test_hazelnut_scans_against_their_repeats(shared_data):
    """The detector misses photons where they are many: repeats vary by less than their mean."""
    scans = tifffile.imread(shared_data / "photon_hazelnut" / "noisy_frames_T5.tif")
    repeats = scans.var(0, ddof=1).mean()
    (found,) = measure_noise(as_volume(scans[0], "YX")).channels
    assert found.variance == pytest.approx(repeats, rel=0.1)
