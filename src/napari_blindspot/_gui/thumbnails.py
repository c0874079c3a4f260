"""Small pictures of images in files, read a few pixels at a time in a thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QObject, Signal

from napari_blindspot._gui.task import Task, sentence
from napari_blindspot.halting import Stop
from napari_blindspot.io import open_volume

if TYPE_CHECKING:
    from napari_blindspot.halting import StopFlag
    from napari_blindspot.io import Volume

Grey: TypeAlias = "npt.NDArray[np.uint8]"
Limits: TypeAlias = tuple[float, float]

_SAMPLES = 96
# Of wider planes the middle is shown: compressed pixels are decoded whole, however few are taken.
_WIDEST = 4096
_PERCENTILES = (1.0, 99.7)


@dataclass(frozen=True, eq=False)
class Thumbnails:
    """Small pictures of an image and of its result, at the same contrast.

    Attributes
    ----------
    file : str
        The image.
    noisy, denoised : ndarray of uint8 (H, W) or None
        Grey values; None where there is none.
    message : str
        Why there is no picture of a file, in one sentence.
    """

    file: str
    noisy: Grey | None = None
    denoised: Grey | None = None
    message: str = ""


def sampled(volume: Volume) -> npt.NDArray[np.float64]:
    """About a hundred by a hundred pixels, evenly spread over the middle plane.

    Parameters
    ----------
    volume : Volume
        Any axes; of several channels the first is taken, of a colour picture the mean.

    Returns
    -------
    ndarray of float64 (H, W)
        Intensities in the units of the image.
    """
    lengths = zip(volume.axes, volume.shape, strict=True)
    pixels = volume.read(tuple(_shown(axis, length) for axis, length in lengths))
    order = [volume.axes.index(axis) for axis in "YX"]
    outer = [axis for axis in range(pixels.ndim) if axis not in order]
    picture: npt.NDArray[np.float64] = (
        pixels.transpose(*outer, *order).astype(np.float64).mean(axis=tuple(range(len(outer))))
    )
    return picture


def limits_of(pixels: npt.NDArray[np.float64]) -> Limits:
    """Black and white of a picture, so that few pixels are beyond them."""
    finite = pixels[np.isfinite(pixels)]
    if not finite.size:
        return 0.0, 1.0
    low, high = map(float, np.percentile(finite, _PERCENTILES))
    return low, high if high > low else low + 1.0


def grey(pixels: npt.NDArray[np.float64], limits: Limits) -> Grey:
    """Intensities as grey values."""
    low, high = limits
    scaled = np.nan_to_num((pixels - low) / (high - low), nan=0.0, posinf=1.0, neginf=0.0)
    return np.rint(255 * np.clip(scaled, 0, 1)).astype(np.uint8)


def thumbnails(file: str, result: str = "") -> Thumbnails:
    """Small pictures of an image and of its result; no error leaves."""
    noisy = None
    try:
        pixels = sampled(open_volume(file))
        limits = limits_of(pixels)
        noisy = grey(pixels, limits)
        denoised = grey(sampled(open_volume(result)), limits) if result else None
    except Exception as error:
        # Whatever a library makes of a damaged file, it only has no picture.
        return Thumbnails(file, noisy, message=sentence(error))
    return Thumbnails(file, noisy, denoised)


class Thumbnailer(QObject):
    """Makes thumbnails in a thread, those asked for last of all but results first.

    Attributes
    ----------
    made : Signal(object)
        `Thumbnails`.
    """

    made = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        # A deque may be filled here while the thread takes from it.
        self._asked: deque[tuple[str, str]] = deque()
        self._task: Task | None = None
        self._closed = False

    @property
    def waiting(self) -> int:
        """Number of images that nobody has begun with."""
        return len(self._asked)

    def ask(self, file: str, result: str = "") -> None:
        """Have the pictures of an image made, and of its result if there is one."""
        if self._closed:
            return
        if result:
            self._asked.appendleft((file, result))
        else:
            self._asked.append((file, ""))
        self._go_on()

    def abandon(self) -> None:
        """Make no more."""
        self._closed = True
        self._asked.clear()
        if self._task is not None:
            self._task.abandon()

    def _go_on(self) -> None:
        if self._task is None and self._asked:
            self._task = Task(self._work, "Reading thumbnails")
            self._task.happened.connect(self.made)
            self._task.over.connect(self._end)
            self._task.start()

    def _work(self, stop: StopFlag) -> Generator[Thumbnails, None, None]:
        while self._asked and stop() is Stop.NO:
            yield thumbnails(*self._asked.popleft())

    def _end(self) -> None:
        self._task = None
        # What was asked for after the thread had looked for the last time.
        self._go_on()


def _shown(axis: str, length: int) -> slice:
    """Part of an axis that is read."""
    if axis == "S":
        return slice(0, length)
    if axis not in "YX":
        middle = 0 if axis == "C" else length // 2
        return slice(middle, middle + 1)
    width = min(length, _WIDEST)
    start = (length - width) // 2
    return slice(start, start + width, max(width // _SAMPLES, 1))
