"""Axes of an image: letters, guesses, and the way from any order to samples and channels.

The letters are T (time), C (channel), Z, Y, X and S (the samples of an RGB pixel).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from napari_blindspot.params import InputError

LETTERS = "TCZYXS"
SHORT = 4  # an axis of at most this length is guessed to be a channel
SMALLEST_RGB = 16  # colour images have more rows and columns than this

Spatial = Literal["YX", "ZYX", "TYX"]
# What a user calls them.
DIMS: dict[str, Spatial] = {"2D": "YX", "3D": "ZYX", "2D+T": "TYX"}


def dims_of(space: Spatial) -> str:
    """What a user calls the axes that a network sees as space."""
    return next(name for name, each in DIMS.items() if each == space)


def check_axes(text: str, ndim: int) -> str:
    """Return axes in capital letters if they fit an array of `ndim` dimensions.

    Parameters
    ----------
    text : str
        One letter of TCZYXS per dimension, slowest first, such as ``"TZCYX"``.
    ndim : int
        Number of dimensions to name.

    Raises
    ------
    InputError
        For unknown or repeated letters, a wrong number of letters, or when Y or X is missing.
    """
    axes = text.strip().upper()
    unknown = [letter for letter in axes if letter not in LETTERS]
    if unknown:
        raise InputError(f"axes={text!r} has the unknown letter {unknown[0]!r}; use {LETTERS}.")
    if len(set(axes)) < len(axes):
        raise InputError(f"axes={text!r} names an axis twice; use each letter at most once.")
    if len(axes) != ndim:
        raise InputError(
            f"axes={text!r} names {len(axes)} axes but the image has {ndim}; "
            f"give one letter of {LETTERS} per axis."
        )
    if not {"Y", "X"} <= set(axes):
        raise InputError(f"axes={text!r} lacks Y or X; an image needs both.")
    return axes


def guess_axes(shape: Sequence[int]) -> str:
    """Guess axes from a shape alone.

    A last axis of 3 or 4 behind rows and columns longer than 16 is read as S. The other axes
    end in YX. One axis before them is Z (T in front of RGB). Two are ZC if the second is at
    most 4 long, CZ if only the first is, else TZ. Three are TZC, or TCZ if only the second of
    them is at most 4 long.

    Raises
    ------
    InputError
        If the shape has fewer than 2 axes, or more than T, Z, C, Y, X and S can name.
    """
    lengths = tuple(shape)
    is_rgb = len(lengths) > 2 and lengths[-1] in (3, 4) and min(lengths[-3:-1]) > SMALLEST_RGB
    leading = lengths[:-3] if is_rgb else lengths[:-2]
    if len(lengths) < 2 or len(leading) > 3:
        raise InputError(
            f"An image of shape {lengths} has {len(lengths)} axes; use one with 2 to 5, "
            f"or 6 with RGB."
        )
    return _guess_leading(leading, is_rgb) + ("YXS" if is_rgb else "YX")


def _guess_leading(lengths: tuple[int, ...], is_rgb: bool) -> str:
    if len(lengths) < 2:
        return ("T" if is_rgb else "Z") * len(lengths)
    if is_rgb:
        return "TZC"[: len(lengths)]
    *_, before, last = lengths
    order = "ZC" if last <= SHORT else "CZ" if before <= SHORT else "TZ"
    return order if len(lengths) == 2 else "TCZ" if order == "CZ" else "TZC"


@dataclass(frozen=True)
class Layout:
    """How an array of given axes becomes independent samples of channels in space.

    Attributes
    ----------
    axes : str
        Letters of the array's axes.
    shape : tuple of int
        Their lengths.
    spatial : {"YX", "ZYX", "TYX"}
        The axes a network sees as space; those of T and Z that are not become samples, C and S
        channels.
    repeats : str
        Letter of an axis along which the same thing is shown again, or empty. It becomes no
        samples: a sample holds all channels of its first place, then all of its second...

    Raises
    ------
    InputError
        If the axes do not fit the shape, or `spatial` or `repeats` names an axis that is not
        there.
    """

    axes: str
    shape: tuple[int, ...]
    spatial: Spatial
    repeats: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "axes", check_axes(self.axes, len(self.shape)))
        object.__setattr__(self, "shape", tuple(int(length) for length in self.shape))
        if self.spatial not in DIMS.values():
            allowed = ", ".join(DIMS.values())
            raise InputError(f"spatial={self.spatial!r} is not allowed; use {allowed}.")
        if not set(self.spatial) <= set(self.axes):
            raise InputError(
                f"spatial={self.spatial!r} needs a {self.spatial[0]} axis but the axes are "
                f"{self.axes}; use YX."
            )
        if not set(self.repeats) <= set(self.axes) - set(self.spatial):
            free = ", ".join(letter for letter in self.axes if letter not in self.spatial)
            raise InputError(
                f"repeats={self.repeats!r} is not an axis of {self.axes} beside {self.spatial}; "
                f"use one of: {free or 'none'}."
            )

    @property
    def sample_axes(self) -> str:
        """Letters that become samples, in the order of the array; the last varies fastest."""
        others = "CS" + self.spatial + self.repeats
        return "".join(letter for letter in self.axes if letter not in others)

    @property
    def channel_axes(self) -> str:
        """Letters that become channels, repeats first, then in the order of the array.

        The last varies fastest.
        """
        own = (letter for letter in self.axes if letter in "CS" and letter != self.repeats)
        return self.repeats + "".join(own)

    @property
    def n_samples(self) -> int:
        """Number of samples, 1 where no axis becomes samples."""
        return math.prod(self._lengths(self.sample_axes))

    @property
    def n_repeats(self) -> int:
        """Number of places along the axis of repeats, 1 where there is none."""
        return math.prod(self._lengths(self.repeats))

    @property
    def n_channels(self) -> int:
        """Number of channels, 1 where there is no channel axis; repeats do not count."""
        return math.prod(self._lengths(self.channel_axes)) // self.n_repeats

    def in_all_repeats(self, channels: Sequence[int]) -> tuple[int, ...]:
        """Where a sample holds some channels: those of the first repeat, of the second..."""
        return tuple(
            repeat * self.n_channels + c for repeat in range(self.n_repeats) for c in channels
        )

    @property
    def space_shape(self) -> tuple[int, ...]:
        """Lengths of the spatial axes, in the order of `spatial`."""
        return self._lengths(self.spatial)

    def to_samples(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Array of `shape` as (N, C, Y, X) or (N, C, Z, Y, X), C with all repeats.

        It is a view wherever the order of the axes allows one, else a copy.
        """
        if array.shape != self.shape:
            raise ValueError(f"array has shape {array.shape}, the layout expects {self.shape}")
        ordered = np.transpose(array, self._order())
        return ordered.reshape(self._samples_shape)

    def from_samples(self, samples: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Samples in the original axes and shape: the exact inverse of `to_samples`."""
        expected = self._samples_shape
        if samples.shape != expected:
            raise ValueError(f"samples have shape {samples.shape}, the layout expects {expected}")
        order = self._order()
        return np.transpose(samples.reshape([self.shape[i] for i in order]), np.argsort(order))

    def region(
        self, sample: int | None, channel: int, window: Sequence[slice]
    ) -> tuple[slice, ...]:
        """Region of the array that holds a window in space of one channel.

        Parameters
        ----------
        sample : int or None
            Number of the sample, or all samples.
        channel : int
            Number of the channel; `in_all_repeats` tells those of other repeats than the first.
        window : sequence of slice
            One slice per axis of `spatial`.

        Returns
        -------
        tuple of slice
            One slice per axis of the array.
        """
        parts = dict(zip(self.spatial, window, strict=True)) | self._place(
            self.channel_axes, channel
        )
        if sample is not None:
            parts |= self._place(self.sample_axes, sample)
        return tuple(
            parts.get(letter, slice(0, length))
            for letter, length in zip(self.axes, self.shape, strict=True)
        )

    def to_window(self, block: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Pixels of a `region` of one sample as a window in the order of `spatial`."""
        ordered = np.transpose(block, self._order())
        return ordered.reshape(ordered.shape[-len(self.spatial) :])

    def from_window(self, window: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Pixels of a window in the shape of its `region`: the inverse of `to_window`."""
        whole = window.reshape((1,) * (len(self.axes) - window.ndim) + window.shape)
        return np.transpose(whole, np.argsort(self._order()))

    def _place(self, letters: str, index: int) -> dict[str, slice]:
        """Slices of length 1 that pick one of all combinations of some axes."""
        places = np.unravel_index(index, self._lengths(letters)) if letters else ()
        return {
            letter: slice(int(place), int(place) + 1)
            for letter, place in zip(letters, places, strict=True)
        }

    @property
    def _samples_shape(self) -> tuple[int, ...]:
        return (self.n_samples, self.n_channels * self.n_repeats, *self.space_shape)

    def _order(self) -> list[int]:
        return [self.axes.index(a) for a in self.sample_axes + self.channel_axes + self.spatial]

    def _lengths(self, letters: str) -> tuple[int, ...]:
        return tuple(self.shape[self.axes.index(letter)] for letter in letters)
