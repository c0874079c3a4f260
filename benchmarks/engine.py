"""Training steps against what their convolutions alone would take.

    python benchmarks/engine.py                                 writes the table
    python benchmarks/engine.py --methods n2v express --steps 40 --device cuda --dry

A step is one of the real training loop: patches drawn, pairs made, loss, gradients, clipping,
optimiser, averages. Beside it every convolution of the network's layers is made by itself at the
shapes of that step: forward, gradient of the weights, and that of the input where it is needed.
Both take turns in one run. Operations are two for each multiplication; what other parts of a step
compute is not counted.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import tables
import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from torch import Tensor
from torch.overrides import TorchFunctionMode

from napari_blindspot import methods, training
from napari_blindspot.budget import Budget
from napari_blindspot.device import mixed_precision
from napari_blindspot.events import Step
from napari_blindspot.halting import Stop
from napari_blindspot.methods import Parts, Spec
from napari_blindspot.noise import NoiseLaw
from napari_blindspot.pace import Clock
from napari_blindspot.patches import PatchSampler, patch_shape

ROOT = Path(__file__).resolve().parents[1]
HEADER = "| method | ms a step | convolutions alone, ms | share | GFLOP/s | alone, GFLOP/s |"
SPACE = {2: (512, 512), 3: (24, 256, 256)}


@dataclass(frozen=True)
class Alone:
    """A convolution at the shapes of a step."""

    x: Tensor
    weight: Tensor
    bias: Tensor | None
    settings: tuple[Any, ...]  # stride, padding, dilation
    groups: int
    gradient: Tensor
    needs_input: bool
    transposed: bool

    @property
    def operations(self) -> float:
        """Two for each multiplication, forward and backward."""
        pixels = self.x if self.transposed else self.gradient
        each = self.weight[0].numel() * pixels.numel() * 2.0
        return each * (3 if self.needs_input else 2)

    def run(self) -> None:
        """Forward and backward."""
        further = (*self.settings, self.transposed, [0] * (self.x.ndim - 2), self.groups)
        with torch.no_grad(), mixed_precision(self.x.device):
            out = torch.convolution(self.x, self.weight, self.bias, *further)
        bias = None if self.bias is None else list(self.bias.shape)
        wanted = [self.needs_input, True, bias is not None]
        torch.ops.aten.convolution_backward(
            self.gradient.to(out), self.x.to(out), self.weight.to(out), bias, *further, wanted
        )


class Catching(TorchFunctionMode):
    """Takes note of every convolution whose weights are learned."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Alone] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if func in _CONVOLUTIONS:
            named = dict(zip(_NAMES, args, strict=False)) | (kwargs or {})
            if named["weight"].requires_grad:
                transposed = func in (F.conv_transpose2d, F.conv_transpose3d)
                self.found.append(_caught(out, transposed=transposed, **named))
        return out


_CONVOLUTIONS = (F.conv2d, F.conv3d, F.conv_transpose2d, F.conv_transpose3d)
# As far as both kinds agree; the others are given by name.
_NAMES = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")


def _caught(
    out: Tensor,
    input: Tensor,  # noqa: A002 - as PyTorch calls it
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    *,
    transposed: bool,
) -> Alone:
    ndim = input.ndim - 2
    settings = tuple(
        [s] * ndim if isinstance(s, int) else list(s) for s in (stride, padding, dilation)
    )
    bias = None if bias is None else bias.detach()
    x, needs = input.detach().clone(), input.requires_grad
    return Alone(
        x, weight.detach(), bias, settings, groups, torch.randn_like(out), needs, transposed
    )


def built(name: str, ndim: int, device: torch.device) -> Parts:
    """Parts of a method with its defaults, for an image with a known noise."""
    torch.manual_seed(0)
    noise, pixels = (NoiseLaw(0.1, 0.2, 0.1),), 1 << 18
    spec = Spec(
        ndim, 1, (0.0,), (1.0,), noise=noise, along=(((0.0, 0.0), (0.0, 0.0)),), pixels=pixels
    )
    parts = methods.get(name)().build(spec)
    parts.network.to(device)
    return parts


def steps(parts: Parts, count: int, device: torch.device) -> Callable[[], float]:
    """Function that makes one step of the real loop and gives its seconds."""
    ndim = len(parts.network.divisor)
    noisy = torch.randn(1, 1, *SPACE[ndim], device=device)
    patch = patch_shape(SPACE[ndim], parts.recipe.patch, parts.network.divisor)
    sampler = PatchSampler((noisy,), patch, parts.recipe.batch)
    loop = training.train(
        parts,
        sampler,
        Clock(Budget(steps=count)),
        generator=torch.Generator().manual_seed(0),
        stop=lambda: Stop.NO,
        noise=_NoFit(),
    )

    def one() -> float:
        began = time.perf_counter()
        while not isinstance(next(loop), Step):
            pass
        return time.perf_counter() - began

    return one


class _NoFit:
    """Noise that stays as it is known."""

    def fit(self, parts: Parts) -> tuple[NoiseLaw, ...]:  # noqa: ARG002
        return (NoiseLaw(0.1, 0.2, 0.1),)

    def apply(self, parts: Parts, laws: tuple[NoiseLaw, ...]) -> Parts:  # noqa: ARG002
        return parts


def convolutions(one: Callable[[], float]) -> list[Alone]:
    """Every convolution of a step, caught while one is made in this thread."""
    with Catching() as catching, mock.patch.object(training, "aside", lambda work, _: work()):
        one()
    return catching.found


@dataclass(frozen=True)
class Timed:
    """Median seconds of a step and of its convolutions alone, and their operations."""

    step_s: float
    alone_s: float
    operations: float


def timed(name: str, ndim: int, count: int, device: torch.device) -> Timed:
    """Time steps of a method and their convolutions in turns."""
    parts = built(name, ndim, device)
    one = steps(parts, count + 4, device)
    one()
    alone = convolutions(one)
    whole, bare = [], []
    for _ in range(count):
        whole.append(one())
        began = time.perf_counter()
        for each in alone:
            each.run()
        if device.type == "cuda":
            torch.cuda.synchronize()
        bare.append(time.perf_counter() - began)
    work = sum(each.operations for each in alone)
    return Timed(statistics.median(whole), statistics.median(bare), work)


def share(name: str, ndim: int, device: torch.device, count: int = 25) -> float:
    """Part of a step that its convolutions alone take."""
    found = timed(name, ndim, count, device)
    return found.alone_s / found.step_s


def measure(name: str, ndim: int, count: int, device: torch.device) -> str:
    """Row of the table."""
    found = timed(name, ndim, count, device)
    times = f"{1000 * found.step_s:.1f} | {1000 * found.alone_s:.1f}"
    rates = [found.operations / seconds / 1e9 for seconds in (found.step_s, found.alone_s)]
    ratio = found.alone_s / found.step_s
    return f"| {name} {ndim}D | {times} | {ratio:.2f} | {rates[0]:.0f} | {rates[1]:.0f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--methods", nargs="+", default=["n2v", "laine19", "express"])
    parser.add_argument("--dims", nargs="+", type=int, default=[2, 3])
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dry", action="store_true", help="write nothing into the docs")
    options = parser.parse_args()
    rows = [HEADER, "|---|---:|---:|---:|---:|---:|"]
    for name in options.methods:
        for ndim in options.dims:
            rows.append(measure(name, ndim, options.steps, torch.device(options.device)))
            print(rows[-1], flush=True)
    if not options.dry:
        name = f"engine_{options.device}"
        tables.write_between_markers(ROOT / "docs" / "benchmarks.md", name, "\n".join(rows))


if __name__ == "__main__":
    main()
