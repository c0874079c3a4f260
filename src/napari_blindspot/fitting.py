"""From open volumes to a trained model: normalise, train, fit the noise, calibrate."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import torch

from napari_blindspot.blending import blend
from napari_blindspot.blind import blind_sample
from napari_blindspot.budget import Budget
from napari_blindspot.events import NotSpared, Untrained
from napari_blindspot.exam import Exam, held_out
from napari_blindspot.halting import Halted
from napari_blindspot.interruption import obeying
from napari_blindspot.lesson import Lesson, views
from napari_blindspot.model import Model, TrainedNetwork
from napari_blindspot.noise import fit_noise_law, fit_with_chance
from napari_blindspot.pace import Clock, Pace, parsed
from napari_blindspot.preview import Watch
from napari_blindspot.series import Series
from napari_blindspot.sources import source_of
from napari_blindspot.specs import spec_of
from napari_blindspot.training import train

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from napari_blindspot.axes import Layout
    from napari_blindspot.checkpoint import Checkpoint, Checkpoints
    from napari_blindspot.events import Event
    from napari_blindspot.halting import StopFlag
    from napari_blindspot.io.base import Volume
    from napari_blindspot.job import Job
    from napari_blindspot.methods import Method, Parts, Spec
    from napari_blindspot.noise import FittedLaw, NoiseLaw
    from napari_blindspot.patches import Patches
    from napari_blindspot.preview import Previews

_SHARED = (
    "neighbouring pixels share noise, and it is denoised without a training, which needs "
    "independent noise. amsnet learns from such images."
)
_TOO_SMALL = (
    "The image is too small to hold pixels out: no loss on such pixels is told, and the training "
    "does not end early."
)
_PIXELS_IN_TRAINING, _PIXELS_AT_THE_END, _PIXELS_IN_HASTE = 300_000, 1_000_000, 15_000
_PIXELS_AT_ONCE = 100_000  # where nothing is trained
_PIXELS_PER_SECOND = 20_000  # of training, between these bounds
_ROUNDS = 3
_KEPT_LOSSES = 1000


def fit(
    job: Job,
    method: Method,
    volumes: Sequence[Volume],
    layouts: Sequence[Layout],
    *,
    device: torch.device,
    stop: StopFlag,
    checkpoints: Checkpoints | None = None,
    previews: Previews | None = None,
) -> Generator[Event, None, Model]:
    """Train one network per channel, or one for all with `job.joint`.

    Yields
    ------
    Event
        `Step` and `Preview` events.

    Returns
    -------
    Model
        What was trained until the budget or the stop flag ended it. After a `Stop.HALT` the noise
        is fitted and the predictor calibrated with a few pixels, for want of time, and networks
        whose training had not begun know a small part of their channels only.
    """
    channels = range(layouts[0].n_channels)
    groups = [tuple(channels)] if job.joint else [(c,) for c in channels]
    budget = Budget.parse(job.budget).shared(len(groups))
    paces = parsed(job.pace, len(groups))
    networks = []
    for index, group in enumerate(groups):
        pairs = zip(volumes, layouts, strict=True)
        generator = torch.Generator().manual_seed(job.seed + index)
        learner = Learner(
            method,
            tuple(Series(*pair, pair[1].in_all_repeats(group)) for pair in pairs),
            group,
            budget,
            device,
            pace=paces[index],
            checkpoints=checkpoints,
            previews=previews,
            holds_out=job.held_out or job.early_stop,
            leaves_early=job.early_stop,
        )
        networks.append((yield from learner.learn(generator, stop, index)))
        if previews:
            previews.done.append(networks[-1])
    return Model(method, layouts[0].spatial, tuple(networks))


@dataclasses.dataclass(frozen=True)
class Learner:
    """One network and the series that it learns from.

    Attributes
    ----------
    method : Method
        What to train.
    series : tuple of Series
        What it learns from.
    channels : tuple of int
        The channels of the data that these are.
    budget : Budget
        Budget of this network.
    device : torch.device
        Where to train.
    pace : Pace or None
        That of an earlier run, to be repeated.
    checkpoints : Checkpoints or None
        Files of the unfinished training.
    previews : Previews or None
        What is to be shown meanwhile.
    holds_out : bool
        Whether some pixels are held out.
    leaves_early : bool
        Whether the loss on them can end the training.
    """

    method: Method
    series: tuple[Series, ...]
    channels: tuple[int, ...]
    budget: Budget
    device: torch.device
    pace: Pace | None = None
    checkpoints: Checkpoints | None = None
    previews: Previews | None = None
    holds_out: bool = False
    leaves_early: bool = False

    def learn(
        self, generator: torch.Generator, stop: StopFlag, index: int
    ) -> Generator[Event, None, TrainedNetwork]:
        """Train, fit the noise on blind predictions, calibrate the predictor."""
        learner = self
        try:
            with obeying(stop):
                lesson = self._lesson(generator)
        except Halted:
            learner = self._glimpse()
            lesson = learner._lesson(generator)
        recipe = lesson.parts.recipe
        budget = self.budget if recipe.learns else Budget(steps=0)
        if budget != self.budget:
            yield Untrained(f"Channel {self.channels[0]}: {_SHARED}")
        if (self.holds_out or self.leaves_early) and lesson.exam is None and index == 0:
            yield NotSpared(_TOO_SMALL)
        settling = lesson.settling(eager=self.leaves_early)
        clock = Clock(budget, self.pace, settling=settling)
        keeps_start = recipe.keeps_start
        parameters = lesson.parts.network.parameters() if keeps_start else ()
        start = [p.detach().clone() for p in parameters]
        losses = yield from train(
            lesson.parts,
            lesson.sampler,
            clock,
            generator=generator,
            stop=stop,
            noise=_BlindFit(self.method, lesson.sampler, generator),
            checkpoint=learner._checkpoint(index, lesson.spec),
            watch=self._watch(lesson),
            exam=lesson.exam if self.holds_out or settling else None,
            network_index=index,
        )
        if losses and keeps_start:
            blend(lesson.parts, start, lesson.exam, lesson.spec.noise)
        return self._finished(lesson, losses, str(clock.pace), generator, stop)

    def _finished(
        self,
        lesson: Lesson,
        losses: list[float],
        pace: str,
        generator: torch.Generator,
        stop: StopFlag,
    ) -> TrainedNetwork:
        """The network, with the noise as it sees it."""
        try:
            with obeying(stop):
                pixels = _pixels_to_fit(lesson.spec.budget_s) if losses else _PIXELS_AT_ONCE
                fitted, parts = self._noise(lesson, generator, pixels, learned=bool(losses))
        except Halted:
            fitted, parts = self._noise(lesson, generator, _PIXELS_IN_HASTE, learned=bool(losses))
        scale = lesson.normalization
        scales = list(zip(fitted, scale.mean, scale.std, strict=True))
        return TrainedNetwork(
            channels=self.channels,
            spec=lesson.spec,
            parts=parts,
            normalization=scale,
            noise=tuple(each.law.denormalised(mean, std) for each, mean, std in scales),
            noise_intervals=tuple(each.interval(mean, std) for each, mean, std in scales),
            losses=tuple(losses[:: max(len(losses) // _KEPT_LOSSES, 1)]),
            pace=pace,
        )

    def _noise(
        self, lesson: Lesson, generator: torch.Generator, pixels: int, *, learned: bool
    ) -> tuple[tuple[FittedLaw, ...], Parts]:
        """The noise, and parts that know it; a network that has not learned is told of it.

        Once only where pixels are hidden. The residual of a network that sees noise which
        neighbours share depends on the law that it was told: of a variance of 1600, correlated
        along X, 898 was told first, and found 1100, 1249 and 1385.
        """
        rounds = 1 if learned or lesson.parts.recipe.learns else _ROUNDS
        looks = learned and pixels > _PIXELS_IN_HASTE
        for _ in range(rounds):
            fitted, parts = _calibrated(lesson, generator, pixels, looks=looks)
            if not learned:
                parts = self.method.renoised(parts, tuple(each.law for each in fitted))
            lesson = dataclasses.replace(lesson, parts=parts)
        return fitted, parts

    def _lesson(self, generator: torch.Generator) -> Lesson:
        source = source_of(self.series)
        budget_s = self.budget.seconds or (self.budget.steps or 0) / self.method.steps_per_s
        spec = spec_of(source, len(self.channels), budget_s)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(torch.randint(2**31, (), generator=generator)))
            parts = self.method.build(spec)
        parts.network.to(self.device)
        decide = self.leaves_early or views(parts, spec) > 0
        spares = self.holds_out or parts.recipe.keeps_start or decide
        held = held_out(self.series, generator.initial_seed(), decide=decide) if spares else ()
        sampler = source.patches(parts, self.device, generator, held)
        exam = (
            Exam.of(
                self.series,
                held,
                source.normalization,
                sampler.patch,
                self.device,
                is_told=self.holds_out,
            )
            if held
            else None
        )
        return Lesson(source, spec, parts, sampler, exam)

    def _glimpse(self) -> Learner:
        """The same with next to nothing to learn from, for a run that was halted."""
        series = (self.series[0].glimpse(),)
        return dataclasses.replace(self, series=series, checkpoints=None, holds_out=False)

    def _watch(self, lesson: Lesson) -> Watch | None:
        if self.previews is None:
            return None
        return Watch(self.previews, self.channels, lesson.spec, lesson.normalization)

    def _checkpoint(self, index: int, spec: Spec) -> Checkpoint | None:
        """What the data are is told by their mean, spread and noise."""
        return self.checkpoints.of(index, dataclasses.asdict(spec)) if self.checkpoints else None


def _pixels_to_fit(budget_s: float) -> int:
    """Fewer after a short training, which the fit would otherwise outlast."""
    wanted = int(_PIXELS_PER_SECOND * budget_s)
    return min(max(wanted, _PIXELS_IN_TRAINING), _PIXELS_AT_THE_END)


def _calibrated(
    lesson: Lesson, generator: torch.Generator, pixels: int, *, looks: bool
) -> tuple[tuple[FittedLaw, ...], Parts]:
    """Noise of each channel, and the parts with a predictor for it.

    With `looks` the predictor may look at some patches with the network again.
    """
    parts = lesson.parts
    sample = blind_sample(parts, lesson.sampler, generator, pixels)
    if looks and sample.patches and (parts.blind or parts.masking).hides:
        known = dataclasses.replace(sample.patches, network=parts.network)
        sample = dataclasses.replace(sample, patches=known)
    fitted = fit_with_chance(sample)
    predictor = parts.predictor.calibrated(sample, tuple(each.law for each in fitted))
    return fitted, dataclasses.replace(parts, predictor=predictor)


@dataclasses.dataclass(frozen=True)
class _BlindFit:
    """Noise fitted on blind predictions of the network in training."""

    method: Method
    sampler: Patches
    generator: torch.Generator

    def fit(self, parts: Parts) -> tuple[NoiseLaw, ...]:
        return fit_noise_law(blind_sample(parts, self.sampler, self.generator, _PIXELS_IN_TRAINING))

    def apply(self, parts: Parts, laws: tuple[NoiseLaw, ...]) -> Parts:
        return self.method.renoised(parts, laws)
