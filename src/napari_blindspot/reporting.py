"""The noise report of the Python interface: from an image alone, or with a trained model."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from napari_blindspot.measure import measure_blind, measure_noise
from napari_blindspot.params import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import ArrayLike

    from napari_blindspot.io.base import Volume
    from napari_blindspot.measure import ChannelNoise, NoiseReport
    from napari_blindspot.model import Model
    from napari_blindspot.noise import NoiseLaw


def noise_report(
    image: ArrayLike,
    *,
    axes: str | None = None,
    black_level: float | None = None,
    model: Model | str | Path | None = None,
    device: str = "auto",
) -> NoiseReport:
    """Noise of each channel with confidence intervals, and its correlation.

    Parameters
    ----------
    image : array_like
        2D to 5D image of any real dtype; it is never changed.
    axes : str, optional
        One letter of TCZYXS per axis; guessed from the shape if left out.
    black_level : float, optional
        Grey value without light (the offset of the camera). An image cannot tell it, and only
        with it the read noise is more than an upper limit.
    model : Model or path, optional
        A model trained on the image or on its like. The report is then made from its blind
        prediction, and `before` is the report of the image alone.
    device : str
        Where the model predicts: auto, cpu, cuda or mps.

    Returns
    -------
    NoiseReport
        Gain, offset, read noise, saturation, hot pixels and correlation of each channel.

    Raises
    ------
    InputError
        If the image, the axes, the black level or the model cannot be used.

    Examples
    --------
    >>> import numpy as np, napari_blindspot
    >>> noisy = np.random.default_rng(0).poisson(np.linspace(5, 50, 256), (256, 256))
    >>> report = napari_blindspot.noise_report(noisy)
    >>> bool(abs(report.channels[0].gain.value - 1) < 0.1)
    True
    """
    from napari_blindspot.io.arrays import as_volume

    return report_of(as_volume(image, axes), black_level, model, device)


def report_of(
    volume: Volume,
    black_level: float | None = None,
    model: Model | str | Path | None = None,
    device: str = "auto",
) -> NoiseReport:
    """Report of a volume, from the blind prediction of a model if one is given.

    Raises
    ------
    InputError
        If the black level or the model cannot be used.
    """
    if model is None:
        return measure_noise(volume, black_level)
    from napari_blindspot import device as devices
    from napari_blindspot.blind import BlindPlanes
    from napari_blindspot.measure.sampling import stacking_axes
    from napari_blindspot.model import Model, load

    trained = model if isinstance(model, Model) else load(model)
    if trained.method.repeats:
        raise InputError(
            f"{trained.method.title} tells noise by repeats, not by pixels that it cannot see; "
            "leave out the model, or take one of another method."
        )
    trained.check_fits(volume)
    before = measure_noise(volume, black_level)
    laws = tuple(map(_law, before.channels))
    along = trained.spatial[0] if len(trained.spatial) == 3 else stacking_axes(volume)[:1]
    predict = BlindPlanes(trained, laws, devices.choose(device))
    report = measure_blind(volume, predict, along, before, black_level)
    return dataclasses.replace(report, model=trained.method.title)


def _law(channel: ChannelNoise) -> NoiseLaw:
    """What the image alone tells of the noise of a channel; none where it tells nothing."""
    from napari_blindspot.noise import NoiseLaw

    if channel.gain is None or channel.offset is None:
        return NoiseLaw(0.0, channel.variance if channel.variance > 0 else 0.0)
    dark = channel.gain.value * channel.dark + channel.offset.value
    return NoiseLaw(channel.gain.value, channel.offset.value, max(dark, 0.0))
