from __future__ import annotations

import argparse
import json
import sys

import numpy as np
import pytest
import torch
import train
from safetensors import safe_open
from safetensors.torch import save_file
from structures import picture

from napari_blindspot.networks import PriorUNet
from napari_blindspot.networks.prior import PLANES
from napari_blindspot.noise import NoiseLaw

SMALL = {
    "steps": 6,
    "pictures": 8,
    "stacks": 2,
    "width": 8,
    "depth": 1,
    "patch": 32,
    "batch": 2,
    "threads": 1,
}


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


def test_any_number_of_threads_makes_the_same_examples(trained):
    one, three = trained("a", workers=1), trained("b", workers=3)
    assert all(torch.equal(one[0][name], three[0][name]) for name in one[0])
    assert three[1]["done"] == 6


def test_time_in_place_of_steps(trained):
    _, made_by = trained("a", minutes=0.05, steps=100_000)
    assert 3 < made_by["done"] < 100_000


def test_the_file_holds_a_whole_network_in_half_precision_and_what_made_it(trained):
    weights, made_by = trained("a")
    net = PriorUNet(3, NoiseLaw(1.0, 0.0), width=8, depth=1)
    assert set(weights) == {name for name, _ in net.named_parameters()}
    assert {tensor.dtype for tensor in weights.values()} == {torch.float16}
    assert made_by["done"] == made_by["steps"] == 6
    assert made_by["seed"] == 0


def test_it_learns(trained):
    weights, _ = trained("a", steps=240, patch=48, rate=0.004)
    net = PriorUNet(3, NoiseLaw(1.0, 0.0), width=8, depth=1)
    rng = np.random.default_rng(5)
    pictures = train.Pictures([picture((96, 96), rng) for _ in range(8)])
    example = train._example(pictures, argparse.Namespace(batch=16, patch=64), rng)

    def loss():
        with torch.no_grad():
            return float(train._loss(net, example))

    before = loss()
    net.load_state_dict(
        {**net.state_dict(), **{k: v.float() for k, v in weights.items()}}, strict=False
    )
    assert loss() < 0.95 * before


def test_a_plane_is_drawn_with_those_around_it():
    stack = np.zeros((9, 40, 40), np.float32) + np.arange(9, dtype=np.float32)[:, None, None]
    drawn = train.Pictures([stack]).draw(200, 16, np.random.default_rng(0))[..., 0, 0]
    steps = (drawn - drawn[:, :1]).abs()
    assert drawn.shape == (200, len(PLANES))
    assert set(drawn[:, 0].tolist()) == set(range(9))
    assert float(steps[:, 1:3].max()) == 1
    assert float(steps.max()) == 3


def test_a_training_can_begin_with_weights_of_planes_alone(trained, tmp_path):
    weights, _ = trained("a")
    weights["down.0.0.weight"] = weights["down.0.0.weight"][:, :13].contiguous()
    start = tmp_path / "start.safetensors"
    save_file(weights, start)
    again, _ = trained("b", start=start, rate=0.0)
    shared = again["down.0.0.weight"]
    assert torch.equal(shared[:, :13], weights["down.0.0.weight"])
    assert not shared[:, 13:].any()
    renewed, _ = trained("c", start=start, rate=0.0, renew="down.1")
    assert not torch.equal(renewed["down.1.0.weight"], again["down.1.0.weight"])
