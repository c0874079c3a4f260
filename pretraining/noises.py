"""Random exposures of clean pictures: light, camera, and how wrong their noise is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from structures import between
from torch import Tensor

_GAUSSIAN = 0.25  # of the exposures have the same noise everywhere
_WITHOUT_READ_NOISE = 0.5
_WRONG = (0.85, 1.18)  # by which the variance that is told is wrong


@dataclass(frozen=True)
class Exposures:
    """Noisy pictures in photons, and what is known of them.

    Attributes
    ----------
    noisy, clean : Tensor
        `(B, 1, Y, X)`.
    variance : Tensor
        True variance of the noise of each pixel.
    gain, offset, floor : Tensor
        `(B, 1, 1, 1)`, the noise law as somebody might have estimated it.
    """

    noisy: Tensor
    clean: Tensor
    variance: Tensor
    gain: Tensor
    offset: Tensor
    floor: Tensor


def exposed(pictures: Tensor, rng: np.random.Generator) -> Exposures:
    """Each picture `(B, 1, Y, X)` from 0 to 1 in light of its own and with a camera of its own."""
    count = len(pictures)

    def drawn(low: float, high: float) -> Tensor:
        return torch.from_numpy(between(rng, low, high, (count, 1, 1, 1))).float()

    def happens(chance: float) -> Tensor:
        return torch.from_numpy(rng.random((count, 1, 1, 1)) < chance)

    peak = drawn(1, 600)
    clean = drawn(0.05, 10) + peak * pictures
    read = torch.where(happens(_WITHOUT_READ_NOISE), 0.0, drawn(0.2, 8))
    even = peak.clamp_min(3) / drawn(1, 40)
    gain = torch.where(happens(_GAUSSIAN), 0.0, 1.0)
    offset = torch.where(gain > 0, read, even) ** 2
    light = torch.from_numpy(rng.poisson(clean.numpy())).float()
    white = torch.from_numpy(rng.standard_normal(clean.shape, np.float32))
    noisy = torch.where(gain > 0, light, clean) + offset.sqrt() * white
    floor = (gain * clean.amin((2, 3), keepdim=True) + offset).clamp_min(1e-3)
    wrong = drawn(*_WRONG)
    variance = (gain * clean + offset).maximum(floor)
    return Exposures(noisy, clean, variance, wrong * gain, wrong * offset, wrong * floor)
