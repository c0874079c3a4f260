"""What a wheel contains, that it works without the checkout, and what a listing shows of it."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest

from napari_blindspot import methods
from napari_blindspot._gui.settings import CATEGORY, Settings

ROOT = Path(__file__).parents[1]
SAMPLES = {
    f"napari_blindspot/sample_data/{scene}_{kind}.ome.tif"
    for scene in ("planaria", "filaments", "timelapse")
    for kind in ("noisy", "truth")
}


REPOSITORY = "https://github.com/napari-blindspot/napari-blindspot"
IMAGES = "https://raw.githubusercontent.com/napari-blindspot/napari-blindspot/main/docs/images/"
# An image or a link in a line, or the target of a link that is named further below.
TARGETS = re.compile(r"\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)$", re.MULTILINE)


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    """Source distribution, and the wheel built from it, as in a release."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def wheel(dist):
    (file,) = dist.glob("*.whl")
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


def test_twine_finds_no_fault(dist):
    files = sorted(str(file) for file in dist.iterdir())
    assert [Path(file).suffix for file in files] == [".whl", ".gz"]
    command = [sys.executable, "-m", "twine", "check", "--strict", *files]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("PASSED") == 2


@pytest.fixture(scope="module")
def metadata(wheel):
    """What a listing reads."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return HeaderParser().parsestr(archive.read(name).decode())


def test_metadata_have_what_the_hub_shows(metadata):
    assert 20 <= len(metadata["Summary"]) <= 140
    assert "Framework :: napari" in metadata.get_all("Classifier")
    assert metadata["License-Expression"] == "BSD-3-Clause"
    assert metadata["Description-Content-Type"] == "text/markdown"
    urls = dict(each.split(", ") for each in metadata.get_all("Project-URL"))
    assert urls["Homepage"] == urls["Source Code"] == REPOSITORY
    assert set(urls) >= {"Documentation", "Bug Tracker", "Changelog"}


def test_summary_is_the_same_everywhere(metadata):
    yaml = pytest.importorskip("yaml")
    config = yaml.safe_load((ROOT / ".napari-hub" / "config.yml").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert config["summary"] == metadata["Summary"]
    assert config["authors"] == project["authors"]


def test_wheel_brings_no_qt_and_no_napari_by_itself(metadata):
    required = [each for each in metadata.get_all("Requires-Dist") if "extra ==" not in each]
    assert not [each for each in required if re.match(r"napari|pyqt|pyside|qtpy", each, re.I)]


@pytest.fixture(scope="module")
def contributions(wheel, tmp_path_factory):
    """What the manifest in the wheel contributes to napari."""
    npe2 = pytest.importorskip("npe2")
    folder = tmp_path_factory.mktemp("manifest")
    with zipfile.ZipFile(wheel) as archive:
        (entry,) = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
        points = archive.read(entry).decode()
        file = archive.extract("napari_blindspot/napari.yaml", folder)
    assert "[napari.manifest]\nnapari-blindspot = napari_blindspot:napari.yaml" in points
    return npe2.PluginManifest.from_file(file).contributions


def test_manifest_in_the_wheel_lists_the_widget(contributions):
    assert [widget.display_name for widget in contributions.widgets] == ["Blind-spot denoising"]


def test_manifest_in_the_wheel_lists_the_menu(contributions):
    (submenu,) = contributions.submenus
    assert submenu.label == "Denoise"
    assert [item.submenu for item in contributions.menus["napari/layers/filter"]] == [submenu.id]
    entries = {item.command for item in contributions.menus[submenu.id]}
    assert entries == {f"napari-blindspot.denoise_{name}" for name in methods.available()}


def test_manifest_in_the_wheel_lists_the_samples(contributions):
    keys = {sample.key for sample in contributions.sample_data}
    assert {f"napari_blindspot/sample_data/{key}_noisy.ome.tif" for key in keys} == {
        name for name in SAMPLES if "noisy" in name
    }


def test_manifest_in_the_wheel_lists_the_preferences(contributions):
    page = contributions.configurations[CATEGORY].properties
    defaults = {name: setting.default for name, setting in page.items()}
    assert defaults == dataclasses.asdict(Settings())


def targets_in(file):
    """Targets of all links and images of a page, without those on the page itself."""
    found = ["".join(pair) for pair in TARGETS.findall(file.read_text(encoding="utf-8"))]
    return [target for target in found if not target.startswith("#")]


def test_readme_works_where_there_is_no_checkout():
    targets = targets_in(ROOT / "README.md")
    assert len(targets) > 5
    assert not [target for target in targets if not target.startswith("https://")]


def test_readme_names_what_there_is():
    files = [
        target.removeprefix(f"{REPOSITORY}/blob/main/")
        for target in targets_in(ROOT / "README.md")
        if target.startswith(f"{REPOSITORY}/blob/")
    ]
    assert not [file for file in files if not (ROOT / file).is_file()]


def test_pictures_of_the_readme_exist():
    pictures = [target for target in targets_in(ROOT / "README.md") if target.startswith(IMAGES)]
    names = [target.removeprefix(IMAGES) for target in pictures]
    assert {Path(name).suffix for name in names} == {".gif", ".png"}
    assert not [name for name in names if not (ROOT / "docs" / "images" / name).is_file()]


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_pages_name_what_there_is(page):
    """Relative links of the documentation, pictures among them."""
    files = [t.partition("#")[0] for t in targets_in(page) if not t.startswith("https://")]
    assert not [file for file in files if not (page.parent / file).is_file()]


def test_guide_has_the_headings_that_it_refers_to():
    text = (ROOT / "docs" / "napari.md").read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    names = {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in headings}
    wanted = set(re.findall(r"\]\(#([^)]+)\)", text))
    assert wanted
    assert wanted <= names
