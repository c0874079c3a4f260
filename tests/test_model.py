from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from napari_blindspot import api
from napari_blindspot.model import load
from napari_blindspot.params import InputError


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    noisy = np.random.default_rng(0).poisson(20, (2, 32, 32)).astype(np.uint16)
    options = {"method": "n2v", "budget": "2steps", "width": 4, "patch": 16, "batch": 64}
    model = api.train(noisy, axes="CYX", **options)
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    model.save(path)
    return path, model


def header_of(path):
    length = int.from_bytes(path.read_bytes()[:8], "little")
    return json.loads(
        json.loads(path.read_bytes()[8 : 8 + length])["__metadata__"]["napari_blindspot"]
    )


def rewritten(path, target, change):
    header = header_of(path)
    change(header)
    save_file(load_file(path), target, {"napari_blindspot": json.dumps(header)})
    return target


def test_what_is_saved_is_loaded(saved):
    path, model = saved
    again = load(path)
    assert again.method == model.method
    assert again.spatial == "YX"
    assert again.n_channels == 2
    for new, old in zip(again.networks, model.networks, strict=True):
        assert (new.channels, new.spec, new.normalization) == (
            old.channels,
            old.spec,
            old.normalization,
        )
        assert new.noise == old.noise
        assert new.noise_intervals == old.noise_intervals
        assert len(new.intervals) == 1
        assert new.losses == old.losses
        assert new.parts.predictor == old.parts.predictor


def test_models_of_before_the_intervals_are_loaded(saved, tmp_path):
    path, model = saved
    old = rewritten(
        path,
        tmp_path / "old.safetensors",
        lambda h: [network.pop("noise_intervals") for network in h["networks"]],
    )
    networks = load(old).networks
    assert [network.noise for network in networks] == [n.noise for n in model.networks]
    assert [network.intervals for network in networks] == [(None,), (None,)]


def test_no_part_file_is_left(saved):
    assert [p.name for p in saved[0].parent.iterdir()] == ["model.safetensors"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda h: h.update(format=99), "another model format"),
        (lambda h: h.update(method="magic"), "damaged"),
        (lambda h: h.pop("networks"), "damaged"),
        (lambda h: h["params"].update(width=8), "damaged"),
        (lambda h: h.update(spatial="XY"), "damaged"),
        (lambda h: h["networks"][0].pop("spec"), "damaged"),
        (lambda h: h["networks"][0].update(noise_intervals=[{"gain": 1}]), "damaged"),
        (lambda h: h["networks"][0].update(noise_intervals=3), "damaged"),
    ],
)
def test_damaged_headers_are_refused(saved, tmp_path, change, message):
    damaged = rewritten(saved[0], tmp_path / "damaged.safetensors", change)
    with pytest.raises(InputError, match=message):
        load(damaged)


@pytest.mark.parametrize("content", [b"", b"not a model", bytes(100)])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "other.safetensors"
    path.write_bytes(content)
    with pytest.raises(InputError, match="cannot be read as a model"):
        load(path)


def test_missing_and_foreign_files_are_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        load(tmp_path / "none.safetensors")
    foreign = tmp_path / "foreign.safetensors"
    save_file({"x": np.zeros(3)}, foreign)
    with pytest.raises(InputError, match="not a model of napari-blindspot"):
        load(foreign)
    save_file({"x": np.zeros(3)}, foreign, {"napari_blindspot": "{"})
    with pytest.raises(InputError, match="damaged"):
        load(foreign)
