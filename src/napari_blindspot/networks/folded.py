"""A U-Net on blocks of 2 x 2 pixels, by which small networks are fast."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from jaxtyping import Float
from torch import Tensor, nn

from napari_blindspot.filters import gaussian_radius
from napari_blindspot.networks.base import Network
from napari_blindspot.networks.layers import LAYOUT, convolution, started

FOLD = 2


class FoldedUNet(Network):
    """What networks share whose input and output are folded 2 x 2 into channels.

    Its last layer starts at zero.

    Parameters
    ----------
    ndim : int
        2 or 3. In 3D only the YX plane is folded and pooled.
    inputs, outputs : int
        Features that `_unet` is given and gives, at half the resolution.
    width, depth : int
        Features on the first level, and number of poolings; each level has 1.5 times more.
    sigmas : tuple of float
        Of the blur that the input is seen through, and of one beside the U-Net.
    """

    def __init__(
        self,
        ndim: int,
        inputs: int,
        outputs: int,
        *,
        width: int,
        depth: int,
        sigmas: tuple[float, float],
    ) -> None:
        block = FOLD << depth
        convolutions = sum(4 << level for level in range(depth)) + (2 << depth)
        resampling = sum(2 << level for level in range(depth))
        reach = FOLD * (convolutions + resampling + 1) + gaussian_radius(sigmas[0])
        reach = max(reach, gaussian_radius(sigmas[1]))
        super().__init__(
            divisor=(block, block) if ndim == 2 else (1, block, block),
            halo=(reach, reach) if ndim == 2 else (4 * depth + 2, reach, reach),
            is_blind=False,
        )
        features = [max(round(width * 1.5**level / 8), 1) * 8 for level in range(depth + 1)]
        self.down = nn.ModuleList(
            map(_double, [ndim] * len(features), [inputs, *features[:-1]], features)
        )
        self.up = nn.ModuleList(
            _double(ndim, features[level + 1] + features[level], features[level])
            for level in reversed(range(depth))
        )
        self.head = started(convolution(ndim, features[0], outputs, 1), slope=None)

    def _unet(self, x: Float[Tensor, "b f *folded"]) -> Float[Tensor, "b g *folded"]:
        ndim = x.ndim - 2
        x = x.contiguous(memory_format=LAYOUT[ndim])
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
        return self.head(x)  # type: ignore[no-any-return]


def _double(ndim: int, in_channels: int, out_channels: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs in (in_channels, out_channels):
        layer = convolution(ndim, inputs, out_channels, 3, padding=1)
        layers += [started(layer, slope=0.0), nn.SiLU(inplace=True)]
    return nn.Sequential(*layers)


def fold(x: Float[Tensor, "b c *space"]) -> Float[Tensor, "b f *folded"]:
    """Blocks of 2 x 2 pixels of the YX plane as channels."""
    if x.ndim == 4:
        return F.pixel_unshuffle(x, FOLD)
    planes = F.pixel_unshuffle(x.movedim(2, 1), FOLD)
    return planes.movedim(1, 2)


def unfold(x: Float[Tensor, "b f *folded"]) -> Float[Tensor, "b c *space"]:
    """The inverse of `fold`."""
    if x.ndim == 4:
        return F.pixel_shuffle(x, FOLD)
    return F.pixel_shuffle(x.movedim(2, 1), FOLD).movedim(1, 2)
