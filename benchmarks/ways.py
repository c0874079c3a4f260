"""Steps in bfloat16 and with compiled networks on this processor, against those as they are.

    python benchmarks/ways.py

Forward and backward of the networks of two methods at the shapes of their steps, in turns in one
run. Compiling needs a C++ compiler, and its time is that of a first step: divided by what a later
step saves it is the number of steps from which on it pays.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import engine
import tables
import torch
from torch import Tensor

from napari_blindspot import heap

ROOT = Path(__file__).resolve().parents[1]
SHAPES = {"n2v": (8, 1, 64, 64), "laine19": (1, 1, 64, 64), "express": (4, 1, 64, 64)}


def step(network: Callable[[Tensor], Tensor], x: Tensor) -> float:
    """Seconds of one, forward and backward."""
    began = time.perf_counter()
    torch.autograd.backward(network(x).float().square().mean())
    return time.perf_counter() - began


def halves(network: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """The network with convolutions in bfloat16."""

    def called(x: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return network(x)

    return called


def measure(method: str, count: int) -> str:
    """Row of the table."""
    network = engine.built(method, 2, torch.device("cpu")).network
    x = torch.randn(SHAPES[method])
    compiled = torch.compile(network)
    compiling = step(compiled, x)
    ways = {"float32": network, "bfloat16": halves(network), "compiled": compiled}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(count + 2):
        for name, way in ways.items():
            seconds[name].append(step(way, x))
    plain, half, fast = (1e3 * statistics.median(found[2:]) for found in seconds.values())
    saved = plain - fast
    pays = f"{1e3 * compiling / saved:.0f}" if saved > 0 else "never"
    figures = [f"{value:.1f}" for value in (plain, half, fast)]
    return f"| {method} | {' | '.join(figures)} | {compiling:.1f} | {pays} |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=25)
    options = parser.parse_args()
    titles = ["float32, ms", "bfloat16, ms", "compiled, ms", "compiling, s", "pays from step"]
    rows = [f"| network of | {' | '.join(titles)} |", "|---|---:|---:|---:|---:|---:|"]
    with heap.reused():
        for method in SHAPES:
            rows.append(measure(method, options.steps))
            print(rows[-1], flush=True)
    tables.write_between_markers(ROOT / "docs" / "benchmarks.md", "ways", "\n".join(rows))


if __name__ == "__main__":
    main()
