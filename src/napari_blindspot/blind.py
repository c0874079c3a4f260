"""Predictions of pixels that a trained network could not see."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_blindspot.inference.posterior import noise_variance
from napari_blindspot.measure.blind import Blind
from napari_blindspot.noise import BlindPatches, BlindSample
from napari_blindspot.tiling import shown_to

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from napari_blindspot.measure.sampling import Run
    from napari_blindspot.methods import Parts
    from napari_blindspot.model import Model, TrainedNetwork
    from napari_blindspot.noise import NoiseLaw
    from napari_blindspot.pairs import TrainingPair
    from napari_blindspot.patches import Patches

_PIXELS_IN_PATCHES = 260_000
_PASSES, _ENOUGH = 16, 0.4  # at most so many, until so many of the pixels were hidden


def blind_sample(
    parts: Parts, sampler: Patches, generator: torch.Generator, pixels: int
) -> BlindSample:
    """Blind predictions of hidden pixels, from patches with about `pixels` pixels in all.

    Fewer patches are drawn from small images, where each pixel is hidden twice on average, and
    only a part of a batch, or of a patch, is used where that is enough.
    """
    parts.network.eval()
    masking = parts.blind or parts.masking
    rows, patches = [], []
    hidden, there = 0, sampler.pixels
    wanted = math.ceil(pixels / math.prod(sampler.patch))
    with torch.no_grad():
        for _ in range(math.ceil(wanted / sampler.batch)):
            if hidden > 2 * there:
                break
            noisy = sampler.draw(generator).noisy[:wanted]
            shown = _cropped(noisy, pixels, parts.network.divisor)
            pair = masking.sample(shown, generator)
            output = parts.network(pair.input, pair.unseen)
            mean, variance = parts.predictor.moments(output)
            visible = parts.network(pair.target) if parts.blind else None
            counted = pair.mask > 0
            hidden += int(counted[:, 0].sum())
            there = sampler.pixels * (noisy.shape[1] // mean.shape[1])
            rows.append([_pixels(x, counted) for x in (pair.target, mean, variance, visible)])
            patches.append((pair, mean))
    target, mean, variance, visible = (_joined(column) for column in zip(*rows, strict=True))
    return BlindSample(target, mean, variance, visible, _some(patches), repeats=hidden / there)


def _cropped(noisy: Tensor, pixels: int, divisor: Sequence[int]) -> Tensor:
    """The middle of patches, in Y and X, if one of them has more than `pixels` pixels."""
    part = (pixels / math.prod(noisy.shape[2:])) ** 0.5
    if part >= 1:
        return noisy
    for axis, step in zip((-2, -1), divisor[-2:], strict=True):
        length = max(int(noisy.shape[axis] * part) // step, 1) * step
        noisy = noisy.narrow(axis, (noisy.shape[axis] - length) // 2, length)
    return noisy


def _pixels(values: Tensor | None, counted: Tensor) -> Tensor | None:
    """The counted pixels `(C, P)`, of each channel as many as of the one that has fewest."""
    if values is None:
        return None
    pixels = [x[where] for x, where in zip(values.unbind(1), counted.unbind(1), strict=True)]
    fewest = min(map(len, pixels))
    return torch.stack([x[:fewest] for x in pixels]).cpu()


def _joined(column: tuple[Any, ...]) -> Any:
    """One tensor `(C, P)`, or None for a column that has none."""
    return None if column[0] is None else torch.cat(column, 1)


def _some(patches: Iterable[tuple[TrainingPair, Tensor]]) -> BlindPatches:
    """The first patches, at least one, with `_PIXELS_IN_PATCHES` pixels or fewer."""
    columns = zip(*((pair.target, mean, pair.mask) for pair, mean in patches), strict=True)
    noisy, mean, hidden = map(torch.cat, columns)
    count = max(_PIXELS_IN_PATCHES // mean[0, 0].numel(), 1)
    return BlindPatches(noisy[:count], mean[:count], hidden[:count])


@dataclass(frozen=True)
class BlindPlanes:
    """Blind predictions of runs of planes, as the noise report wants them.

    Attributes
    ----------
    model : Model
        Any of its networks that can see a pixel is shown planes with hidden pixels, several times.
    laws : tuple of NoiseLaw
        Approximate noise of each channel in grey values, for the images with known truth.
    device : torch.device
        Where to predict.
    seed : int
        Start of all random numbers.
    """

    model: Model
    laws: tuple[NoiseLaw, ...]
    device: torch.device
    seed: int = 0

    def __call__(self, run: Run) -> list[Blind]:
        """Predictions of each channel of a run."""
        found: dict[int, Blind] = {}
        for network in self.model.networks:
            planes = run.planes[list(network.channels)]
            found |= zip(network.channels, self._predicted(network, planes), strict=True)
        return [found[channel] for channel in sorted(found)]

    def _predicted(self, network: TrainedNetwork, planes: NDArray[Any]) -> list[Blind]:
        """Of planes `(C, L, Y, X)`, and of a made-up image: the denoised one and white noise."""
        parts, scale = network.parts, network.normalization
        net = parts.network.to(self.device)
        volumes = len(self.model.spatial) == 3
        samples = planes[None] if volumes else planes.swapaxes(0, 1)
        shown = shown_to(net, scale.apply(samples))
        noisy = torch.from_numpy(shown).to(self.device)
        laws = [
            self.laws[channel].normalised(mean, std)
            for channel, mean, std in zip(network.channels, scale.mean, scale.std, strict=True)
        ]
        with torch.no_grad():
            mean, hidden = _hidden_once(parts, noisy, self.seed)
            truth = mean if net.is_blind else parts.predictor.moments(net(noisy))[0]
            generator = torch.Generator().manual_seed(self.seed + 1)
            white = torch.randn(truth.shape, generator=generator).to(truth)
            drawn = white * noise_variance(laws, truth).sqrt()
            again, _ = _hidden_once(parts, truth + drawn, self.seed)
        hidden = hidden & _unmirrored(shown.shape, samples.shape)
        crop = tuple(map(slice, samples.shape))
        arrays = [x.cpu().numpy()[crop] for x in (mean, hidden, drawn, truth - again)]
        rows = scale.undo(arrays[0]), arrays[1], *map(scale.undo_std, arrays[2:])
        channels = zip(*(_by_channel(x, volumes) for x in rows), strict=True)
        return [
            Blind(m.astype(float), h, d.astype(float), e.astype(float)) for m, h, d, e in channels
        ]


def _hidden_once(parts: Parts, noisy: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """Blind predictions, and where they are; the same places for the same seed."""
    net, moments = parts.network, parts.predictor.moments
    if net.is_blind:
        return moments(net(noisy))[0], torch.ones_like(noisy, dtype=torch.bool)
    masking, generator = parts.blind or parts.masking, torch.Generator().manual_seed(seed)
    mean, hidden = torch.zeros_like(noisy), torch.zeros_like(noisy, dtype=torch.bool)
    for _ in range(_PASSES):
        if float(hidden.float().mean()) > _ENOUGH:
            break
        pair = masking.sample(noisy, generator)
        chosen = pair.mask > 0
        mean = torch.where(chosen, moments(net(pair.input, pair.unseen))[0], mean)
        hidden |= chosen
    return mean, hidden


def _unmirrored(padded: Sequence[int], shape: Sequence[int]) -> Tensor:
    """Pixels `(1, 1, *padded)` that the padding beyond `shape` does not show once more."""
    kept = torch.ones((1, 1, *padded[2:]), dtype=torch.bool)
    for axis in range(2, len(shape)):
        added = padded[axis] - shape[axis]
        if added:
            kept.narrow(axis, max(shape[axis] - 1 - added, 0), min(added + 1, shape[axis]))[:] = (
                False
            )
    return kept


def _by_channel(samples: NDArray[Any], volumes: bool) -> NDArray[Any]:
    """Samples `(N, C, *space)` as planes `(C, L, Y, X)`."""
    return samples[0] if volumes else np.swapaxes(samples, 0, 1)
