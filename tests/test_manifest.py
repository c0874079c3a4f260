"""The manifest is valid, and all that it promises exists."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

import pytest

npe2 = pytest.importorskip("npe2")

ROOT = Path(__file__).parents[1]
SHIPPED = ROOT / "src" / "napari_blindspot" / "napari.yaml"


@pytest.fixture(scope="module")
def manifest():
    return npe2.PluginManifest.from_file(SHIPPED)


@pytest.mark.skipif(sys.platform == "win32", reason="a checkout on Windows may have no links")
def test_link_in_the_root_leads_to_the_manifest_that_ships():
    assert (ROOT / "napari.yaml").resolve() == SHIPPED


def test_entry_point_leads_to_the_manifest():
    found = npe2.PluginManifest.from_distribution("napari-blindspot")
    assert found.name == "napari-blindspot"
    assert found.package_version == importlib.metadata.version("napari-blindspot")


def test_every_command_can_be_imported(manifest):
    manifest.validate_imports()


def test_every_sample_has_a_command(manifest):
    commands = {command.id for command in manifest.contributions.commands}
    samples = manifest.contributions.sample_data
    assert {sample.key for sample in samples} == {"planaria", "filaments", "timelapse"}
    assert {sample.command for sample in samples} <= commands


def test_console_script_is_declared():
    (script,) = importlib.metadata.entry_points(group="console_scripts", name="blindspot")
    assert callable(script.load())
