"""What is copied gives the same pixels, in another process and from a file."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys

import numpy as np
import pytest

import scenes
from napari_blindspot._gui.repeating import (
    Place,
    Repeat,
    job_for_file,
    place_in_file,
    saved_source,
)
from napari_blindspot.events import Finished
from napari_blindspot.halting import Stop
from napari_blindspot.io import open_volume, save_volume
from napari_blindspot.io.arrays import as_volume
from napari_blindspot.io.base import Volume
from napari_blindspot.job import Job
from napari_blindspot.model import load
from napari_blindspot.params import InputError
from napari_blindspot.run import run

SMALL = {"width": 8, "depth": 1, "batch": 2}
QUICK = {"method": "n2v", "params": SMALL, "threads": 1, "budget": "5steps"}
# In a shell that runs them as if the command was installed.
SHELL = 'blindspot() {{ "{python}" -c "from napari_blindspot.cli import main; main()" "$@"; }}\n'
posix = pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")


def image(*shape):
    return scenes.noisy_and_clean(shape)[0]


def finished(job, volume, stop=lambda: Stop.NO, model=None):
    *_, last = run(job, stop, [volume], model=model)
    assert isinstance(last, Finished)
    return last


def file_of(volume, folder, name="a layer"):
    return saved_source(volume, folder, name)


def repeated(done, volume, folder, name):
    """Job on a file of the volume, and the pixels that it has to give."""
    source = file_of(volume, folder, f"{name}'s layer")
    job = job_for_file(done.job, source, volume.axes, folder / f"{name}.ome.tif")
    return job, done.denoised.read()


def stopped_after(count):
    asked = [0]

    def stop():
        asked[0] += 1
        return Stop.APPLY if asked[0] > count else Stop.NO

    return stop


def check(expected):
    for job, pixels in expected:
        made = open_volume(job.output)
        assert made.dtype == np.float32
        np.testing.assert_array_equal(made.read(), pixels)


def execute(words, text=None):
    done = subprocess.run(words, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@posix
def test_a_copied_command_gives_the_same_pixels(tmp_path):
    """3D, joint channels, regions and changed parameters."""
    volume = as_volume(np.stack([image(5, 32, 36), image(5, 32, 36)]), "CZYX")
    job = Job(
        **{**QUICK, "budget": "3steps"},
        dims="3D",
        joint=True,
        held_out=True,
        seed=4,
        train_on="Z=0:4,Y=0:24",
        apply_on="Z=1:5,X=4:32",
    )
    done = finished(job, volume)
    copied, pixels = repeated(done, volume, tmp_path, "three")
    execute(["sh"], SHELL.format(python=sys.executable) + Repeat((copied,)).command)
    check([(copied, pixels)])


@posix
@pytest.mark.slow
def test_two_copied_commands_apply_the_model_of_one_image_to_another(tmp_path):
    jobs, pixels = two_jobs(tmp_path, tmp_path)
    execute(["sh", "-e"], SHELL.format(python=sys.executable) + Repeat(jobs).command)
    check([(jobs[1], pixels)])


def two_jobs(tmp_path, folder):
    first, second = as_volume(image(48, 48), "YX"), as_volume(image(2, 40, 56), "TYX")
    trained = finished(Job(**QUICK, train_only=True, held_out=True), first)
    done = finished(Job(threads=1, held_out=True), second, model=trained.model)
    model = folder / "m.safetensors"
    train = job_for_file(trained.job, file_of(first, folder, "first"), "YX", model)
    applied = dataclasses.replace(done.job, model=str(model))
    return (train, job_for_file(applied, file_of(second, folder), "TYX", folder / "o.ome.tif")), (
        done.denoised.read()
    )


@pytest.mark.pretrained
def test_copied_scripts_give_the_same_pixels(tmp_path):
    """A plane that was stopped early within seconds, a part of a stack, and two jobs."""
    plane = as_volume(image(44, 40), "YX")
    seconds = {"params": {**SMALL, "members": 1}, "threads": 1, "budget": "20s"}
    stopped = finished(Job(**seconds, with_std=True), plane, stopped_after(7))
    assert stopped.job.pace
    stack = Volume(image(6, 40, 40), "ZYX", scale=(2, 0.5, 0.5), units=("micrometer",) * 3)
    part = finished(Job(**QUICK, dims="2D", apply_on="Z=3:5,Y=8:40"), stack)
    cases = [repeated(stopped, plane, tmp_path, "plane"), repeated(part, stack, tmp_path, "part")]
    two, pixels = two_jobs(tmp_path, tmp_path)
    scripts = [Repeat(jobs).python for jobs in ((cases[0][0],), (cases[1][0],), two)]
    text = "\n".join(f"exec({script!r}, {{}})" for script in scripts)
    assert "napari_blindspot.denoise(" in text
    assert "run(job)" in text
    execute([sys.executable, "-c", text])
    check([*cases, (two[1], pixels)])
    assert open_volume(cases[1][0].output).scale == stack.scale
    assert len(load(two[0].save_model).networks) == 1
    assert cases[0][0].uncertainty.endswith("plane_std.ome.tif")
    np.testing.assert_array_equal(open_volume(cases[0][0].uncertainty).read(), stopped.std.read())


def test_a_layer_that_is_one_channel_of_a_file(tmp_path):
    """Its job has the same pixels, told by two regions of the file."""
    both = np.stack([image(2, 40, 44), image(2, 40, 44) + 7], 1)
    source = tmp_path / "both.ome.tif"
    save_volume(source, as_volume(both, "TCYX"))
    layer = as_volume(both[:, 1], "TYX")
    place = place_in_file(layer, source)
    assert place == Place(1)
    done = finished(Job(**QUICK, train_on="T=0"), layer)
    job = job_for_file(done.job, source, "TYX", tmp_path / "o.ome.tif", place)
    assert (job.train_on, job.apply_on, job.axes) == ("C=1,T=0", "C=1", None)
    *_, last = run(job)
    np.testing.assert_array_equal(last.denoised.read()[:, 0], done.denoised.read())


def test_pixels_are_found_in_a_file_or_not(tmp_path):
    pixels = image(3, 32, 32)
    source = tmp_path / "in.ome.tif"
    save_volume(source, as_volume(pixels[None], "TZYX"))
    assert place_in_file(as_volume(pixels, "ZYX"), source) == Place()
    other = pixels.copy()
    other[2, 3, 4] += 1
    for volume in (other, pixels[:2], pixels.astype(np.float32), pixels[0]):
        assert place_in_file(as_volume(volume), source) is None


@pytest.mark.parametrize("shape", [(40, 8, 8), (2, 2, 400, 8), (3000, 4)])
def test_of_a_large_image_only_some_planes_are_compared(shape, tmp_path, monkeypatch):
    monkeypatch.setattr("napari_blindspot._gui.repeating._COMPARED", 512)
    pixels = np.random.default_rng(0).integers(0, 99, shape).astype(np.uint8)
    source = tmp_path / "in.npy"
    np.save(source, pixels)
    read = []

    class Counted(Volume):
        def read(self, region=None):
            found = super().read(region)
            read.append(found.size)
            return found

    axes = "TZYX"[-len(shape) :]
    assert place_in_file(Counted(pixels, axes), source) == Place()
    assert 0 < sum(read) < pixels.size
    assert place_in_file(as_volume(pixels + 1, axes), source) is None


@pytest.mark.parametrize(
    ("stored", "layer", "given"),
    [
        ((1, 5, 16, 16), "TZYX", None),
        ((1, 5, 16, 16), "ZYX", None),
        ((1, 5, 16, 16), "TYX", "CTYX"),
        ((1, 5, 16, 16), "ZTYX", "ZTYX"),
    ],
)
def test_axes_are_given_only_where_the_file_has_others(stored, layer, given, tmp_path):
    source = tmp_path / "in.ome.tif"
    save_volume(source, Volume(np.zeros(stored, np.uint8), "TZYX"))
    job = job_for_file(Job(with_std=True), source, layer, tmp_path / "o.tif")
    assert job.axes == given
    assert (job.inputs, job.float32) == ((str(source),), True)
    assert job.uncertainty == str(tmp_path / "o_std.tif")
    if given:
        assert open_volume(source, axes=given).shape == stored
    with pytest.raises(InputError, match="save the layer in a file of its own"):
        job_for_file(Job(), source, "YX", tmp_path / "o.tif")


@pytest.mark.parametrize(
    ("dtype", "suffix"),
    [
        ("uint8", ".ome.tif"),
        (">u2", ".ome.tif"),
        ("bool", ".ome.tif"),
        ("float32", ".ome.tif"),
        ("float16", ".ome.zarr"),
        ("int64", ".ome.zarr"),
    ],
)
def test_a_layer_in_no_file_is_saved_in_its_own_type(dtype, suffix, tmp_path):
    pixels = image(2, 20, 24).astype(dtype)
    layer = Volume(pixels, "TYX", scale=(1, 0.5, 0.5), units=("", "micrometer", "micrometer"))
    first, second = (saved_source(layer, tmp_path, "cells: day 3/4") for _ in range(2))
    assert (first.name, second.name) == (f"cells_day_3_4{suffix}", f"cells_day_3_4_2{suffix}")
    kept = open_volume(first)
    assert (kept.dtype, kept.axes, kept.scale) == (layer.dtype, layer.axes, layer.scale)
    np.testing.assert_array_equal(kept.read(), layer.read())


def test_a_large_layer_is_saved_as_zarr_whatever_its_name(tmp_path, monkeypatch):
    monkeypatch.setattr("napari_blindspot.io.tiff_out.BIGTIFF_BYTES", 100)
    assert saved_source(as_volume(image(20, 20), "YX"), tmp_path, "../").name == "image.ome.zarr"
