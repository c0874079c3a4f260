"""Training steps with the channels last in memory, as networks have them, and with them first.

    OMP_NUM_THREADS=1 python benchmarks/memory_layout.py
    python benchmarks/memory_layout.py --methods n2v self2self --steps 25

Both take turns in one run; printed are medians in milliseconds, and the second over the first.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch

from napari_blindspot import methods
from napari_blindspot.methods import Parts, Spec


def built(name: str, ndim: int, layout: torch.memory_format | None) -> Parts:
    """Parts of a method with its defaults, for noise that is correlated."""
    torch.manual_seed(0)
    parts = methods.get(name)().build(
        Spec(ndim, 1, (0.0,), (1.0,), along=(((0.6, 0.2), (0.6, 0.2)),))
    )
    parts.network.train()
    if layout:
        parts.network.to(memory_format=layout)  # type: ignore[call-overload]
    return parts


def medians(name: str, ndim: int, steps: int) -> tuple[float, float]:
    """Milliseconds of a step with the channels first and last."""
    both = [built(name, ndim, layout) for layout in (torch.contiguous_format, None)]
    optimizers = [torch.optim.AdamW(parts.network.parameters(), fused=True) for parts in both]
    recipe = both[0].recipe
    planes = (max(recipe.patch // 8, 8),) * (ndim - 2)
    frames = 2 if methods.get(name)().repeats else 1
    noisy = torch.randn(recipe.batch, frames, *planes, recipe.patch, recipe.patch)
    generator = torch.Generator().manual_seed(0)
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(steps):
        for parts, optimizer, times in zip(both, optimizers, taken, strict=True):
            began = time.perf_counter()
            loss = parts.loss(parts.network, parts.masking.sample(noisy, generator))
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            times.append(1000 * (time.perf_counter() - began))
    return statistics.median(taken[0]), statistics.median(taken[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--methods", nargs="+", default=list(methods.available()))
    parser.add_argument("--steps", type=int, default=9)
    options = parser.parse_args()
    for name in options.methods:
        for ndim in methods.get(name).dims:
            first, last = medians(name, ndim, options.steps)
            print(f"{name:18} {ndim}D {first:7.1f} {last:7.1f} {last / first:5.2f}", flush=True)


if __name__ == "__main__":
    main()
