"""Correlation of the noise before a training: quick, from a few planes of the data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from napari_blindspot.measure.correlation import in_plane
from napari_blindspot.measure.law import Planes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_blindspot.noise import NoiseLaw

_PIXELS = 1 << 19  # of all channels together: a quarter of a second
_SIDE = 512  # of the middle of a plane that is looked at
_LEAST_VARIANCE = 1e-6  # of noise, as a part of the variance of the data


Along = tuple[tuple[float, ...], tuple[float, ...]]


def noise_correlation(samples: NDArray[np.float32], laws: Sequence[NoiseLaw]) -> tuple[Along, ...]:
    """Correlation at lags of 1, 2... pixels of each channel, along Y and along X.

    Parameters
    ----------
    samples : ndarray
        `(N, C, *space)` in normalised units.
    laws : sequence of NoiseLaw
        Approximate noise of each channel.

    Returns
    -------
    tuple of pairs of tuple of float
        Empty where the planes are too small, nothing is known of the noise or there is none.
    """
    planes = [_planes(samples[:, channel], len(laws)) for channel in range(len(laws))]
    if not all(map(_is_noisy, planes, laws)):
        return ()
    found = [in_plane(p, law.gain, law.offset) for p, law in zip(planes, laws, strict=True)]
    if not found or not all(found):
        return ()
    by_axis = [{axis.axis: axis.lags for axis in axes} for axes in found]
    return tuple((lags["Y"], lags["X"]) for lags in by_axis)


def _is_noisy(planes: list[Planes], law: NoiseLaw) -> bool:
    """Whether the usual pixel has any noise, as far as the law knows, and pixels differ."""
    level = np.concatenate([each.values.ravel() for each in planes])
    usual = law.gain * float(np.median(level)) + law.offset
    return min(usual, float(level.var())) > _LEAST_VARIANCE


def _planes(samples: NDArray[np.float32], channels: int) -> list[Planes]:
    """The middle of planes at equal distances through samples `(N, *space)` of one channel."""
    stack = samples.reshape(-1, *samples.shape[-2:])
    lengths = [(n, min(n, _SIDE)) for n in stack.shape[1:]]
    middle = tuple(slice((n - side) // 2, (n + side) // 2) for n, side in lengths)
    size = math.prod(side for _, side in lengths)
    count = min(max(_PIXELS // size // channels, 1), len(stack))
    chosen = np.unique(np.linspace(0, len(stack) - 1, count).astype(int))
    return [_plane(stack[(index, *middle)]) for index in chosen]


def _plane(values: NDArray[np.float32]) -> Planes:
    good = np.isfinite(values)
    return Planes(np.where(good, values, 0).astype(np.float64)[None], good[None], moving=False)
