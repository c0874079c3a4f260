"""From grey values to photons and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from napari_blindspot.noise import NoiseLaw

_TOLERANCE = 0.25  # of an estimated gain


def are_counts(law: NoiseLaw, quantum: float, zero: float) -> bool:
    """Whether values are photon counts: the step between them is the gain, and 0 is no light.

    Parameters
    ----------
    law : NoiseLaw
        Estimated noise.
    quantum : float
        Step between neighbouring values; 0 if they are not evenly spaced.
    zero : float
        Where the value 0 of the input lies, in the units of the law.
    """
    if quantum <= 0 or law.gain <= 0:
        return False
    dark = -law.offset / law.gain
    return abs(law.gain / quantum - 1) < _TOLERANCE and abs(dark - zero) < quantum


@dataclass(frozen=True)
class PhotonScale:
    """Linear scale between the normalised intensities of each channel and photons.

    Attributes
    ----------
    gain : tuple of float
        Normalised intensity per photon, more than 0.
    zero : tuple of float
        Normalised intensity without light.
    """

    gain: tuple[float, ...]
    zero: tuple[float, ...]

    def photons(self, intensity: Float[Tensor, "b c *space"]) -> Float[Tensor, "b c *space"]:
        """Photons for normalised intensities."""
        gain, zero = self._columns(intensity)
        return (intensity - zero) / gain

    def intensity(self, photons: Float[Tensor, "b c *space"]) -> Float[Tensor, "b c *space"]:
        """Normalised intensities for photons."""
        gain, zero = self._columns(photons)
        return photons * gain + zero

    def spread(self, photons: Float[Tensor, "b c *space"]) -> Float[Tensor, "b c *space"]:
        """Standard deviations in normalised units for those in photons."""
        return photons * self._columns(photons)[0]

    def squared(self, variance: Float[Tensor, "b c *space"]) -> Float[Tensor, "b c *space"]:
        """Variances in photons squared for normalised ones."""
        return variance / self._columns(variance)[0] ** 2

    def fitted(self, laws: Sequence[NoiseLaw]) -> PhotonScale:
        """Scale by which the variance is the signal; where a law has no gain, this one."""
        rows = zip(laws, self.gain, self.zero, strict=True)
        pairs = [
            (law.gain, -law.offset / law.gain) if law.gain > 0 else (gain, zero)
            for law, gain, zero in rows
        ]
        return PhotonScale(tuple(gain for gain, _ in pairs), tuple(zero for _, zero in pairs))

    def _columns(self, like: Tensor) -> tuple[Tensor, Tensor]:
        shape = (1, -1) + (1,) * (like.ndim - 2)
        gain = torch.tensor(self.gain, dtype=like.dtype, device=like.device).view(shape)
        zero = torch.tensor(self.zero, dtype=like.dtype, device=like.device).view(shape)
        return gain, zero
