"""The noise of an image from the image alone: law, read noise, defects, correlation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from napari_blindspot.measure.report import ChannelNoise, Estimate, NoiseReport
from napari_blindspot.params import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from napari_blindspot.io.base import Volume

__all__ = ["ChannelNoise", "Estimate", "NoiseReport", "measure_noise", "noise_report"]


def noise_report(
    image: ArrayLike, *, axes: str | None = None, black_level: float | None = None
) -> NoiseReport:
    """Noise of each channel with confidence intervals, and its correlation, without training.

    Parameters
    ----------
    image : array_like
        2D to 5D image of any real dtype; it is never changed.
    axes : str, optional
        One letter of TCZYXS per axis; guessed from the shape if left out.
    black_level : float, optional
        Grey value without light (the offset of the camera). An image cannot tell it, and only
        with it the read noise is more than an upper limit.

    Returns
    -------
    NoiseReport
        Gain, offset, read noise, saturation, hot pixels and correlation of each channel.

    Raises
    ------
    InputError
        If the image, the axes or the black level cannot be used.

    Examples
    --------
    >>> import numpy as np, napari_blindspot
    >>> noisy = np.random.default_rng(0).poisson(np.linspace(5, 50, 256), (256, 256))
    >>> report = napari_blindspot.noise_report(noisy)
    >>> bool(abs(report.channels[0].gain.value - 1) < 0.1)
    True
    """
    from napari_blindspot.io.arrays import as_volume

    return measure_noise(as_volume(image, axes), black_level)


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


_ACROSS = 1 << 20  # pixels of each channel for the correlation along the second stacking axis


def _names(volume: Volume, count: int) -> list[str]:
    if "S" in volume.axes and count in (3, 4):
        return ["red", "green", "blue", "alpha"][:count]
    given = volume.channel_names if len(volume.channel_names) == count else ()
    return [name or str(i) for i, name in enumerate(given)] or [str(i) for i in range(count)]
