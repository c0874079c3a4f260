"""A U-Net that has learned from simulated microscopy what images look like."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from jaxtyping import Float
from torch import Tensor

from napari_blindspot.filters import gaussian
from napari_blindspot.networks.folded import FOLD, FoldedUNet, fold, unfold
from napari_blindspot.noise import NoiseLaw

_BASE_SIGMA = 1.3
_HINT_SIGMA = 0.9
_FARTHEST = 60.0  # in standard deviations of the noise
_MOST_PHOTONS = 1e4
_INFORMATION = 8.0


class PriorUNet(FoldedUNet):
    """Output = blurred input + noise level times a U-Net of what differs from the blur.

    All that the U-Net sees is in units of the noise, as the variance-stabilising root gives them,
    and relative to the blurred input: neither the camera nor the brightness matters. So one
    network, trained once, serves every image whose noise is known. What is left of the noise law is
    how skewed the noise is, and the U-Net is told that: the logarithm of 1 + 8 / sqrt(photons),
    with read noise counted as photons, 0 for Gaussian noise.

    Parameters
    ----------
    ndim : int
        2 or 3. In 3D only the YX plane is folded and pooled.
    law : NoiseLaw
        Noise of the one channel.
    width, depth : int
        Features on the first level, and number of poolings; each level has 1.5 times more.
    added : float
        Noise that an input has beyond that of the law, as a multiple of its variance, where the
        mask says of all pixels that they do not hold the measured value: that of recorrupted pairs.

    References
    ----------
    M. Mäkitalo and A. Foi, "Optimal inversion of the generalized Anscombe transformation for
    Poisson-Gaussian noise", IEEE TIP 2013 (the stabilising root).
    """

    gain: Tensor
    offset: Tensor
    floor: Tensor

    def __init__(
        self, ndim: int, law: NoiseLaw, *, width: int = 40, depth: int = 3, added: float = 0.0
    ) -> None:
        folded = FOLD**2
        sigmas = (_HINT_SIGMA, _BASE_SIGMA)
        super().__init__(ndim, 2 * folded + 1, folded, width=width, depth=depth, sigmas=sigmas)
        self.added = added
        for name in ("gain", "offset", "floor"):
            self.register_buffer(name, torch.full((1,) * (ndim + 2), float(getattr(law, name))))

    def forward(
        self,
        x: Float[Tensor, "b 1 *space"],
        mask: Float[Tensor, "b 1 *space"] | None = None,
    ) -> Float[Tensor, "b 1 *space"]:
        """Denoised batch; of `mask` it matters whether it is 1 everywhere."""
        gain, offset, floor = self.gain, self.offset, self.floor
        if self.added and mask is not None:
            more = 1 + self.added * mask.amin(tuple(range(1, mask.ndim)), keepdim=True)
            gain, offset, floor = more * gain, more * offset, more * floor
        base = gaussian(x, _BASE_SIGMA)
        level = (gain * base + offset).maximum(floor).sqrt()
        seen = [
            fold(_differing(values, base, gain, offset, floor))
            for values in (x, gaussian(x, _HINT_SIGMA))
        ]
        seen.append(_halved(_skewness(level, gain)))
        return base + level * unfold(self._unet(torch.cat(seen, 1)))

    def tell(self, law: NoiseLaw) -> None:
        """Take another law of the noise."""
        for name in ("gain", "offset", "floor"):
            getattr(self, name).fill_(getattr(law, name))


def _differing(x: Tensor, base: Tensor, gain: Tensor, offset: Tensor, floor: Tensor) -> Tensor:
    """Difference of the generalised Anscombe roots of x and the base, for no gain that of both."""
    least = 0.05 * gain**2 + 1e-3 * floor
    at_zero = offset + 0.375 * gain**2
    root, root_of_base = ((gain * v + at_zero).maximum(least).sqrt() for v in (x, base))
    return (2 * (x - base) / (root + root_of_base)).clamp(-_FARTHEST, _FARTHEST)


def _skewness(level: Tensor, gain: Tensor) -> Tensor:
    """Logarithm of 1 + 8 / sqrt(photons)."""
    root = (level / gain.clamp_min(1e-12)).clamp_max(_MOST_PHOTONS)
    return torch.where(gain > 0, torch.log2(1 + _INFORMATION / root), 0.0)


def _halved(x: Tensor) -> Tensor:
    """Means of blocks of 2 x 2."""
    return F.avg_pool2d(x, FOLD) if x.ndim == 4 else F.avg_pool3d(x, (1, FOLD, FOLD))
