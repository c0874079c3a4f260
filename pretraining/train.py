"""Trains the network that `express` begins from, on pictures and stacks made from a seed.

    python pretraining/train.py prior.safetensors --steps 60000
    python pretraining/train.py prior.safetensors --steps 20000 --start before.safetensors

Nothing but `structures.py`, `stacks.py` and `noises.py` is learned from, pictures and stacks in
turns. Levels that give nothing on are printed: they can begin anew with `--renew`. A quarter of
the patches have pixels of a grid hidden behind the mean of their neighbours, so that the network is
also good at telling a pixel that it cannot see, by which noise is fitted and results are weighed.
With `--until` the training stops before its last step, with what the averaged weights are then.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from noises import Exposures, exposed
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from stacks import stack
from structures import picture
from torch import Tensor, nn

from napari_blindspot.masking import Grid
from napari_blindspot.networks.prior import PLANES, PriorUNet, mirrored
from napari_blindspot.noise import NoiseLaw

_SIDE = 192  # of a picture
_SPACE = (10, 144, 144)  # of a stack
_WARM_UP = 0.02
_HIDDEN = 0.25
_SPACING = 4


class Pictures:
    """Clean pictures or stacks of them, and patches in one of eight positions."""

    def __init__(self, made: list[NDArray[np.float32]]) -> None:
        self._light = torch.from_numpy(np.stack(made).astype(np.float16))

    def draw(self, count: int, patch: int, rng: np.random.Generator) -> Tensor:
        """Patches `(B, P, Y, X)`: of a stack, a plane and those around it, as networks see them."""
        return torch.stack([self._one(patch, rng) for _ in range(count)]).float()

    def _one(self, patch: int, rng: np.random.Generator) -> Tensor:
        y, x = rng.integers(0, self._light.shape[-1] - patch + 1, 2)
        light = self._light[rng.integers(len(self._light)), ..., y : y + patch, x : x + patch]
        light = self._around(light, rng) if light.ndim == 3 else light[None]
        light = torch.rot90(light, int(rng.integers(4)), (1, 2))
        return light.flip(1) if rng.random() < 0.5 else light

    def _around(self, stack: Tensor, rng: np.random.Generator) -> Tensor:
        """A random plane of a random run of planes, and those around it."""
        length = int(rng.integers(1, len(stack) + 1))
        first = int(rng.integers(0, len(stack) - length + 1))
        run = stack[first : first + length]
        return run[mirrored(length)[rng.integers(length)]]


def _made(options: argparse.Namespace) -> list[Pictures]:
    """Pictures, and stacks unless none are wanted, from seeds of their own."""
    first, second = np.random.SeedSequence(options.seed).spawn(2)
    sizes = {picture: (options.pictures, (_SIDE, _SIDE)), stack: (options.stacks, _SPACE)}
    return [
        Pictures([make(shape, np.random.default_rng(each)) for each in seed.spawn(count)])
        for (make, (count, shape)), seed in zip(sizes.items(), (first, second), strict=True)
        if count
    ]


def main() -> None:
    options = _options()
    torch.manual_seed(options.seed)
    torch.set_flush_denormal(True)
    torch.set_num_threads(options.threads)
    rng = np.random.default_rng(options.seed)
    sources = _made(options)
    network = _network(options)
    averages = {k: p.detach().clone() for k, p in network.named_parameters()}
    optimizer = torch.optim.AdamW(
        network.parameters(),
        options.rate,
        betas=(0.9, 0.99),
        weight_decay=options.decay,
        fused=True,
    )
    began, losses = time.perf_counter(), []
    until = min(options.until or options.steps, options.steps)
    for step in range(until):
        for group in optimizer.param_groups:
            group["lr"] = options.rate * _schedule(step / options.steps)
        source = sources[step % len(sources)]
        shown = exposed(source.draw(options.batch, options.patch, rng), rng)
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
            silent = _silent(network, shown)
            print(f"step {step + 1}: loss {mean:.4f}, {spent:.0f} s, silent: {silent}", flush=True)
            _save(averages, options, step + 1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path)
    numbers = {"steps": 30_000, "pictures": 4000, "width": 40, "depth": 3, "patch": 96}
    numbers |= {"stacks": 1600, "batch": 6, "seed": 0, "threads": 1, "every": 500, "until": 0}
    for name, default in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--rate", type=float, default=0.002)
    parser.add_argument("--start", help="weights to begin with, of pictures alone if need be")
    parser.add_argument("--renew", nargs="*", default=[], help="levels that begin anew, as up.0")
    parser.add_argument("--decay", type=float, default=0.01)
    return parser.parse_args()


def _schedule(fraction: float) -> float:
    if fraction < _WARM_UP:
        return (fraction + 1e-3) / (_WARM_UP + 1e-3)
    return 0.5 * (1 + math.cos(math.pi * (fraction - _WARM_UP) / (1 - _WARM_UP)))


def _network(options: argparse.Namespace) -> PriorUNet:
    """A network for volumes with random weights, or with those of a file and zeros."""
    network = PriorUNet(3, NoiseLaw(1.0, 0.0), width=options.width, depth=options.depth)
    if not options.start:
        return network
    stored = load_file(options.start)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.startswith(tuple(options.renew)):
                continue
            parameter.zero_()
            parameter[tuple(map(slice, stored[name].shape))] = stored[name].float()
        if "up.0" in options.renew:  # nothing was heard of it before
            network.up[1][0].weight[:, : network.up[0][-2].out_channels] = 0
    return network


def _silent(network: PriorUNet, shown: Exposures) -> str:
    """Levels that give nothing on: share of their last features that stay below a thousandth."""
    shares = {}

    def hear(name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        def heard(_: nn.Module, __: tuple[Tensor, ...], out: Tensor) -> None:
            shares[name] = float((out.abs().amax((0, 2, 3)) < 1e-3).float().mean())

        return heard

    levels = [
        (f"{way}.{i}", level)
        for way in ("down", "up")
        for i, level in enumerate(getattr(network, way))
    ]
    hooks = [level.register_forward_hook(hear(name)) for name, level in levels]
    with torch.no_grad():
        network.centre(shown.noisy)
    for hook in hooks:
        hook.remove()
    return " ".join(f"{name} {share:.2f}" for name, share in shares.items() if share) or "none"


def _loss(network: PriorUNet, shown: Exposures, rng: np.random.Generator) -> Tensor:
    """Root of the mean squared error in units of the noise, of each patch."""
    for name in ("gain", "offset", "floor", "correlation"):
        setattr(network, name, getattr(shown, name))
    hidden = torch.from_numpy(rng.random((len(shown.noisy), 1, 1, 1)) < _HIDDEN)
    seen = torch.where(hidden, _without(shown.noisy, rng), shown.noisy)
    errors = (network.centre(seen) - shown.clean[:, :1]) ** 2 / shown.variance[:, :1]
    return errors.mean((1, 2, 3)).sqrt().mean()


def _without(noisy: Tensor, rng: np.random.Generator) -> Tensor:
    """Patches with pixels of a grid, those of the first plane among them, hidden."""
    phase = tuple(int(p) for p in rng.integers(0, _SPACING, 2))
    if noisy.shape[1] == 1:
        return Grid(_SPACING).at(noisy, phase).input
    order = torch.tensor(PLANES).argsort()
    middle = (len(PLANES) // 2) % _SPACING
    stacked = Grid(_SPACING).at(noisy[:, None, order], (middle, *phase)).input
    return stacked[:, 0, order.argsort()]


def _save(averages: dict[str, Tensor], options: argparse.Namespace, steps: int) -> None:
    """Weights in half precision, and what made them."""
    weights = {name: average.half().contiguous() for name, average in averages.items()}
    left_out = ("target", "threads", "every", "until")
    made_by = {k: v for k, v in vars(options).items() if k not in left_out}
    made_by["start"] = options.start and Path(options.start).name
    part = options.target.with_suffix(".part")
    save_file(weights, part, {"prior": json.dumps(made_by | {"done": steps})})
    part.replace(options.target)


if __name__ == "__main__":
    main()
