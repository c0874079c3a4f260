"""Random exposures of clean pictures: light, camera, and how wrong their noise is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from structures import between
from torch import Tensor

from napari_blindspot.networks.prior import WHITE

_GAUSSIAN = 0.25  # of the exposures have the same noise everywhere
_WITHOUT_READ_NOISE = 0.5
_WRONG = (0.85, 1.18)  # by which the variance that is told is wrong
_CORRELATED = 0.5
_MEASURED = 0.03  # error of a correlation that is told
_REACH = 6  # of a kernel that correlates the noise, in pixels
_EMPTY = 0.04  # of the exposures show nothing


@dataclass(frozen=True)
class Exposures:
    """Noisy pictures in photons, and what is known of them.

    Attributes
    ----------
    noisy, clean : Tensor
        `(B, P, Y, X)`.
    variance : Tensor
        True variance of the noise of each pixel.
    gain, offset, floor : Tensor
        `(B, 1, 1, 1)`, the noise law as somebody might have estimated it.
    correlation : Tensor
        `(B, 4, 1, 1)`, that of the noise at lags of 1 and 2 along Y, then X, as measured.
    """

    noisy: Tensor
    clean: Tensor
    variance: Tensor
    gain: Tensor
    offset: Tensor
    floor: Tensor
    correlation: Tensor


def exposed(pictures: Tensor, rng: np.random.Generator, *, plain: bool = False) -> Exposures:
    """Pictures `(B, P, Y, X)` from 0 to 1, each row in light of its own and with its own camera.

    Half of the cameras hand on what a filter has made of the pixels, so that the noise is
    correlated, and some pictures are empty; with `plain` none are.
    """
    count = len(pictures)

    def drawn(low: float, high: float) -> Tensor:
        return torch.from_numpy(between(rng, low, high, (count, 1, 1, 1))).float()

    def happens(chance: float) -> Tensor:
        return torch.from_numpy(rng.random((count, 1, 1, 1)) < chance)

    kernels = torch.stack([_kernel(rng, plain) for _ in range(count)])
    kept = (kernels**2).sum((1, 2)).reshape(-1, 1, 1, 1)  # of the variance
    peak = drawn(1, 600) * kept
    dim = 1.0 if plain else 1.0 - happens(_EMPTY).float()
    clean = drawn(0.05, 10) * kept + peak * pictures * dim
    read = torch.where(happens(_WITHOUT_READ_NOISE), 0.0, drawn(0.2, 8))
    even = peak.clamp_min(3) / drawn(1, 40) / kept.sqrt()
    gain = torch.where(happens(_GAUSSIAN), 0.0, 1.0)
    offset = torch.where(gain > 0, read * kept.sqrt(), even) ** 2
    light = torch.from_numpy(rng.poisson(clean.numpy())).float()
    white = torch.from_numpy(rng.standard_normal(clean.shape, np.float32))
    noisy = torch.where(gain > 0, light, clean) + offset.sqrt() * white
    noisy, clean = _filtered(noisy, kernels), _filtered(clean, kernels)
    gain, offset = kept * gain, kept * offset
    floor = (gain * clean.amin((1, 2, 3), keepdim=True) + offset).clamp_min(1e-3 * kept)
    wrong = drawn(*_WRONG)
    variance = (gain * clean + offset).maximum(floor)
    told = _correlation(kernels)
    if not plain:
        told = told + _MEASURED * torch.from_numpy(rng.standard_normal(told.shape, np.float32))
    return Exposures(noisy, clean, variance, wrong * gain, wrong * offset, wrong * floor, told)


def _kernel(rng: np.random.Generator, plain: bool) -> Tensor:
    """Filter of a camera, of sum 1: none, or a Gaussian, along an axis alone or with wide tails."""
    if plain or rng.random() >= _CORRELATED:
        return _gaussian_kernel(0.0, 0.0)
    y, x = between(rng, 0.35, 1.1, 2)
    kind = rng.random()
    if kind < 0.6:
        x = y
    elif kind < 0.8:
        y, x = rng.permutation([y, 0.0])
    tails = rng.choice([0.0, rng.uniform(0, 0.4)])
    wide = _gaussian_kernel(*[between(rng, 1.0, 2.2)] * 2)
    return (1 - tails) * _gaussian_kernel(y, x) + tails * wide


def _gaussian_kernel(y: float, x: float) -> Tensor:
    distance = torch.arange(-_REACH, _REACH + 1.0)
    lines = [torch.exp(-(distance**2) / max(2 * sigma**2, 1e-6)) for sigma in (y, x)]
    along_y, along_x = (line / line.sum() for line in lines)
    return along_y[:, None] * along_x


def _filtered(x: Tensor, kernels: Tensor) -> Tensor:
    """Each row by its own kernel, borders reflected."""
    if not (kernels[:, _REACH, _REACH] < 1).any():
        return x
    planes = x.shape[1]
    padded = F.pad(x, (_REACH,) * 4, mode="reflect").flatten(0, 1)[None]
    each = kernels.repeat_interleave(planes, 0)[:, None]
    return F.conv2d(padded, each, groups=len(each)).reshape(x.shape)


def _correlation(kernels: Tensor) -> Tensor:
    """Correlation of filtered white noise at lags of 1 and 2 along Y, then X, `(B, 4, 1, 1)`."""
    own = (kernels**2).sum((1, 2))
    shifted = [
        (kernels[:, lag:] * kernels[:, :-lag], kernels[..., lag:] * kernels[..., :-lag])
        for lag in (1, 2)
    ]
    lags = [pair[axis].sum((1, 2)) / own for axis in (0, 1) for pair in shifted]
    return torch.stack(lags, 1).reshape(len(kernels), len(WHITE), 1, 1)
