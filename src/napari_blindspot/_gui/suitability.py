"""Whether a trained model suits an image, said before it is applied."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_blindspot.axes import Layout
from napari_blindspot.measure import sampling
from napari_blindspot.measure.numerals import number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_blindspot.io.base import Volume
    from napari_blindspot.measure import ChannelNoise, NoiseReport
    from napari_blindspot.model import Model, TrainedNetwork
    from napari_blindspot.noise import NoiseLaw

_SCALE, _NOISE = 3.0, 1.5  # times by which brightness and noise may differ
_THIN = 8  # planes below which most of what a 3D network sees is mirrored
_DEEP = {"Z": "stacks of planes", "T": "movies"}
_PROBE = 1 << 18  # pixels of each channel that are looked at


@dataclass(frozen=True)
class Mismatch:
    """In what a model does not suit an image, and whether it cannot be applied at all."""

    text: str
    is_fatal: bool


def mismatches(model: Model, volume: Volume, report: NoiseReport | None = None) -> list[Mismatch]:
    """In what a model does not suit an image; what is fatal stands alone.

    Parameters
    ----------
    model : Model
        The trained model.
    volume : Volume
        What it is to be applied to; some places of it are read.
    report : NoiseReport, optional
        The noise of the image, where it has been measured.
    """
    if fatal := _misfit(model, volume):
        return [Mismatch(fatal, is_fatal=True)]
    planes = _planes(volume)
    found = [_thinness(model, volume)]
    for network in model.networks:
        for place, channel in enumerate(network.channels):
            name = _name(volume, channel, model.n_channels)
            measured = report.channels[channel] if report else None
            learned = _Learned.of(network, place)
            # Beyond the intensities that it has seen, a noise law says little.
            found.append(
                _brightness(learned, planes[channel], name)
                or _noise(learned, planes[channel], measured, name)
            )
    return [Mismatch(text, is_fatal=False) for text in found if text]


def _misfit(model: Model, volume: Volume) -> str:
    """Why the model cannot be applied; empty if it can."""
    letter = model.spatial[0]
    if _is_deep(model) and letter not in volume.axes:
        return (
            f"The model works on {_DEEP[letter]} ({model.dims}); this image has the axes "
            f"{volume.axes}, without {letter}. Choose a 2D model, or correct the axes."
        )
    channels = Layout(volume.axes, volume.shape, model.spatial).n_channels
    if channels != model.n_channels:
        return (
            f"The model was trained on {_counted(model.n_channels, 'channel')}, this image has "
            f"{channels}. Choose another model, or correct the axes."
        )
    return ""


def _thinness(model: Model, volume: Volume) -> str:
    letter = model.spatial[0]
    if not _is_deep(model) or (planes := volume.shape[volume.axes.index(letter)]) >= _THIN:
        return ""
    return (
        f"The model works on {_DEEP[letter]} ({model.dims}); this image has "
        f"{_counted(planes, 'plane' if letter == 'Z' else 'frame')} only. A 2D model suits it "
        "better."
    )


def _is_deep(model: Model) -> bool:
    return len(model.spatial) == 3


@dataclass(frozen=True)
class _Learned:
    """What a model knows of the channel that it was trained on.

    Attributes
    ----------
    mean, spread : float
        Mean and standard deviation of the intensities.
    law : NoiseLaw
        Noise as estimated before the training where it was, for that does not depend on the method.
    """

    mean: float
    spread: float
    law: NoiseLaw

    @classmethod
    def of(cls, network: TrainedNetwork, place: int) -> _Learned:
        mean, spread = (s[place] for s in (network.normalization.mean, network.normalization.std))
        estimated = network.spec.noise
        law = estimated[place].denormalised(mean, spread) if estimated else network.noise[place]
        return cls(mean, spread, law)


def _brightness(learned: _Learned, planes: Sequence[NDArray[Any]], name: str) -> str:
    values = np.concatenate([each[np.isfinite(each)].ravel() for each in planes])
    if values.size == 0:
        return f"{name} has no finite values."
    mean, spread = float(values.mean(dtype=float)), float(values.std(dtype=float))
    if spread <= 0:
        return ""
    times = max(spread / learned.spread, learned.spread / spread)
    if times <= _SCALE and abs(mean - learned.mean) <= _SCALE * max(spread, learned.spread):
        return ""
    return (
        f"{name} has other intensities than the training image: {number(mean)} ± {number(spread)} "
        f"here, {number(learned.mean)} ± {number(learned.spread)} there. The result may be wrong; "
        "train on this image."
    )


def _noise(
    learned: _Learned, planes: Sequence[NDArray[Any]], measured: ChannelNoise | None, name: str
) -> str:
    """What is said where the noise differs at the typical signal, or its gain."""
    signal, variance, gain = _measured(measured) or _estimated(planes)
    expected = _variance(learned.law, signal)
    if not (math.isfinite(variance) and variance > 0 and expected > 0):
        return ""
    what, here, there = "standard deviation", variance**0.5, expected**0.5
    if not _differ(variance, expected):
        if gain is None or learned.law.gain <= 0 or not _differ(gain, learned.law.gain):
            return ""
        what, here, there = "gain", gain, learned.law.gain
    effect = "leave some of it" if variance > expected else "blur"
    return (
        f"{name} has other noise than the training image: {what} {number(here)} here, "
        f"{number(there)} there. The model may {effect}; better train on this image."
    )


def _measured(noise: ChannelNoise | None) -> tuple[float, float, float | None] | None:
    """Typical signal, the variance there, and the gain where it is known."""
    if noise is None or not math.isfinite(noise.variance):
        return None
    gain = noise.gain.value if noise.gain and noise.gain_is_known else None
    return noise.signal, noise.variance, gain


def _estimated(planes: Sequence[NDArray[Any]]) -> tuple[float, float, float | None]:
    """The same from some planes, estimated as before a training; no gain, for it is less sure."""
    import torch

    from napari_blindspot.noise import estimate_noise_law

    large = [plane for plane in planes if min(plane.shape) > 2]
    finite = [plane for plane in large if np.isfinite(plane).all()]
    if not finite or not np.std(finite) > 0:
        return math.nan, math.nan, None
    mean, spread = float(np.mean(finite)), float(np.std(finite))
    normal = torch.from_numpy(((np.stack(finite) - mean) / spread).astype(np.float32)[:, None])
    (law,) = estimate_noise_law(normal)
    return mean, _variance(law.denormalised(mean, spread), mean), None


def _variance(law: NoiseLaw, signal: float) -> float:
    return max(law.gain * signal + law.offset, law.floor)


def _differ(one: float, other: float) -> bool:
    return max(one, other) > _NOISE * min(one, other)


def _planes(volume: Volume) -> list[list[NDArray[Any]]]:
    """For each channel planes or blocks of planes of one size, evenly spread over the image."""
    runs = [run.planes for run in sampling.runs(volume, "", _PROBE)]
    smallest = [min(run.shape[axis] for run in runs) for axis in (-2, -1)]
    return [
        [plane[: smallest[0], : smallest[1]].astype(np.float64) for run in runs for plane in run[c]]
        for c in range(len(runs[0]))
    ]


def _name(volume: Volume, channel: int, count: int) -> str:
    if count == 1:
        return "This image"
    names = volume.channel_names
    given = names[channel] if channel < len(names) else ""
    return given or f"Channel {channel}"


def _counted(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"
