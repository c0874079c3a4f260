"""A U-Net on blocks of 2 x 2 pixels, by which small networks are fast."""

from __future__ import annotations

import torch.nn.functional as F  # noqa: N812 - the usual name
from jaxtyping import Float
from torch import Tensor, nn

from napari_blindspot.filters import gaussian_radius
from napari_blindspot.networks.base import Network
from napari_blindspot.networks.layers import LAYOUT, convolution, started
from napari_blindspot.networks.merging import Merging

FOLD = 2
_SLOPE = 0.1  # of what is negative


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
    normed : int or None
        Level from which on the features of each pixel have a mean of 0 and a variance of 1, and
        negative ones are not lost. In a long training with a high learning rate such levels fall
        silent otherwise, one feature after the other. None: no level.
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
        normed: int | None = None,
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
        self._normed = depth + 1 if normed is None else normed
        self.down = nn.ModuleList(
            _double(ndim, fed, features[level], leaky=level >= self._normed)
            for level, fed in enumerate([inputs, *features[:-1]])
        )
        self.up = nn.ModuleList(
            _double(
                *(ndim, features[level + 1] + features[level], features[level]),
                leaky=level >= self._normed,
            )
            for level in reversed(range(depth))
        )
        self.head = started(convolution(ndim, features[0], outputs, 1), slope=None)

    def _unet(self, x: Float[Tensor, "b f *folded"]) -> Float[Tensor, "b g *folded"]:
        ndim = x.ndim - 2
        x = x.contiguous(memory_format=LAYOUT[ndim])
        pool = F.avg_pool2d if ndim == 2 else F.avg_pool3d
        step = (2, 2) if ndim == 2 else (1, 2, 2)
        skips: list[Tensor] = []
        for level, convolutions in enumerate(self.down):
            x = self._even(convolutions(pool(x, step) if skips else x), level)
            skips.append(x)
        skips.pop()
        for convolutions in self.up:
            x = self._even(convolutions(x, skips.pop(), step), len(skips))
        return self.head(x)  # type: ignore[no-any-return]

    def _even(self, x: Float[Tensor, "b f *folded"], level: int) -> Float[Tensor, "b f *folded"]:
        if level < self._normed:
            return x
        return F.layer_norm(x.movedim(1, -1), x.shape[1:2]).movedim(-1, 1)


def _double(ndim: int, in_channels: int, out_channels: int, *, leaky: bool) -> Merging:
    layers: list[nn.Module] = []
    for inputs in (in_channels, out_channels):
        layer = convolution(ndim, inputs, out_channels, 3, padding=1)
        nonlinear = nn.LeakyReLU(_SLOPE, inplace=True) if leaky else nn.SiLU(inplace=True)
        layers += [started(layer, slope=_SLOPE if leaky else 0.0), nonlinear]
    return Merging(*layers)


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
