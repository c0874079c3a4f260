"""A U-Net that has learned from simulated microscopy what images look like."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from jaxtyping import Float
from torch import Tensor

from napari_blindspot.filters import gaussian
from napari_blindspot.networks.folded import FOLD, FoldedUNet, fold, unfold
from napari_blindspot.noise import NoiseLaw

PLANES = (0, -1, 1, -2, 2, -3, 3)  # of a volume that the network sees, from that it denoises
WHITE = (0.0, 0.0, 0.0, 0.0)  # correlation of noise that has none
_BASE_SIGMA = 1.3
_HINT_SIGMA = 0.9
_FARTHEST = 60.0  # in standard deviations of the noise
_MOST_PHOTONS = 1e4
_INFORMATION = 8.0
_NORMED = 2
_AT_ONCE = 1 << 20  # pixels of planes that are denoised together
_BYTES_PER_VALUE = {2: 400.0, 3: 120.0}  # while it denoises, turned copies included


class PriorUNet(FoldedUNet):
    """Output = blurred input + noise level times a U-Net of what differs from the blur.

    All that the U-Net sees is in units of the noise, as the variance-stabilising root gives them,
    and relative to the blurred input: neither the camera nor the brightness matters. So one
    network, trained once, serves every image whose noise is known. What is left of the noise law is
    how skewed the noise is, and the U-Net is told that: the logarithm of 1 + 8 / sqrt(photons),
    with read noise counted as photons, 0 for Gaussian noise. It is also told how the noise of
    neighbouring pixels is correlated.

    A volume is denoised plane by plane, each with the three planes below and above it as further
    features; beyond its ends a volume is mirrored. The weights of a plane alone are those of
    volumes without what belongs to the other planes.

    Parameters
    ----------
    ndim : int
        2 or 3.
    law : NoiseLaw
        Noise of the one channel.
    width, depth : int
        Features on the first level, and number of poolings; each level has 1.5 times more.
    added : float
        Noise that an input has beyond that of the law, as a multiple of its variance, where the
        mask says of all pixels that they do not hold the measured value: that of recorrupted pairs.
    correlation : sequence of float
        Correlation of the noise at lags of 1 and 2 pixels along Y, then along X.

    References
    ----------
    M. Mäkitalo and A. Foi, "Optimal inversion of the generalized Anscombe transformation for
    Poisson-Gaussian noise", IEEE TIP 2013 (the stabilising root).
    M. Tassano, J. Delon and T. Veit, "FastDVDnet: Towards Real-Time Deep Video Denoising Without
    Flow Estimation", CVPR 2020 (neighbouring frames as features).
    """

    gain: Tensor
    offset: Tensor
    floor: Tensor
    correlation: Tensor

    def __init__(
        self,
        ndim: int,
        law: NoiseLaw,
        *,
        width: int = 40,
        depth: int = 3,
        added: float = 0.0,
        correlation: Sequence[float] = WHITE,
    ) -> None:
        folded = FOLD**2
        inputs = 2 * folded + 1 + len(WHITE) + (folded * (len(PLANES) - 1) if ndim == 3 else 0)
        self._inputs, sigmas = inputs, (_HINT_SIGMA, _BASE_SIGMA)
        size = {"width": width, "depth": depth, "normed": _NORMED}
        super().__init__(2, inputs, folded, sigmas=sigmas, **size)
        if ndim == 3:
            self.divisor, self.halo = (1, *self.divisor), (max(PLANES), *self.halo)
        self.bytes_per_value = _BYTES_PER_VALUE[ndim]
        self.added = added
        for name in ("gain", "offset", "floor"):
            self.register_buffer(name, torch.full((1,) * 4, float(getattr(law, name))))
        self.register_buffer("correlation", torch.tensor(correlation).reshape(1, -1, 1, 1))

    def forward(
        self,
        x: Float[Tensor, "b 1 *space"],
        mask: Float[Tensor, "b 1 *space"] | None = None,
    ) -> Float[Tensor, "b 1 *space"]:
        """Denoised batch; of `mask` it matters whether it is 1 everywhere."""
        more = torch.ones((1,) * 4, device=x.device)
        if self.added and mask is not None:
            more = 1 + self.added * mask.flatten(1).amin(1).reshape(-1, 1, 1, 1)
        if x.ndim == 4:
            return self.centre(x, more)
        around = mirrored(x.shape[2]).to(x.device)
        together = len(around)
        if not torch.is_grad_enabled():
            together = max(_AT_ONCE // math.prod(x.shape[-2:]), 1)
        parts = []
        for some in torch.split(around, together):
            noisier = more if len(more) == 1 else more.repeat_interleave(len(some), 0)
            part = self.centre(x[:, 0, some].flatten(0, 1), noisier)
            parts.append(part.reshape(len(x), 1, len(some), *x.shape[3:]))
        return torch.cat(parts, 2)

    def centre(
        self, planes: Float[Tensor, "n p y x"], more: Tensor | float = 1.0
    ) -> Float[Tensor, "n 1 y x"]:
        """The first of the planes, denoised; the others are the `PLANES` around it, if any.

        `more` is by how much their variance is larger than that of the law.
        """
        gain, offset, floor = more * self.gain, more * self.offset, more * self.floor
        x = planes[:, :1]
        base = gaussian(x, _BASE_SIGMA)
        level = (gain * base + offset).maximum(floor).sqrt()
        seen = [
            fold(_differing(values, base, gain, offset, floor))
            for values in (x, gaussian(x, _HINT_SIGMA))
        ]
        seen.append(F.avg_pool2d(_skewness(level, gain), FOLD))
        seen.append(self.correlation.expand(len(x), -1, *seen[0].shape[-2:]))
        if planes.shape[1] > 1:
            seen.append(fold(_differing(planes[:, 1:], base, gain, offset, floor)))
        features = torch.cat(seen, 1)
        unseen = self._inputs - features.shape[1]
        if unseen:
            features = F.pad(features, (0, 0, 0, 0, 0, unseen))
        return base + level * unfold(self._unet(features))

    def tell(self, law: NoiseLaw) -> None:
        """Take another law of the noise."""
        for name in ("gain", "offset", "floor"):
            getattr(self, name).fill_(getattr(law, name))


def mirrored(depth: int) -> Tensor:
    """Indices `(depth, planes)` of each plane and those around it, in the order of `PLANES`."""
    period = max(2 * depth - 2, 1)
    index = (torch.arange(depth)[:, None] + torch.tensor(PLANES)) % period
    return torch.minimum(index, (period - index).remainder(period))


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
