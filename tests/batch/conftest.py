"""Folders of tiny noisy images, and jobs that take no time."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_blindspot import api
from napari_blindspot.io import save_volume
from napari_blindspot.job import Job

TINY = {"width": 4, "depth": 1, "patch": 16, "batch": 4}


@pytest.fixture(autouse=True)
def one_thread(few_pixels, monkeypatch):
    """Images this small only wait for one another's threads; worker processes inherit the rest."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def job():
    return Job(method="n2v", params=TINY, budget="2steps", device="cpu")


@pytest.fixture
def folder(tmp_path):
    """Three images in a folder."""
    path = tmp_path / "in"
    path.mkdir()
    for index, name in enumerate("abc"):
        image(path / f"{name}.tif", index)
    return path


def image(path, seed=0, shape=(24, 24)):
    """Write a small noisy image and return its path."""
    noisy = np.random.default_rng(seed).poisson(40.0, shape).astype(np.uint8)
    save_volume(path, api.as_volume(noisy, "TCZYX"[-len(shape) :]))
    return path


@pytest.fixture
def make_image():
    return image


@pytest.fixture
def model(tmp_path):
    """A saved model that gives an uncertainty."""
    noisy = np.random.default_rng(9).poisson(40.0, (24, 24)).astype(np.uint8)
    path = tmp_path / "given.safetensors"
    options = {"width": 4, "depth": 1, "patch": 16, "batch": 4}
    api.train(noisy, method="laine19", budget="1steps", device="cpu", **options).save(path)
    return str(path)
