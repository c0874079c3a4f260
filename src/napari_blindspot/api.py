"""The Python interface: arrays in, arrays out, through the same `run` as everything else."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_blindspot import methods
from napari_blindspot.events import Finished
from napari_blindspot.halting import never
from napari_blindspot.io.arrays import as_volume
from napari_blindspot.job import Job
from napari_blindspot.params import InputError
from napari_blindspot.run import run

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    from napari_blindspot.events import Event
    from napari_blindspot.halting import StopFlag
    from napari_blindspot.io.base import Volume
    from napari_blindspot.model import Model
    from napari_blindspot.noise import NoiseLaw


@dataclass(frozen=True)
class Result:
    """What a denoising run gives.

    Attributes
    ----------
    image : ndarray
        Denoised image, float32, in the units, shape and axes of the input.
    std : ndarray or None
        Posterior standard deviation of every pixel, if asked for with `with_std=True` and if
        the method has one.
    model : Model
        The trained model.
    noise : tuple of NoiseLaw
        Noise of each channel: variance = gain * signal + offset.
    """

    image: NDArray[np.float32]
    std: NDArray[np.float32] | None
    model: Model
    noise: tuple[NoiseLaw, ...]


def denoise(
    image: ArrayLike,
    *,
    method: str = methods.DEFAULT,
    budget: str = "balanced",
    axes: str | None = None,
    progress: Callable[[Event], object] | None = None,
    stop: StopFlag = never,
    **options: Any,
) -> Result:
    """Denoise an image with a network trained on the image itself.

    Parameters
    ----------
    image : array_like
        2D to 5D image of any real dtype; it is never changed.
    method : str
        Name of a method, see `napari_blindspot.methods.available`.
    budget : str
        `instant`, `quick`, `balanced`, `best`, `paper` (settings of the method's paper), a time
        such as `30s`, or `2000steps`.
    axes : str, optional
        One letter of TCZYXS per axis; guessed from the shape if left out.
    progress : callable, optional
        Called with every event.
    stop : callable, optional
        Stop flag, see `napari_blindspot.run.run`.
    **options
        Further fields of `Job` (`with_std`, `seed`, `device`, `joint`, `dims`) and parameters of
        the method.

    Returns
    -------
    Result
        Denoised image, uncertainty, model and noise.

    Raises
    ------
    InputError
        If the image or an option cannot be used.

    Examples
    --------
    >>> import numpy as np, napari_blindspot
    >>> noisy = np.random.default_rng(0).poisson(20.0, (64, 64))
    >>> napari_blindspot.denoise(noisy, budget="20steps").image.shape
    (64, 64)
    """
    job = _job(method, budget, options)
    return _result(_finish(job, [as_volume(image, axes)], progress, stop))


def train(
    *images: ArrayLike,
    method: str = methods.DEFAULT,
    budget: str = "balanced",
    axes: str | None = None,
    progress: Callable[[Event], object] | None = None,
    stop: StopFlag = never,
    **options: Any,
) -> Model:
    """Train one model on one or several images; the options are those of `denoise`.

    Returns
    -------
    Model
        To be used with `apply` or saved with its `save`.
    """
    job = _job(method, budget, {**options, "train_only": True})
    return _finish(job, [as_volume(image, axes) for image in images], progress, stop).model


def apply(
    model: Model | str | Path,
    image: ArrayLike,
    *,
    axes: str | None = None,
    progress: Callable[[Event], object] | None = None,
    stop: StopFlag = never,
    **options: Any,
) -> Result:
    """Denoise an image with a trained model, or with a saved one given by its path."""
    trained = None if isinstance(model, str | Path) else model
    method = trained.method.name if trained else methods.DEFAULT
    job = Job(method=method, model=None if trained else str(model), **options)
    return _result(_finish(job, [as_volume(image, axes)], progress, stop, trained))


def estimate_noise(image: ArrayLike, *, axes: str | None = None) -> tuple[NoiseLaw, ...]:
    """Noise of each channel, estimated from a noisy image without training.

    Returns
    -------
    tuple of NoiseLaw
        variance = gain * signal + offset, in the units of the image.
    """
    import torch

    from napari_blindspot.axes import Layout
    from napari_blindspot.noise import estimate_noise_law

    volume = as_volume(image, axes)
    samples = Layout(volume.axes, volume.shape, "YX").to_samples(volume.read())
    return estimate_noise_law(torch.from_numpy(samples.astype(np.float32)))


def _job(method: str, budget: str, options: dict[str, Any]) -> Job:
    declared = {declared.name for declared in methods.get(method).declared()}
    chosen = {name: value for name, value in options.items() if name in declared}
    fields = {name: value for name, value in options.items() if name not in declared}
    unknown = sorted(set(fields) - set(Job.__dataclass_fields__))
    if unknown:
        names = ", ".join(sorted(declared))
        raise InputError(f"Option {unknown[0]!r} is not known; {method} has: {names}.")
    return Job(method=method, budget=budget, params=chosen, **fields)


def _finish(
    job: Job,
    volumes: list[Volume],
    progress: Callable[[Event], object] | None,
    stop: StopFlag,
    model: Model | None = None,
) -> Finished:
    with closing(run(job, stop, volumes, model=model)) as events:
        for event in events:
            if progress is not None:
                progress(event)
            if isinstance(event, Finished):
                return event
    raise RuntimeError("run ended without a Finished event")  # pragma: no cover


def _result(finished: Finished) -> Result:
    if finished.denoised is None:
        raise InterruptedError("The run was halted before the prediction; no image was made.")
    std = None if finished.std is None else finished.std.read()
    return Result(finished.denoised.read(), std, finished.model, _noise(finished.model))


def _noise(model: Model) -> tuple[NoiseLaw, ...]:
    laws = {
        channel: law
        for network in model.networks
        for channel, law in zip(network.channels, network.noise, strict=True)
    }
    return tuple(laws[channel] for channel in sorted(laws))
