"""From open volumes to a trained model: normalise, train, fit the noise, calibrate."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import torch

from napari_blindspot.blind import blind_sample
from napari_blindspot.budget import Budget
from napari_blindspot.exam import Exam, held_out
from napari_blindspot.methods.base import Spec
from napari_blindspot.model import Model, TrainedNetwork
from napari_blindspot.noise import NoiseLaw, estimate_noise_law, fit_noise_law, fit_with_chance
from napari_blindspot.pace import Clock, Pace, parsed
from napari_blindspot.preview import Watch
from napari_blindspot.series import Series
from napari_blindspot.sources import source_of
from napari_blindspot.training import train

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from napari_blindspot.axes import Layout
    from napari_blindspot.checkpoint import Checkpoint, Checkpoints
    from napari_blindspot.events import Event, StopFlag
    from napari_blindspot.held_out import HeldOut
    from napari_blindspot.io.base import Volume
    from napari_blindspot.job import Job
    from napari_blindspot.methods import Method, Parts
    from napari_blindspot.normalization import Normalization
    from napari_blindspot.patches import Patches
    from napari_blindspot.preview import Previews
    from napari_blindspot.sources import Source

_PIXELS_IN_TRAINING, _PIXELS_AT_THE_END = 300_000, 1_000_000
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
        What was trained until the budget or the stop flag ended it.
    """
    channels = range(layouts[0].n_channels)
    groups = [tuple(channels)] if job.joint else [(c,) for c in channels]
    budget = Budget.parse(job.budget).shared(len(groups))
    paces = parsed(job.pace, len(groups))
    networks = []
    for index, group in enumerate(groups):
        series = [Series(*pair, group) for pair in zip(volumes, layouts, strict=True)]
        generator = torch.Generator().manual_seed(job.seed + index)
        learner = Learner(
            method,
            source_of(series),
            group,
            budget,
            device,
            pace=paces[index],
            checkpoints=checkpoints,
            previews=previews,
            holds_out=job.held_out,
        )
        networks.append((yield from learner.learn(generator, stop, index)))
        if previews:
            previews.done.append(networks[-1])
    return Model(method, layouts[0].spatial, tuple(networks))


@dataclasses.dataclass(frozen=True)
class Learner:
    """One network and the samples that it learns from.

    Attributes
    ----------
    method : Method
        What to train.
    source : Source
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
    """

    method: Method
    source: Source
    channels: tuple[int, ...]
    budget: Budget
    device: torch.device
    pace: Pace | None = None
    checkpoints: Checkpoints | None = None
    previews: Previews | None = None
    holds_out: bool = False

    def learn(
        self, generator: torch.Generator, stop: StopFlag, index: int
    ) -> Generator[Event, None, TrainedNetwork]:
        """Train, fit the noise on blind predictions, calibrate the predictor."""
        normalization = self.source.normalization
        spec = self._spec()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(torch.randint(2**31, (), generator=generator)))
            parts = self.method.build(spec)
        parts.network.to(self.device)
        held = held_out(self.source.series, generator.initial_seed()) if self.holds_out else ()
        sampler = self.source.patches(parts, self.device, generator, held)
        clock = Clock(self.budget, self.pace)
        losses = yield from train(
            parts,
            sampler,
            clock,
            generator=generator,
            stop=stop,
            noise=_BlindFit(self.method, sampler, generator),
            checkpoint=self._checkpoint(index, spec),
            watch=self._watch(spec),
            exam=self._exam(held, sampler) if held else None,
            network_index=index,
        )
        sample = blind_sample(parts, sampler, generator, _PIXELS_AT_THE_END)
        fitted = fit_with_chance(sample)
        laws = tuple(each.law for each in fitted)
        parts = dataclasses.replace(parts, predictor=parts.predictor.calibrated(sample, laws))
        return TrainedNetwork(
            channels=self.channels,
            spec=spec,
            parts=parts,
            normalization=normalization,
            noise=_in_units(laws, normalization),
            noise_intervals=tuple(
                each.interval(mean, std)
                for each, mean, std in zip(
                    fitted, normalization.mean, normalization.std, strict=True
                )
            ),
            losses=tuple(losses[:: max(len(losses) // _KEPT_LOSSES, 1)]),
            pace=str(clock.pace),
        )

    def _watch(self, spec: Spec) -> Watch | None:
        if self.previews is None:
            return None
        return Watch(self.previews, self.channels, spec, self.source.normalization)

    def _exam(self, held: tuple[HeldOut, ...], sampler: Patches) -> Exam:
        source = self.source
        return Exam.of(source.series, held, source.normalization, sampler.patch, self.device)

    def _checkpoint(self, index: int, spec: Spec) -> Checkpoint | None:
        """What the data are is told by their mean, spread and noise."""
        return self.checkpoints.of(index, dataclasses.asdict(spec)) if self.checkpoints else None

    def _spec(self) -> Spec:
        normalization, probe = self.source.normalization, self.source.probe
        normal = torch.from_numpy(normalization.apply(probe))
        return Spec(
            ndim=normal.ndim - 2,
            channels=len(self.channels),
            mean=normalization.mean,
            std=normalization.std,
            budget_s=self.budget.seconds or (self.budget.steps or 1) / self.method.steps_per_s,
            noise=estimate_noise_law(normal) if min(normal.shape[-2:]) > 2 else (),
            quantum=normalization.quanta(probe),
        )


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


def _in_units(laws: tuple[NoiseLaw, ...], normalization: Normalization) -> tuple[NoiseLaw, ...]:
    scales = zip(laws, normalization.mean, normalization.std, strict=True)
    return tuple(law.denormalised(mean, std) for law, mean, std in scales)
