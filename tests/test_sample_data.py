from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_blindspot.quality import psnr

FOLDER = Path(__file__).parents[1] / "sample_data"
NAMES = ["planaria", "filaments", "timelapse"]


@pytest.fixture(scope="module")
def make_samples():
    spec = importlib.util.spec_from_file_location("make_samples", FOLDER / "make_samples.py")
    module = importlib.util.module_from_spec(spec)
    # Its dataclass looks its own module up while it is being defined.
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "make_samples", module)
        spec.loader.exec_module(module)
        yield module


def read(name, kind):
    return tifffile.imread(FOLDER / f"{name}_{kind}.ome.tif")


@pytest.mark.parametrize("name", NAMES)
def test_script_makes_the_files_pixel_by_pixel(name, make_samples):
    noisy, truth = make_samples.make(make_samples.SAMPLES[name])
    for kind, pixels in (("noisy", noisy), ("truth", truth)):
        stored = read(name, kind)
        assert stored.dtype == pixels.dtype
        np.testing.assert_array_equal(stored, pixels)


@pytest.mark.parametrize("name", NAMES)
def test_noisy_image_scatters_around_the_truth_as_the_camera_says(name, make_samples):
    noisy, truth = read(name, "noisy").astype(float), read(name, "truth").astype(float)
    camera = make_samples.CAMERA
    sigma = np.sqrt(camera.variance((truth - camera.offset) / camera.gain))
    z_scores = (noisy - truth) / sigma
    assert abs(z_scores.mean()) < 0.01
    assert z_scores.std() == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(
    ("name", "axes", "shape"),
    [
        ("planaria", "ZYX", (24, 160, 160)),
        ("filaments", "YX", (256, 256)),
        ("timelapse", "TCYX", (8, 2, 128, 128)),
    ],
)
@pytest.mark.parametrize("kind", ["noisy", "truth"])
def test_files_say_their_axes_and_sizes(name, axes, shape, kind):
    with tifffile.TiffFile(FOLDER / f"{name}_{kind}.ome.tif") as tiff:
        assert tiff.is_ome
        assert tiff.series[0].axes == axes
        assert tiff.series[0].shape == shape
        assert 'PhysicalSizeXUnit="µm"' in tiff.ome_metadata


def test_metadata_of_the_volume_and_the_timelapse():
    with tifffile.TiffFile(FOLDER / "planaria_noisy.ome.tif") as tiff:
        for size in ('PhysicalSizeZ="2.0"', 'PhysicalSizeY="0.5"', 'PhysicalSizeX="0.5"'):
            assert size in tiff.ome_metadata
    with tifffile.TiffFile(FOLDER / "timelapse_noisy.ome.tif") as tiff:
        for text in ('TimeIncrement="30.0"', 'Name="nuclei"', 'Name="filaments"'):
            assert text in tiff.ome_metadata


def test_writing_again_gives_the_same_metadata(make_samples, tmp_path):
    make_samples.write(tmp_path)
    for file in FOLDER.glob("*.ome.tif"):
        with tifffile.TiffFile(file) as stored, tifffile.TiffFile(tmp_path / file.name) as again:
            stored_xml, again_xml = (
                tiff.ome_metadata.split("Creator=")[0]
                + tiff.ome_metadata.split("<Image", maxsplit=1)[1]
                for tiff in (stored, again)
            )
        assert stored_xml == again_xml


def test_samples_are_noisy_but_not_hopeless():
    for name in NAMES:
        truth = read(name, "truth")
        peak = float(truth.max() - truth.min())
        assert 15 < psnr(read(name, "noisy"), truth, peak) < 28


def test_samples_stay_small():
    assert sum(file.stat().st_size for file in FOLDER.glob("*.tif")) < 4_000_000
