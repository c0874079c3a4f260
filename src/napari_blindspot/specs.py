"""What a method is told of the data that it is to learn from."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch

from napari_blindspot.filters import gaussian
from napari_blindspot.measure.neighbours import noise_correlation
from napari_blindspot.methods.base import Spec
from napari_blindspot.noise import estimate_noise_law

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from napari_blindspot.sources import Source

S = TypeVar("S", bound=np.generic)

_SMOOTH, _DARK_AND_BRIGHT, _LEAST_CONTRAST = 2.0, (0.1, 99.9), 1e-3


def spec_of(source: Source, channels: int, budget_s: float) -> Spec:
    """Scale, noise, contrast and size of a source of so many channels.

    Parameters
    ----------
    source : Source
        What is learned from.
    channels : int
        Channels, without their repeats.
    budget_s : float
        Expected training time in seconds.
    """
    probe = source.probe
    normal = torch.from_numpy(_unrepeated(source.normalization.apply(probe), channels))
    normalization = source.normalization.pooled(channels)
    laws = estimate_noise_law(normal) if min(normal.shape[-2:]) > 2 else ()
    return Spec(
        ndim=normal.ndim - 2,
        channels=channels,
        mean=normalization.mean,
        std=normalization.std,
        budget_s=budget_s,
        noise=laws,
        quantum=normalization.quanta(_unrepeated(probe, channels)),
        along=noise_correlation(normal.numpy(), laws),
        contrast=_contrast(normal),
        pixels=sum(each.n_samples * math.prod(each.space) for each in source.series),
    )


def _unrepeated(samples: NDArray[S], channels: int) -> NDArray[S]:
    """Samples `(N, C, *space)` whose repeats are samples, too."""
    return samples.reshape(-1, channels, *samples.shape[2:])


def _contrast(normal: Tensor) -> tuple[float, ...]:
    """From dark to bright without noise, of each channel of samples `(N, C, *space)`."""
    smooth = gaussian(normal, _SMOOTH).movedim(1, 0).flatten(1).numpy()
    low, high = np.percentile(smooth, _DARK_AND_BRIGHT, axis=1)
    return tuple(float(span) for span in np.maximum(high - low, _LEAST_CONTRAST))
