from __future__ import annotations

import json
import sys

import pytest
import torch
import train
from safetensors import safe_open

from napari_blindspot.networks import PriorUNet
from napari_blindspot.noise import NoiseLaw

SMALL = {"steps": 6, "pictures": 8, "width": 8, "depth": 1, "patch": 32, "batch": 2, "threads": 1}


@pytest.fixture
def trained(tmp_path, monkeypatch):
    def run(name, **changes):
        threads = torch.get_num_threads()
        target = tmp_path / f"{name}.safetensors"
        options = [f"--{key}={value}" for key, value in {**SMALL, **changes}.items()]
        monkeypatch.setattr(sys, "argv", ["train.py", str(target), *options])
        train.main()
        torch.set_num_threads(threads)
        with safe_open(target, framework="pt") as file:
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return weights, json.loads(file.metadata()["prior"])

    return run


def test_the_same_seed_gives_the_same_weights(trained):
    first, again, other = trained("a"), trained("b"), trained("c", seed=1)
    assert all(torch.equal(first[0][name], again[0][name]) for name in first[0])
    assert any(not torch.equal(first[0][name], other[0][name]) for name in first[0])


def test_the_file_holds_a_whole_network_in_half_precision_and_what_made_it(trained):
    weights, made_by = trained("a")
    net = PriorUNet(2, NoiseLaw(1.0, 0.0), width=8, depth=1)
    assert set(weights) == {name for name, _ in net.named_parameters()}
    assert {tensor.dtype for tensor in weights.values()} == {torch.float16}
    assert made_by["done"] == made_by["steps"] == 6
    assert made_by["seed"] == 0


def test_it_learns(trained, capsys):
    trained("a", steps=60, every=20, patch=48)
    losses = [
        float(line.split("loss ")[1].split(",")[0]) for line in capsys.readouterr().out.splitlines()
    ]
    assert losses[-1] < 0.9 * losses[0]
