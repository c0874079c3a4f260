"""From open volumes to a trained model: normalise, train, fit the noise, calibrate."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import torch

from napari_blindspot.blind import blind_sample
from napari_blindspot.budget import Budget
from napari_blindspot.methods.base import Spec
from napari_blindspot.model import Model, TrainedNetwork
from napari_blindspot.noise import NoiseLaw, estimate_noise_law, fit_noise_law, fit_with_chance
from napari_blindspot.series import Series
from napari_blindspot.sources import source_of
from napari_blindspot.training import train

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from napari_blindspot.axes import Layout
    from napari_blindspot.checkpoint import Checkpoint, Checkpoints
    from napari_blindspot.events import Event, StopFlag
    from napari_blindspot.io.base import Volume
    from napari_blindspot.job import Job
    from napari_blindspot.methods import Method, Parts
    from napari_blindspot.normalization import Normalization
    from napari_blindspot.patches import Patches
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
) -> Generator[Event, None, Model]:
    """Train one network per channel, or one for all with `job.joint`.

    Yields
    ------
    Event
        `Step` events.

    Returns
    -------
    Model
        What was trained until the budget or the stop flag ended it.
    """
    channels = range(layouts[0].n_channels)
    groups = [tuple(channels)] if job.joint else [(c,) for c in channels]
    budget = Budget.parse(job.budget).shared(len(groups))
    networks = []
    for index, group in enumerate(groups):
        series = [Series(*pair, group) for pair in zip(volumes, layouts, strict=True)]
        generator = torch.Generator().manual_seed(job.seed + index)
        learner = Learner(method, source_of(series), group, budget, device, checkpoints)
        networks.append((yield from learner.learn(generator, stop, index)))
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
    checkpoints : Checkpoints or None
        Files of the unfinished training.
    """

    method: Method
    source: Source
    channels: tuple[int, ...]
    budget: Budget
    device: torch.device
    checkpoints: Checkpoints | None = None

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
        sampler = self.source.patches(parts, self.device, generator)
        losses = yield from train(
            parts,
            sampler,
            self.budget,
            generator=generator,
            stop=stop,
            noise=_BlindFit(self.method, sampler, generator),
            checkpoint=self._checkpoint(index, spec),
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
        )

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
