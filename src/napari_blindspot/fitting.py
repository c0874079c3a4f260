"""From open volumes to a trained model: normalise, train, fit the noise, calibrate."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_blindspot.blind import blind_sample
from napari_blindspot.budget import Budget
from napari_blindspot.methods.base import Spec
from napari_blindspot.model import Model, TrainedNetwork
from napari_blindspot.noise import NoiseLaw, estimate_noise_law, fit_noise_law
from napari_blindspot.normalization import Normalization
from napari_blindspot.patches import PatchSampler, patch_shape
from napari_blindspot.tiling import pad_reflected
from napari_blindspot.training import train

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from numpy.typing import NDArray

    from napari_blindspot.axes import Layout
    from napari_blindspot.events import Event, StopFlag
    from napari_blindspot.io.base import Volume
    from napari_blindspot.job import Job
    from napari_blindspot.methods import Method, Parts

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
    series = [
        layout.to_samples(volume.read()) for volume, layout in zip(volumes, layouts, strict=True)
    ]
    channels = range(layouts[0].n_channels)
    groups = [tuple(channels)] if job.joint else [(c,) for c in channels]
    budget = Budget.parse(job.budget).shared(len(groups))
    networks = []
    for index, group in enumerate(groups):
        chosen = [finite(samples[:, list(group)]) for samples in series]
        generator = torch.Generator().manual_seed(job.seed + index)
        learner = Learner(method, chosen, group, budget, device)
        networks.append((yield from learner.learn(generator, stop, index)))
    return Model(method, layouts[0].spatial, tuple(networks))


def finite(samples: NDArray[np.generic]) -> NDArray[np.generic]:
    """Samples `(N, C, *space)` with NaN and Inf replaced by the mean of their channel."""
    if samples.dtype.kind != "f" or np.isfinite(samples).all():
        return samples
    mean = np.reshape(Normalization.of(samples).mean, (1, -1) + (1,) * (samples.ndim - 2))
    return np.where(np.isfinite(samples), samples, mean.astype(samples.dtype))


@dataclasses.dataclass(frozen=True)
class Learner:
    """One network and the samples that it learns from.

    Attributes
    ----------
    method : Method
        What to train.
    series : list of array
        Samples `(N, C, *space)` of each input, in the units of the input.
    channels : tuple of int
        The channels of the data that these are.
    budget : Budget
        Budget of this network.
    device : torch.device
        Where to train.
    """

    method: Method
    series: list[NDArray[np.generic]]
    channels: tuple[int, ...]
    budget: Budget
    device: torch.device

    def learn(
        self, generator: torch.Generator, stop: StopFlag, index: int
    ) -> Generator[Event, None, TrainedNetwork]:
        """Train, fit the noise on blind predictions, calibrate the predictor."""
        normalization = _joint_normalization(self.series)
        normal = [torch.from_numpy(normalization.apply(samples)) for samples in self.series]
        spec = self._spec(normalization, normal)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(torch.randint(2**31, (), generator=generator)))
            parts = self.method.build(spec)
        parts.network.to(self.device)
        sampler = self._sampler(parts, normal)
        losses = []

        def renoised(parts: Parts) -> Parts:
            sample = blind_sample(parts, sampler, generator, _PIXELS_IN_TRAINING)
            return self.method.renoised(parts, fit_noise_law(sample))

        for step in train(
            parts,
            sampler,
            self.budget,
            generator=generator,
            stop=stop,
            renoised=renoised,
            network_index=index,
        ):
            losses.append(step.loss)
            yield step
        sample = blind_sample(parts, sampler, generator, _PIXELS_AT_THE_END)
        laws = fit_noise_law(sample)
        parts = dataclasses.replace(parts, predictor=parts.predictor.calibrated(sample, laws))
        return TrainedNetwork(
            channels=self.channels,
            spec=spec,
            parts=parts,
            normalization=normalization,
            noise=_in_units(laws, normalization),
            losses=tuple(losses[:: max(len(losses) // _KEPT_LOSSES, 1)]),
        )

    def _spec(self, normalization: Normalization, normal: list[torch.Tensor]) -> Spec:
        return Spec(
            ndim=normal[0].ndim - 2,
            channels=len(self.channels),
            mean=normalization.mean,
            std=normalization.std,
            budget_s=self.budget.seconds or (self.budget.steps or 1) / self.method.steps_per_s,
            noise=estimate_noise_law(normal[0]) if min(normal[0].shape[-2:]) > 2 else (),
            quantum=normalization.quanta(self.series[0]),
        )

    def _sampler(self, parts: Parts, normal: list[torch.Tensor]) -> PatchSampler:
        divisor = parts.network.divisor
        padded = tuple(
            torch.from_numpy(pad_reflected(samples.numpy(), divisor)).to(self.device)
            for samples in normal
        )
        space = [min(sides) for sides in zip(*(p.shape[2:] for p in padded), strict=True)]
        patch = patch_shape(space, parts.recipe.patch, divisor)
        return PatchSampler(padded, patch, parts.recipe.batch)


def _joint_normalization(series: list[NDArray[np.generic]]) -> Normalization:
    flat = [np.moveaxis(samples, 1, 0).reshape(samples.shape[1], -1) for samples in series]
    return Normalization.of(np.concatenate(flat, 1)[None])


def _in_units(laws: tuple[NoiseLaw, ...], normalization: Normalization) -> tuple[NoiseLaw, ...]:
    scales = zip(laws, normalization.mean, normalization.std, strict=True)
    return tuple(law.denormalised(mean, std) for law, mean, std in scales)
