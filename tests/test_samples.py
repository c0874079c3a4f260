"""The sample files and the names that the package hands out."""

from __future__ import annotations

import importlib.metadata

import pytest

import napari_blindspot
from napari_blindspot.params import InputError


def test_sample_is_found():
    file = napari_blindspot.sample_data_path("planaria_noisy.ome.tif")
    assert file.is_file()
    assert file.parent.name == "sample_data"


def test_unknown_sample_is_refused_with_the_names_of_the_known():
    with pytest.raises(InputError, match=r"'worm.tif' is not known.*planaria_noisy\.ome\.tif"):
        napari_blindspot.sample_data_path("worm.tif")


def test_every_public_name_resolves():
    assert dir(napari_blindspot) == sorted(napari_blindspot.__all__)
    for name in napari_blindspot.__all__:
        assert getattr(napari_blindspot, name) is not None


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'sharpen'"):
        _ = napari_blindspot.sharpen


def test_version_is_known_without_an_installed_distribution(monkeypatch):
    installed = napari_blindspot.__version__
    assert installed == importlib.metadata.version("napari-blindspot")

    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    assert napari_blindspot.__version__[:1].isdigit()
