"""What a batch tells its caller while it works: plain values, no printing, no GUI."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from napari_blindspot.events import NoiseFitted, Notice, Preview, Started, Step, Tile

RunEvent: TypeAlias = Started | Step | Preview | NoiseFitted | Tile | Notice


@dataclass(frozen=True)
class BatchStarted:
    """The images are found and the output folder is ours.

    Attributes
    ----------
    files, todo : int
        Number of images, and of those that are not finished yet.
    output, journal : str
        The output folder, and the journal in it.
    note : str
        What the user should know of the output folder, in words; mostly empty.
    """

    files: int
    todo: int
    output: str
    journal: str
    note: str = ""


@dataclass(frozen=True)
class ModelStarted:
    """The training of the model for all images begins.

    Attributes
    ----------
    model : str
        File that the model goes to.
    files : tuple of str
        Images to learn from.
    """

    model: str
    files: tuple[str, ...]


@dataclass(frozen=True)
class ModelReady:
    """The model for all images is there: trained in `elapsed_s`, or `reused`."""

    model: str
    elapsed_s: float
    reused: bool = False


@dataclass(frozen=True)
class FileSkipped:
    """An image that was finished before; its result is there and whole."""

    file: str
    output: str


@dataclass(frozen=True)
class FileStarted:
    """An image is begun.

    Attributes
    ----------
    file, output : str
        The image and its result.
    number, todo : int
        Place of the image among those to be done, from 1, and their number.
    reason : str
        Why it is done, in words.
    """

    file: str
    output: str
    number: int
    todo: int
    reason: str


@dataclass(frozen=True)
class FileProgress:
    """An event of the run on one image, or on the model for all; at most ten a second."""

    file: str
    event: RunEvent


@dataclass(frozen=True)
class FileDone:
    """The result of an image is written and noted in the journal.

    Attributes
    ----------
    file, output : str
        The image and its result.
    elapsed_s : float
        Wall time of the run.
    lost : str
        What the result could not keep of the input, in words; empty if nothing.
    """

    file: str
    output: str
    elapsed_s: float
    lost: str = ""


@dataclass(frozen=True)
class FileFailed:
    """An image could not be denoised; `message` is one sentence."""

    file: str
    message: str
    elapsed_s: float = 0.0


@dataclass(frozen=True)
class FileStopped:
    """The stop flag ended the run on an image; it has no result, and resume goes on with it."""

    file: str


@dataclass(frozen=True)
class BatchFinished:
    """The end of the batch.

    Attributes
    ----------
    done, failed, skipped, left : int
        Number of images that are done now, have failed, were done before, and are still to do.
    stopped : bool
        Whether the stop flag ended the batch.
    elapsed_s : float
        Wall time of the batch.
    """

    done: int
    failed: int
    skipped: int
    left: int
    stopped: bool
    elapsed_s: float


BatchEvent: TypeAlias = (
    BatchStarted
    | ModelStarted
    | ModelReady
    | FileSkipped
    | FileStarted
    | FileProgress
    | FileDone
    | FileFailed
    | FileStopped
    | BatchFinished
)
