"""What `run` tells its caller while it works: plain values, no printing, no GUI."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from napari_blindspot.io.base import Region, Volume
    from napari_blindspot.job import Job
    from napari_blindspot.model import Model

View: TypeAlias = "Callable[[], Region | None]"
"""Tells the region of the input that is to be previewed, one slice per axis, or None."""


@dataclass(frozen=True)
class Watching:
    """What is to be shown of a training while it lasts.

    Attributes
    ----------
    view : callable
        Tells the region to preview, in the first input or its `apply_on` part. It is asked before
        every step, in the thread of the run.
    interval_s : float
        Least time between two previews of the same region.
    """

    view: View
    interval_s: float = 1.0


@dataclass(frozen=True)
class Started:
    """The input is open and understood.

    Attributes
    ----------
    shape, axes : tuple of int, str
        Shape of the input and one letter per axis.
    note : str
        Where the axes come from, in words.
    method, device : str
        Title of the method and the device in words.
    networks : int
        Number of networks to train: one per channel, or one for joint channels.
    warning : str
        What the user should know of the targets, in words; mostly empty.
    """

    shape: tuple[int, ...]
    axes: str
    note: str
    method: str
    device: str
    networks: int
    warning: str = ""


@dataclass(frozen=True)
class Step:
    """One optimiser step of one network.

    Attributes
    ----------
    network, step : int
        Number of the network (from 0) and of the step (from 1).
    fraction : float
        Part of this network's budget that is used, 0 to 1.
    loss : float
        Training loss of the step.
    elapsed_s : float
        Training time of this network so far.
    held_out : float or None
        Loss on the pixels that are held out, where it was found after this step.
    """

    network: int
    step: int
    fraction: float
    loss: float
    elapsed_s: float
    held_out: float | None = None


@dataclass(frozen=True)
class Preview:
    """What the network in training makes of the region in view.

    Attributes
    ----------
    image : ndarray
        The region, float32, in the axes and units of the input; channels whose network has not
        begun to learn are as measured.
    region : tuple of slice
        Where it lies in the input, one slice per axis.
    step : int
        Steps of the network so far.
    """

    image: NDArray[np.float32]
    region: Region
    step: int


@dataclass(frozen=True)
class NotKept:
    """The state of the training cannot be kept for a resume; `message` says why. It goes on."""

    message: str


@dataclass(frozen=True)
class Untrained:
    """Nothing is learned from these data; `message` says why. The prediction goes on."""

    message: str


@dataclass(frozen=True)
class NotSpared:
    """No pixels can be held out, though they are asked for; `message` says why. It goes on."""

    message: str


@dataclass(frozen=True)
class Settled:
    """A training goes back to the weights of an earlier step, and on to an end that is near.

    Attributes
    ----------
    network, step : int
        Number of the network (from 0), and of the step after which it goes back.
    best_step : int
        Step since which the error on held-out pixels has not fallen.
    """

    network: int
    step: int
    best_step: int

    @property
    def message(self) -> str:
        """The same in words."""
        return (
            f"After {self.step} steps: the error on held-out pixels falls no more. The training "
            f"goes back to step {self.best_step}, and ends soon."
        )


@dataclass(frozen=True)
class NoiseFitted:
    """Noise of one channel, in the units of the input: variance = gain * signal + offset.

    Attributes
    ----------
    channel : int
        Number of the channel.
    gain, offset : float
        The law.
    gain_interval, offset_interval : tuple of float or None
        Ends of their 95 % confidence intervals; None where they are not known.
    """

    channel: int
    gain: float
    offset: float
    gain_interval: tuple[float, float] | None = None
    offset_interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class Tile:
    """One more tile is predicted: `done` of `total`."""

    done: int
    total: int


@dataclass(frozen=True)
class Halved:
    """Memory ran out in the prediction, which goes on with smaller tiles.

    Attributes
    ----------
    tile : tuple of int
        Lengths in space of the tile that was too large.
    message : str
        The same in words.
    """

    tile: tuple[int, ...]
    message: str


@dataclass(frozen=True)
class Finished:
    """The end of the run.

    Attributes
    ----------
    denoised, std : Volume or None
        Posterior mean (or prediction) and posterior standard deviation as float32 in the units
        of the input; None for a run that only trains or was halted, and a standard deviation
        only where it was asked for and the method has one. Those too large for memory and those
        saved as OME-Zarr are the saved files, opened.
    model : Model
        The trained model.
    stopped : bool
        Whether the stop flag ended the run early.
    elapsed_s : float
        Wall time of the whole run.
    lost : str
        What the saved files could not keep of the input, in words; empty if nothing.
    job : Job or None
        Does the same again, step by step.
    done : float
        Part of the values that is denoised, 0 to 1. Of a prediction that was halted, but kept on
        request, all others are NaN, and 0 in files of integers.
    """

    denoised: Volume | None
    std: Volume | None
    model: Model
    stopped: bool
    elapsed_s: float
    lost: str = ""
    job: Job | None = None
    done: float = 0.0


# What the user should know at once; each has a `message`.
Notice: TypeAlias = NotKept | Untrained | NotSpared | Settled | Halved
Event: TypeAlias = Started | Step | Preview | NoiseFitted | Tile | Notice | Finished
