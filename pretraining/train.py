"""Trains the network that `express` begins from, on pictures made from a seed.

    python pretraining/train.py prior.safetensors --steps 30000 --until 22500

Nothing but `structures.py` and `noises.py` is learned from. A quarter of the patches have pixels
of a grid hidden behind the mean of their neighbours, so that the network is also good at telling
a pixel that it cannot see, by which noise is fitted and results are weighed. With `--until` the
training stops before its last step, with what the averaged weights are then.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
from noises import Exposures, exposed
from safetensors.torch import save_file
from structures import picture
from torch import Tensor

from napari_blindspot.masking import Grid
from napari_blindspot.networks.prior import PriorUNet
from napari_blindspot.noise import NoiseLaw

_SIDE = 192  # of a picture
_WARM_UP = 0.02
_HIDDEN = 0.25
_SPACING = 4


class Pictures:
    """Clean pictures, and patches of them in one of eight positions."""

    def __init__(self, count: int, seed: int) -> None:
        seeds = np.random.SeedSequence(seed).spawn(count)
        made = [picture((_SIDE, _SIDE), np.random.default_rng(each)) for each in seeds]
        self._light = torch.from_numpy(np.stack(made).astype(np.float16))

    def draw(self, count: int, patch: int, rng: np.random.Generator) -> Tensor:
        """Patches `(B, 1, Y, X)`."""
        return torch.stack([self._one(patch, rng) for _ in range(count)])[:, None].float()

    def _one(self, patch: int, rng: np.random.Generator) -> Tensor:
        y, x = rng.integers(0, _SIDE - patch + 1, 2)
        light = self._light[rng.integers(len(self._light)), y : y + patch, x : x + patch]
        light = torch.rot90(light, int(rng.integers(4)))
        return light.flip(0) if rng.random() < 0.5 else light


def main() -> None:
    options = _options()
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    rng = np.random.default_rng(options.seed)
    pictures = Pictures(options.pictures, options.seed)
    network = PriorUNet(2, NoiseLaw(1.0, 0.0), width=options.width, depth=options.depth)
    averages = {k: p.detach().clone() for k, p in network.named_parameters()}
    optimizer = torch.optim.AdamW(
        network.parameters(), options.rate, betas=(0.9, 0.99), weight_decay=0.01, fused=True
    )
    began, losses = time.perf_counter(), []
    until = min(options.until or options.steps, options.steps)
    for step in range(until):
        for group in optimizer.param_groups:
            group["lr"] = options.rate * _schedule(step / options.steps)
        shown = exposed(pictures.draw(options.batch, options.patch, rng), rng)
        loss = _loss(network, shown, rng)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        decay = min(0.999, (1 + step) / (10 + step))
        with torch.no_grad():
            for name, parameter in network.named_parameters():
                averages[name].lerp_(parameter, 1 - decay)
        losses.append(float(loss.detach()))
        if (step + 1) % options.every == 0 or step + 1 == until:
            spent, mean = time.perf_counter() - began, np.mean(losses[-options.every :])
            print(f"step {step + 1}: loss {mean:.4f}, {spent:.0f} s", flush=True)
            _save(averages, options, step + 1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path)
    numbers = {"steps": 30_000, "pictures": 4000, "width": 40, "depth": 3, "patch": 96}
    numbers |= {"batch": 6, "seed": 0, "threads": 1, "every": 500, "until": 0}
    for name, default in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--rate", type=float, default=0.002)
    return parser.parse_args()


def _schedule(fraction: float) -> float:
    if fraction < _WARM_UP:
        return (fraction + 1e-3) / (_WARM_UP + 1e-3)
    return 0.5 * (1 + math.cos(math.pi * (fraction - _WARM_UP) / (1 - _WARM_UP)))


def _loss(network: PriorUNet, shown: Exposures, rng: np.random.Generator) -> Tensor:
    """Root of the mean squared error in units of the noise, of each patch."""
    network.gain, network.offset, network.floor = shown.gain, shown.offset, shown.floor
    phase = tuple(int(p) for p in rng.integers(0, _SPACING, 2))
    hidden = torch.from_numpy(rng.random((len(shown.noisy), 1, 1, 1)) < _HIDDEN)
    seen = torch.where(hidden, Grid(_SPACING).at(shown.noisy, phase).input, shown.noisy)
    errors = (network(seen) - shown.clean) ** 2 / shown.variance
    return errors.mean((1, 2, 3)).sqrt().mean()


def _save(averages: dict[str, Tensor], options: argparse.Namespace, steps: int) -> None:
    """Weights in half precision, and what made them."""
    weights = {name: average.half().contiguous() for name, average in averages.items()}
    left_out = ("target", "threads", "every", "until")
    made_by = {k: v for k, v in vars(options).items() if k not in left_out}
    part = options.target.with_suffix(".part")
    save_file(weights, part, {"prior": json.dumps(made_by | {"done": steps})})
    part.replace(options.target)


if __name__ == "__main__":
    main()
