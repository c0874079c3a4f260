"""The one training loop."""

from __future__ import annotations

import contextlib
import math
import time
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor, nn

from napari_blindspot.checkpoint import Progress
from napari_blindspot.device import mixed_precision
from napari_blindspot.events import Preview, Settled, Step
from napari_blindspot.halting import Halted, Stop, asking
from napari_blindspot.interruption import aside, obeying
from napari_blindspot.optimizer import OPTIMIZERS
from napari_blindspot.settling import Verdict

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from napari_blindspot.checkpoint import Checkpoint
    from napari_blindspot.events import NotKept
    from napari_blindspot.exam import Exam
    from napari_blindspot.halting import StopFlag
    from napari_blindspot.methods.base import Parts
    from napari_blindspot.noise import NoiseLaw
    from napari_blindspot.optimizer import Optimizer
    from napari_blindspot.pace import Clock
    from napari_blindspot.pairs import TrainingPair
    from napari_blindspot.patches import Patches

_WARM_UP = 0.03
_LARGEST_GRADIENT = 1.0
_SLOW_S = 0.2


class NoiseUpdate(Protocol):
    """Fits the noise during the training and makes the parts anew for it."""

    def fit(self, parts: Parts) -> tuple[NoiseLaw, ...]:
        """Noise law of each channel, while the network holds the averaged weights."""
        ...

    def apply(self, parts: Parts, laws: tuple[NoiseLaw, ...]) -> Parts:
        """Parts for a noise law."""
        ...


class Watch(Protocol):
    """Looks at the network while it learns."""

    @property
    def is_due(self) -> bool:
        """Whether it is time to look."""
        ...

    def look(self, parts: Parts, step: int) -> Preview | None:
        """Preview, while the network holds the averaged weights."""
        ...


def train(
    parts: Parts,
    sampler: Patches,
    clock: Clock,
    *,
    generator: torch.Generator,
    stop: StopFlag,
    noise: NoiseUpdate,
    checkpoint: Checkpoint | None = None,
    watch: Watch | None = None,
    exam: Exam | None = None,
    network_index: int = 0,
) -> Generator[Step | Preview | NotKept | Settled, None, list[float]]:
    """Train the network in `parts`; at the end it holds the averaged weights.

    Parameters
    ----------
    parts : Parts
        Masking, network, loss and recipe.
    sampler : Patches
        Source of noisy patches on the device of the network.
    clock : Clock
        Tells how far the training is.
    generator : torch.Generator
        The only source of randomness.
    stop : callable
        Asked before every step; anything but `Stop.NO` ends the training. `Stop.HALT` also ends
        what takes longer than a step.
    noise : NoiseUpdate
        Asked after the parts of the budget that the recipe names.
    checkpoint : Checkpoint, optional
        Where the state is kept now and then, and from where the training goes on.
    watch : Watch, optional
        Looks at the network now and then; it changes nothing.
    exam : Exam, optional
        Pixels that are held out.
    network_index : int
        Number that the events carry.

    Yields
    ------
    Step, Preview
        A step after every optimiser step.
    Settled
        If the training ends before its budget is used, once.
    NotKept
        If the state cannot be kept, once.

    Returns
    -------
    list of float
        Loss of every step, those before a crash included.
    """
    network, recipe = parts.network.train(), parts.recipe
    optimizer = OPTIMIZERS[recipe.optimizer](network.parameters(), recipe.weight_decay)
    averages = [p.detach().clone() for p in network.parameters()]
    progress = Progress(network, optimizer, averages, generator, sampler, clock)
    with contextlib.suppress(Halted):
        _restore(checkpoint, progress, stop)
        for laws in progress.laws:
            parts = noise.apply(parts, laws)
        updates = list(recipe.noise_updates[len(progress.laws) :])
        began = time.perf_counter() - progress.elapsed_s
        fraction = clock.fraction(progress.step)
        took_s = math.inf  # how long a step takes shows after the first

        while fraction < 1 and stop() is Stop.NO:
            if updates and fraction >= updates[0]:
                del updates[0]
                parts = _renoised(noise, parts, progress, stop)
                clock.renewed()
            optimizer.rate = recipe.learning_rate * schedule(fraction)
            pair = _pair(parts, sampler, generator, stop)
            loss = _learned(parts, pair, optimizer, stop if took_s > _SLOW_S else None)
            before_s = progress.elapsed_s
            step = progress.count(loss, time.perf_counter() - began)
            took_s = progress.elapsed_s - before_s
            _average(averages, network, min(recipe.averaging, (1 + step) / (10 + step)))
            before, fraction = fraction, clock.fraction(step)
            span = before, fraction
            held = _examined(exam, span, progress, parts, stop) if exam else None
            if checkpoint:
                yield from checkpoint.keep_when_due(progress)
            yield from _told(network_index, fraction, progress, held)
            yield from _looked(watch, parts, averages, step, stop)

        # Not after a halted fit, which has drawn patches already.
        if checkpoint:
            yield from checkpoint.keep_at_the_end(progress)
    _swap(averages, network)
    network.eval()
    return progress.losses


def schedule(fraction: float) -> float:
    """Relative learning rate: a short rise, then half a cosine down to zero."""
    if fraction < _WARM_UP:
        return (fraction + 0.1 * _WARM_UP) / (1.1 * _WARM_UP)
    return 0.5 * (1 + math.cos(math.pi * (fraction - _WARM_UP) / (1 - _WARM_UP)))


def _learned(
    parts: Parts, pair: TrainingPair, optimizer: Optimizer, stop: StopFlag | None
) -> float:
    """Loss of one step of the optimiser.

    `stop` is asked in the midst of it, which is not worth while for steps that are over at once.
    """

    def work() -> Tensor:
        with mixed_precision(pair.input.device):
            loss = parts.loss(parts.network, pair)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        return loss.detach()

    loss = aside(work, stop) if stop else work()
    nn.utils.clip_grad_norm_(parts.network.parameters(), _LARGEST_GRADIENT)
    optimizer.step()
    return float(loss)


def _swap(averages: list[Tensor], network: nn.Module) -> None:
    """Exchange the averages and the weights."""
    with torch.no_grad():
        for parameter, average in zip(network.parameters(), averages, strict=True):
            kept = parameter.clone()
            parameter.copy_(average)
            average.copy_(kept)


@contextlib.contextmanager
def _averaged(averages: list[Tensor], network: nn.Module) -> Iterator[None]:
    """The network with the averaged weights."""
    _swap(averages, network)
    try:
        yield
    finally:
        _swap(averages, network.train())


def _restore(checkpoint: Checkpoint | None, progress: Progress, stop: StopFlag) -> None:
    """Go on from a kept state, if there is one."""
    if checkpoint:
        with asking(stop):
            checkpoint.restore(progress)


def _renoised(noise: NoiseUpdate, parts: Parts, progress: Progress, stop: StopFlag) -> Parts:
    """Parts for the noise as the network sees it now."""
    with obeying(stop), _averaged(progress.averages, parts.network):
        progress.laws.append(noise.fit(parts))
    return noise.apply(parts, progress.laws[-1])


def _pair(
    parts: Parts, sampler: Patches, generator: torch.Generator, stop: StopFlag
) -> TrainingPair:
    """A training pair in which pixels that are held out do not count."""
    with asking(stop):
        drawn = sampler.draw(generator)
    pair = parts.masking.sample(drawn.noisy, generator)
    return pair if drawn.counted is None else pair.counting(drawn.counted)


def _examined(
    exam: Exam, span: tuple[float, float], progress: Progress, parts: Parts, stop: StopFlag
) -> float | None:
    """Loss on held-out pixels, where it is to be told.

    Weights are kept, and taken up again, as the clock says of their marks.
    """
    is_told, decides = exam.is_due(*span), progress.clock.is_exam_due
    if not (is_told or decides):
        return None
    with obeying(stop), _averaged(progress.averages, parts.network):
        loss = exam.loss(parts) if is_told else None
        marks = exam.marks(parts) if decides else None
    verdict = progress.clock.examined(marks) if marks else Verdict.WAIT
    if verdict is Verdict.BEST:
        progress.best = [average.clone() for average in progress.averages]
    elif verdict is Verdict.LEAVE:
        progress.go_back()
    return loss


def _told(
    network: int, fraction: float, progress: Progress, held: float | None
) -> Iterator[Step | Settled]:
    """The last step, and whether the training was sent on its way out after it."""
    step, left = progress.step, progress.clock.left
    yield Step(network, step, fraction, progress.losses[-1], progress.elapsed_s, held)
    if left and left[0] == step:
        yield Settled(network, *left)


def _looked(
    watch: Watch | None, parts: Parts, averages: list[Tensor], step: int, stop: StopFlag
) -> Generator[Preview, None, None]:
    """A preview, when it is due."""
    if watch is None or not watch.is_due:
        return
    with obeying(stop), _averaged(averages, parts.network):
        preview = watch.look(parts, step)
    if preview:
        yield preview


def _average(averages: list[Tensor], network: nn.Module, decay: float) -> None:
    """Move the averages a step towards the weights."""
    with torch.no_grad():
        current = [p.detach() for p in network.parameters()]
        torch._foreach_lerp_(averages, current, 1 - decay)
