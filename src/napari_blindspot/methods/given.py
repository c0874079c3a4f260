"""What the user knows of the camera, as a method needs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_blindspot.methods.base import Spec
    from napari_blindspot.noise import NoiseLaw
    from napari_blindspot.photons import PhotonScale

START_FRACTION = 0.05
LEAST_START = 1e-4
_CAUTION = 0.5


@dataclass(frozen=True)
class GivenCamera:
    """Gain, read noise and offset in grey values; None where they are not known."""

    gain: float | None
    read_noise: float | None
    offset: float | None

    def laws(self, spec: Spec, *, dependent: bool) -> tuple[NoiseLaw, ...]:
        """The noise of each channel in normalised units; empty where it must be fitted.

        Without `dependent` it is that of the dark everywhere.
        """
        from napari_blindspot.noise import NoiseLaw

        if self.read_noise is None:
            return ()
        gain = self.gain if self.gain and dependent else 0.0
        dark = self.read_noise**2
        law = NoiseLaw(gain, dark - gain * (self.offset or 0.0), dark)
        scales = zip(spec.mean, spec.std, strict=True)
        return tuple(law.normalised(mean, std) for mean, std in scales)

    def zero(self, spec: Spec) -> tuple[float, ...]:
        """Normalised intensity without light."""
        scales = zip(spec.mean, spec.std, strict=True)
        return tuple(((self.offset or 0.0) - mean) / std for mean, std in scales)

    def are_counts(self, spec: Spec) -> bool:
        """Whether the values are photon counts."""
        from napari_blindspot.photons import are_counts

        known = spec.noise and spec.quantum
        return bool(known) and all(map(are_counts, spec.noise, spec.quantum, self.zero(spec)))

    def scale(self, spec: Spec) -> tuple[PhotonScale, bool]:
        """Photons for normalised intensities, and whether they are known.

        They are where the values are photon counts. An estimated gain is halved: below the
        true gain the excess of the variance makes up for it until the gain is fitted, above it
        the likelihood could not be as narrow as the data.
        """
        from napari_blindspot.photons import PhotonScale

        zero = self.zero(spec)
        if self.gain is not None:
            return PhotonScale(tuple(self.gain / std for std in spec.std), zero), True
        if self.are_counts(spec):
            return PhotonScale(spec.quantum, zero), True
        laws = spec.noise or (unknown_law(),) * spec.channels
        gains = tuple(_CAUTION * max(law.gain, LEAST_START) for law in laws)
        if self.offset is not None:
            return PhotonScale(gains, zero), False
        dark = PhotonScale(tuple(max(law.gain, LEAST_START) for law in laws), zero).fitted(laws)
        return PhotonScale(gains, dark.zero), False


def unknown_law() -> NoiseLaw:
    """Where nothing could be estimated: a small part of the variance of the data."""
    from napari_blindspot.noise import NoiseLaw

    return NoiseLaw(START_FRACTION, START_FRACTION)
