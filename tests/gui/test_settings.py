"""Preferences: the manifest and the defaults agree, changes are seen, nonsense is refused."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import pytest
from npe2 import PluginManifest

import napari_blindspot
from napari_blindspot._gui.settings import CATEGORY, PLUGIN, Settings, read_settings

MANIFEST = Path(napari_blindspot.__file__).parent / "napari.yaml"


@pytest.fixture
def preferences(plugin_settings, npe2pm):
    """Preferences of the plugin in a folder of the test."""
    from napari.settings import get_plugin_settings

    npe2pm.register(PluginManifest.from_file(MANIFEST))
    return get_plugin_settings(PLUGIN).denoising


def test_manifest_and_defaults_agree(preferences):
    assert read_settings() == Settings()
    declared = PluginManifest.from_file(MANIFEST).contributions.configurations[CATEGORY]
    assert list(declared.properties) == [f.name for f in dataclasses.fields(Settings)]
    assert all(item.title and item.description for item in declared.properties.values())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("device", "cuda"),
        ("memory_limit_gb", 0.5),
        ("preview_interval_s", 0.0),
        ("output_folder", "results"),
    ],
)
def test_a_change_is_seen(preferences, name, value):
    setattr(preferences, name, value)
    assert read_settings() == dataclasses.replace(Settings(), **{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [("device", "tpu"), ("memory_limit_gb", 0.0), ("preview_interval_s", -1.0)],
)
def test_nonsense_is_refused(preferences, name, value):
    with pytest.raises(ValueError, match=name):
        setattr(preferences, name, value)
    assert read_settings() == Settings()


def test_defaults_where_the_plugin_is_not_registered(plugin_settings, npe2pm):
    assert PLUGIN not in npe2pm
    assert read_settings() == Settings()


def test_defaults_where_napari_is_too_old(monkeypatch):
    import napari.settings

    monkeypatch.delattr(napari.settings, "get_plugin_settings")
    assert read_settings() == Settings()
    monkeypatch.setitem(sys.modules, "napari.settings", None)
    assert read_settings() == Settings()
