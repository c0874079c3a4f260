"""What a wheel contains, and that it works without the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SAMPLES = {
    f"napari_blindspot/sample_data/{scene}_{kind}.ome.tif"
    for scene in ("planaria", "filaments", "timelapse")
    for kind in ("noisy", "truth")
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Wheel built from the source distribution, as a release is."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (file,) = folder.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def names(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_wheel_has_what_the_package_reads(names):
    assert {"napari_blindspot/napari.yaml", "napari_blindspot/py.typed"} <= names
    assert names >= SAMPLES
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_wheel_has_every_module(names):
    modules = {file.relative_to(ROOT / "src").as_posix() for file in (ROOT / "src").rglob("*.py")}
    assert modules <= names


def test_wheel_has_nothing_else(names):
    assert {name.split("/")[0].split("-")[0] for name in names} == {"napari_blindspot"}
    assert not [name for name in names if "test" in name.lower()]
    scripts = [name for name in names if "sample_data/" in name and not name.endswith(".tif")]
    assert not scripts


def test_samples_are_found_in_the_wheel(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    program = (
        "import napari_blindspot\n"
        "print(napari_blindspot.sample_data_path('filaments_noisy.ome.tif'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "napari_blindspot" / "sample_data"
    assert Path(done.stdout.strip()) == folder / "filaments_noisy.ome.tif"
