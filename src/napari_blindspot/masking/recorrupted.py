"""Recorrupted pairs: two images with independent noise made from one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from napari_blindspot.pairs import TrainingPair


@dataclass(frozen=True)
class Recorrupted:
    """More noise on the input, the opposite noise on the target, and every pixel counts.

    With z drawn from the law of the noise, `input = y + alpha z` and `target = y - z / alpha`
    have uncorrelated noise, so a network that sees every pixel of the input cannot learn the
    noise of the target.

    Attributes
    ----------
    gain, offset, floor : tuple of float
        Noise per channel, variance = max(gain * signal + offset, floor), in the units of the
        patches.
    alpha : float
        Strength of the recorruption; a larger one leaves less noise on the target.

    Notes
    -----
    Exact for Gaussian noise. For Poisson noise the first two moments are right, and a wrong
    variance leaves a covariance of (true - assumed) variance between the pair.

    References
    ----------
    T. Pang, H. Zheng, Y. Quan and H. Ji, "Recorrupted-to-Recorrupted: Unsupervised Deep Learning
    for Image Denoising", CVPR 2021.
    """

    gain: tuple[float, ...]
    offset: tuple[float, ...]
    floor: tuple[float, ...]
    alpha: float

    hides: ClassVar[bool] = False

    def sample(
        self, noisy: Float[Tensor, "b c *space"], generator: torch.Generator
    ) -> TrainingPair:
        """Pair with freshly drawn noise."""
        gain, offset, floor = (
            noisy.new_tensor(values).reshape(-1, *(1,) * (noisy.ndim - 2))
            for values in (self.gain, self.offset, self.floor)
        )
        drawn = torch.randn(noisy.shape, generator=generator).to(noisy)
        noise = drawn * (gain * noisy + offset).maximum(floor).sqrt()
        pair = noisy + self.alpha * noise, noisy - noise / self.alpha
        return TrainingPair(*pair, torch.ones_like(noisy))
