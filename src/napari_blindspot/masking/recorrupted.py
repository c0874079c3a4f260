"""Recorrupted pairs: two images with independent noise made from one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from napari_blindspot.filters import gaussian
from napari_blindspot.noise import NoiseLaw
from napari_blindspot.pairs import TrainingPair

_SIGMA = 1.3
_LOWEST = 0.1  # variance of a recorruption, as a part of the smallest variance of the noise
_MANY_PHOTONS = 100.0  # from where on a binomial draw is as good as Gaussian


@dataclass(frozen=True)
class Recorrupted:
    """More noise on the input, the opposite noise on the target, and every pixel counts.

    With z drawn from the law of the noise, `input = y + alpha z` and `target = y - z / alpha`
    have uncorrelated noise, so a network that sees every pixel of the input cannot learn the
    noise of the target.

    Attributes
    ----------
    laws : tuple of NoiseLaw
        Noise of each channel, in the units of the patches.
    alpha : float
        Strength of the recorruption; a larger one leaves less noise on the target.
    counted : tuple of bool
        Whether a channel holds photon counts: pure Poisson noise on values that are whole
        multiples of the gain above `-offset / gain`. Empty: none does.

    Notes
    -----
    Photons that are dealt out to two images by binomial draws are independent, so counts are
    recorrupted exactly. All other noise is taken for Gaussian noise of the variance v. Where
    read noise dominates, v follows the local mean b of the pixel, where photon noise dominates
    the pixel y itself:

        v = gain (w y + (1 - w) b) + offset,   w = 1 - floor / variance(b).

    A v that followed y in the dark, too, would be small just where the noise happened to be
    negative; there input and target would both show it. On simulated scenes with 3 photons in
    the brightest pixel this alone cost 2 dB, and more the longer the training. A v from b alone
    leaks wherever b misses a bright detail; it cost 0.9 dB on confocal images. A wrong variance
    leaves a covariance of (true - assumed) variance between the pair.

    References
    ----------
    T. Pang, H. Zheng, Y. Quan and H. Ji, "Recorrupted-to-Recorrupted: Unsupervised Deep Learning
    for Image Denoising", CVPR 2021.
    A. Dharamshi et al., "Generalized Data Thinning Using Sufficient Statistics", JASA 2024
    (binomial draws).
    """

    laws: tuple[NoiseLaw, ...]
    alpha: float
    counted: tuple[bool, ...] = ()

    hides: ClassVar[bool] = False

    def sample(
        self, noisy: Float[Tensor, "b c *space"], generator: torch.Generator
    ) -> TrainingPair:
        """Pair with freshly drawn noise."""
        counted = self.counted or (False,) * len(self.laws)
        smooth = gaussian(noisy, _SIGMA)
        drawn = [
            self._dealt(y, law, generator) if counts else _gaussian_noise(y, b, law, generator)
            for y, b, law, counts in zip(
                noisy.unbind(1), smooth.unbind(1), self.laws, counted, strict=True
            )
        ]
        noise = torch.stack(drawn, 1)
        pair = noisy + self.alpha * noise, noisy - noise / self.alpha
        return TrainingPair(*pair, torch.ones_like(noisy))

    def _dealt(
        self, noisy: Float[Tensor, "b *space"], law: NoiseLaw, generator: torch.Generator
    ) -> Float[Tensor, "b *space"]:
        """Noise that makes the pair the two parts of the photons, each scaled up to all."""
        counts = ((noisy + law.offset / law.gain) / law.gain).round().clamp_min(0).cpu()
        share = self.alpha**2 / (1 + self.alpha**2)
        few = counts.clamp_max(_MANY_PHOTONS)
        target = torch.binomial(few, torch.full_like(few, share), generator=generator)
        many = (share * (1 - share) * counts).sqrt() * torch.randn(
            counts.shape, generator=generator
        )
        surplus = torch.where(counts < _MANY_PHOTONS, share * few - target, many)
        return (law.gain * (self.alpha + 1 / self.alpha) * surplus).to(noisy)


def _gaussian_noise(
    noisy: Float[Tensor, "b *space"],
    smooth: Float[Tensor, "b *space"],
    law: NoiseLaw,
    generator: torch.Generator,
) -> Float[Tensor, "b *space"]:
    weight = 1 - law.floor / law.variance(smooth)
    level = smooth + weight * (noisy - smooth)
    variance = (law.gain * level + law.offset).clamp_min(_LOWEST * law.floor)
    return torch.randn(noisy.shape, generator=generator).to(noisy) * variance.sqrt()
