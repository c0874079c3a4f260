"""The noise of an image, before or after training: law, read noise, defects, correlation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from napari_blindspot.measure.report import ChannelNoise, Estimate, NoiseReport
from napari_blindspot.params import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_blindspot.io.base import Volume
    from napari_blindspot.measure.blind import Blind
    from napari_blindspot.measure.sampling import Run

__all__ = ["ChannelNoise", "Estimate", "NoiseReport", "measure_blind", "measure_noise"]


def measure_noise(volume: Volume, black_level: float | None = None) -> NoiseReport:
    """Noise of a volume; of a large one only an even choice of places is read.

    Raises
    ------
    InputError
        If the black level is not a number.
    """
    from napari_blindspot.measure import sampling
    from napari_blindspot.measure.channel import Channel, measure

    if black_level is not None and not math.isfinite(black_level):
        raise InputError(f"black_level={black_level} is not allowed; use a number.")
    stacking = sampling.stacking_axes(volume)
    runs = list(sampling.runs(volume, stacking[:1]))
    across = list(sampling.runs(volume, stacking[1], _ACROSS)) if len(stacking) > 1 else []
    names = _names(volume, len(runs[0].planes))
    channels = [
        measure(Channel(name, index, runs, across, volume.dtype), black_level)
        for index, name in enumerate(names)
    ]
    pixels = sum(run.planes[0].size for run in runs)
    return NoiseReport(volume.axes, volume.shape, volume.note, pixels, tuple(channels))


def measure_blind(
    volume: Volume,
    predict: Callable[[Run], Sequence[Blind]],
    along: str,
    before: NoiseReport,
    black_level: float | None = None,
) -> NoiseReport:
    """Noise of a volume from blind predictions of an even choice of places.

    Parameters
    ----------
    volume : Volume
        The noisy image.
    predict : callable
        Makes the blind predictions of each channel in a run of planes.
    along : str
        Axis on which the planes of a run follow one another: T, Z, or empty.
    before : NoiseReport
        What the image alone tells.
    black_level : float, optional
        Grey value without light.
    """
    from napari_blindspot.measure import sampling
    from napari_blindspot.measure.channel import Channel, measure

    runs = list(sampling.runs(volume, along, _BLIND))
    blind = list(zip(*map(predict, runs), strict=True))
    channels = [
        measure(Channel(noise.name, index, runs, (), volume.dtype, blind[index]), black_level)
        for index, noise in enumerate(before.channels)
    ]
    pixels = sum(run.planes[0].size for run in runs)
    return NoiseReport(
        volume.axes, volume.shape, volume.note, pixels, tuple(channels), before=before
    )


_BLIND = 1 << 18  # pixels of each channel that are predicted blindly
_ACROSS = 1 << 20  # pixels of each channel for the correlation along the second stacking axis


def _names(volume: Volume, count: int) -> list[str]:
    if "S" in volume.axes and count in (3, 4):
        return ["red", "green", "blue", "alpha"][:count]
    given = volume.channel_names if len(volume.channel_names) == count else ()
    return [name or str(i) for i, name in enumerate(given)] or [str(i) for i in range(count)]
