"""A small, fast U-Net that works in variance-stabilised coordinates."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from jaxtyping import Float
from torch import Tensor, nn

from napari_blindspot.filters import gaussian, gaussian_radius
from napari_blindspot.networks.base import Network
from napari_blindspot.networks.layers import LAYOUT, convolution, started
from napari_blindspot.noise import NoiseLaw

_FOLD = 2
_HINT_SIGMA = 0.9


class StabilisedUNet(Network):
    """Output = blurred input + noise level times a U-Net of the stabilised input.

    The U-Net sees the input and a slight blur of it through the variance-stabilising root of the
    noise law, folded 2 x 2 into channels, so that its first convolutions run at half the
    resolution. Its last layer starts at zero: training begins from a Gaussian blur.

    Parameters
    ----------
    ndim : int
        2 or 3. In 3D only the YX plane is folded and pooled.
    laws : sequence of NoiseLaw
        Noise of each channel.
    width, depth : int
        Features on the first level, and number of poolings; each level has 1.5 times more.
    base_sigma : float
        Sigma of the blur that training begins from, in pixels.

    References
    ----------
    M. Mäkitalo and A. Foi, "Optimal inversion of the generalized Anscombe transformation for
    Poisson-Gaussian noise", IEEE TIP 2013 (the stabilising root).
    """

    gain: Tensor
    offset: Tensor
    floor: Tensor

    def __init__(
        self,
        ndim: int,
        laws: Sequence[NoiseLaw],
        *,
        width: int = 16,
        depth: int = 2,
        base_sigma: float = 1.3,
    ) -> None:
        block = _FOLD << depth
        convolutions = sum(4 << level for level in range(depth)) + (2 << depth)
        resampling = sum(2 << level for level in range(depth))
        reach = _FOLD * (convolutions + resampling + 1) + gaussian_radius(_HINT_SIGMA)
        reach = max(reach, gaussian_radius(base_sigma))
        super().__init__(
            divisor=(block, block) if ndim == 2 else (1, block, block),
            halo=(reach, reach) if ndim == 2 else (4 * depth + 2, reach, reach),
            is_blind=False,
        )
        self.base_sigma = base_sigma
        columns = (-1, *(1,) * ndim)
        for name in ("gain", "offset", "floor"):
            values = torch.tensor([getattr(law, name) for law in laws])
            self.register_buffer(name, values.reshape(columns))
        channels = len(laws)
        features = [max(round(width * 1.5**level / 8), 1) * 8 for level in range(depth + 1)]
        inputs = [2 * channels * _FOLD**2, *features[:-1]]
        self.down = nn.ModuleList(map(_double, [ndim] * len(features), inputs, features))
        self.up = nn.ModuleList(
            _double(ndim, features[level + 1] + features[level], features[level])
            for level in reversed(range(depth))
        )
        self.head = started(convolution(ndim, features[0], channels * _FOLD**2, 1), slope=None)

    def forward(
        self,
        x: Float[Tensor, "b c *space"],
        mask: Float[Tensor, "b c *space"] | None = None,  # noqa: ARG002 - part of the contract
    ) -> Float[Tensor, "b c *space"]:
        """Denoised batch; `mask` is not used."""
        base = gaussian(x, self.base_sigma)
        level = (self.gain * base + self.offset).maximum(self.floor).sqrt()
        seen = torch.cat([self._stabilise(x), self._stabilise(gaussian(x, _HINT_SIGMA))], 1)
        return base + level * self._unet(seen)

    def _stabilise(self, x: Tensor) -> Tensor:
        """Generalised Anscombe root, 0 at 0 and of slope 1 there; for no gain the identity."""
        at_zero = self.offset + 0.375 * self.gain**2
        least = 0.05 * self.gain**2 + 1e-3 * self.floor
        root = (self.gain * x + at_zero).maximum(least)
        root_at_zero = at_zero.maximum(least)
        lowest = torch.where(self.gain > 0, (least - at_zero) / self.gain.clamp_min(1e-12), -1e12)
        return 2 * root_at_zero.sqrt() * x.maximum(lowest) / (root.sqrt() + root_at_zero.sqrt())

    def _unet(self, x: Tensor) -> Tensor:
        ndim = x.ndim - 2
        x = _fold(x).contiguous(memory_format=LAYOUT[ndim])
        pool = F.avg_pool2d if ndim == 2 else F.avg_pool3d
        step = (2, 2) if ndim == 2 else (1, 2, 2)
        skips: list[Tensor] = []
        for convolutions in self.down:
            x = convolutions(pool(x, step) if skips else x)
            skips.append(x)
        skips.pop()
        for convolutions in self.up:
            x = F.interpolate(x, scale_factor=tuple(map(float, step)), mode="nearest")
            x = convolutions(torch.cat([x, skips.pop()], 1))
        return _unfold(self.head(x))


def _double(ndim: int, in_channels: int, out_channels: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs in (in_channels, out_channels):
        layer = convolution(ndim, inputs, out_channels, 3, padding=1)
        layers += [started(layer, slope=0.0), nn.SiLU(inplace=True)]
    return nn.Sequential(*layers)


def _fold(x: Float[Tensor, "b c *space"]) -> Float[Tensor, "b f *folded"]:
    """Blocks of 2 x 2 pixels of the YX plane as channels."""
    if x.ndim == 4:
        return F.pixel_unshuffle(x, _FOLD)
    planes = F.pixel_unshuffle(x.movedim(2, 1), _FOLD)
    return planes.movedim(1, 2)


def _unfold(x: Float[Tensor, "b f *folded"]) -> Float[Tensor, "b c *space"]:
    """The inverse of `_fold`."""
    if x.ndim == 4:
        return F.pixel_shuffle(x, _FOLD)
    return F.pixel_shuffle(x.movedim(2, 1), _FOLD).movedim(1, 2)
