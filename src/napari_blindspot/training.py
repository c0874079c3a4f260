"""The one training loop."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from napari_blindspot.events import Step, Stop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari_blindspot.budget import Budget
    from napari_blindspot.events import StopFlag
    from napari_blindspot.methods.base import Parts
    from napari_blindspot.patches import PatchSampler

_WARM_UP = 0.03
_LARGEST_GRADIENT = 1.0


def train(
    parts: Parts,
    sampler: PatchSampler,
    budget: Budget,
    *,
    generator: torch.Generator,
    stop: StopFlag,
    renoised: Callable[[Parts], Parts],
    network_index: int = 0,
) -> Iterator[Step]:
    """Train the network in `parts`; at the end it holds the averaged weights.

    Parameters
    ----------
    parts : Parts
        Masking, network, loss and recipe.
    sampler : PatchSampler
        Source of noisy patches; its series lies on the device of the network.
    budget : Budget
        Steps or seconds.
    generator : torch.Generator
        The only source of randomness.
    stop : callable
        Asked before every step; anything but `Stop.NO` ends the training.
    renoised : callable
        Fits the noise anew and gives the parts for it; called after the parts of the budget that
        the recipe names, while the network holds the averaged weights.
    network_index : int
        Number that the events carry.

    Yields
    ------
    Step
        After every optimiser step.
    """
    network, recipe = parts.network.train(), parts.recipe
    optimizer = torch.optim.AdamW(
        network.parameters(),
        lr=recipe.learning_rate,
        betas=(0.9, 0.99),
        weight_decay=recipe.weight_decay,
        fused=True,
    )
    averages = [p.detach().clone() for p in network.parameters()]
    updates = list(recipe.noise_updates)
    began, step, fraction = time.perf_counter(), 0, 0.0

    while fraction < 1 and stop() is Stop.NO:
        if updates and fraction >= updates[0]:
            del updates[0]
            _swap(averages, network)
            parts = renoised(parts)
            _swap(averages, network.train())
        _set_rate(optimizer, recipe.learning_rate * schedule(fraction))
        pair = parts.masking.sample(sampler.sample(generator), generator)
        loss = parts.loss(network, pair)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(network.parameters(), _LARGEST_GRADIENT)
        optimizer.step()
        step += 1
        _average(averages, network, min(recipe.averaging, (1 + step) / (10 + step)))
        elapsed_s = time.perf_counter() - began
        fraction = budget.fraction(step, elapsed_s)
        yield Step(network_index, step, fraction, float(loss.detach()), elapsed_s)

    _swap(averages, network)
    network.eval()


def schedule(fraction: float) -> float:
    """Relative learning rate: a short rise, then half a cosine down to zero."""
    if fraction < _WARM_UP:
        return (fraction + 0.1 * _WARM_UP) / (1.1 * _WARM_UP)
    return 0.5 * (1 + math.cos(math.pi * (fraction - _WARM_UP) / (1 - _WARM_UP)))


def _set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate


def _swap(averages: list[Tensor], network: nn.Module) -> None:
    """Exchange the averages and the weights."""
    with torch.no_grad():
        for parameter, average in zip(network.parameters(), averages, strict=True):
            kept = parameter.clone()
            parameter.copy_(average)
            average.copy_(kept)


def _average(averages: list[Tensor], network: nn.Module, decay: float) -> None:
    """Move the averages a step towards the weights."""
    with torch.no_grad():
        current = [p.detach() for p in network.parameters()]
        torch._foreach_lerp_(averages, current, 1 - decay)
