"""Trains the network that `express` begins from, on pictures and stacks made from a seed.

    python pretraining/train.py prior.safetensors
    python pretraining/train.py prior.safetensors --steps 20000 --start before.safetensors

Nothing but `structures.py`, `stacks.py` and `noises.py` is learned from, pictures and stacks in
turns. Levels that give nothing on are printed: they can begin anew with `--renew`. A quarter of
the patches have pixels of a grid hidden behind the mean of their neighbours, so that the network is
also good at telling a pixel that it cannot see, by which noise is fitted and results are weighed.
With `--until` the training stops before its last step, with what the averaged weights are then.

    python pretraining/train.py prior.safetensors --device cuda --workers 14 --minutes 9

With `--workers` examples are made in as many threads, of other random numbers than without,
whatever their number; with `--minutes` time takes the place of steps, and no seed gives the same
weights twice.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, fields
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


@dataclass(frozen=True)
class Example:
    """Exposures, and what the network sees of them: some pixels of some are hidden."""

    shown: Exposures
    seen: Tensor

    def to(self, device: torch.device) -> Example:
        """The same on a device."""
        moved = {f.name: getattr(self.shown, f.name).to(device) for f in fields(self.shown)}
        return Example(Exposures(**moved), self.seen.to(device))


def main() -> None:
    options = _options()
    torch.manual_seed(options.seed)
    torch.set_flush_denormal(True)
    torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    network = _network(options).to(device)
    averages = {k: p.detach().clone() for k, p in network.named_parameters()}
    optimizer = torch.optim.AdamW(
        network.parameters(),
        options.rate,
        betas=(0.9, 0.99),
        weight_decay=options.decay,
        fused=True,
    )
    examples = _examples(options, _made(options))
    began, losses, step, done = time.perf_counter(), [], 0, 0.0
    while done < 1:
        for group in optimizer.param_groups:
            group["lr"] = options.rate * _schedule(done)
        example = next(examples).to(device)
        loss = _loss(network, example)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        decay = min(0.999, (1 + step) / (10 + step))
        with torch.no_grad():
            for name, parameter in network.named_parameters():
                averages[name].lerp_(parameter, 1 - decay)
        losses.append(loss.detach())
        step, spent = step + 1, time.perf_counter() - began
        done = _done(step, spent, options)
        if step % options.every == 0 or done >= 1:
            mean = float(torch.stack(losses[-options.every :]).mean())
            silent = _silent(network, example.shown)
            print(f"step {step}: loss {mean:.4f}, {spent:.0f} s, silent: {silent}", flush=True)
            _save(averages, options, step)


def _done(step: int, seconds: float, options: argparse.Namespace) -> float:
    """Part of the training that is over; 1 where it is to end before."""
    if options.until and step >= options.until:
        return 1.0
    return seconds / (60 * options.minutes) if options.minutes else step / options.steps


def _examples(options: argparse.Namespace, sources: list[Pictures]) -> Iterator[Example]:
    """Examples without end, of pictures and stacks in turns."""
    if not options.workers:
        rng = np.random.default_rng(options.seed)
        for step in itertools.count():
            yield _example(sources[step % len(sources)], options, rng)
    waiting: deque[Future[Example]] = deque()
    with ThreadPoolExecutor(
        options.workers, initializer=torch.set_num_threads, initargs=(1,)
    ) as at:
        for step in itertools.count():
            rng = np.random.default_rng([options.seed, step])
            waiting.append(at.submit(_example, sources[step % len(sources)], options, rng))
            if len(waiting) > 2 * options.workers:
                yield waiting.popleft().result()


def _example(source: Pictures, options: argparse.Namespace, rng: np.random.Generator) -> Example:
    shown = exposed(source.draw(options.batch, options.patch, rng), rng)
    hidden = torch.from_numpy(rng.random((len(shown.noisy), 1, 1, 1)) < _HIDDEN)
    return Example(shown, torch.where(hidden, _without(shown.noisy, rng), shown.noisy))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path)
    numbers = {"steps": 40_000, "pictures": 4000, "width": 40, "depth": 3, "patch": 96}
    numbers |= {"stacks": 1600, "batch": 6, "seed": 0, "threads": 1, "every": 500, "until": 0}
    numbers |= {"workers": 0}
    for name, default in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--rate", type=float, default=0.002)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--minutes", type=float, default=0.0, help="in place of steps")
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


def _loss(network: PriorUNet, example: Example) -> Tensor:
    """Root of the mean squared error in units of the noise, of each patch."""
    shown = example.shown
    for name in ("gain", "offset", "floor", "correlation"):
        setattr(network, name, getattr(shown, name))
    errors = (network.centre(example.seen) - shown.clean[:, :1]) ** 2 / shown.variance[:, :1]
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
    weights = {name: average.half().cpu().contiguous() for name, average in averages.items()}
    left_out = ("target", "threads", "every", "until", "device")
    made_by = {k: v for k, v in vars(options).items() if k not in left_out}
    made_by["start"] = options.start and Path(options.start).name
    part = options.target.with_suffix(".part")
    save_file(weights, part, {"prior": json.dumps(made_by | {"done": steps})})
    part.replace(options.target)


if __name__ == "__main__":
    main()
