"""DeamNet: stages of one U-shaped network, joined by attention to each element."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from jaxtyping import Float
from torch import Tensor, nn

from napari_blindspot.networks.base import Network
from napari_blindspot.networks.layers import convolution

_REDUCTION = 4  # of the features inside an attention


class DeamNet(Network):
    """Features go through the same U-shaped network again and again, in 2D.

    After each stage, and on each level of the U, two sets of features are mixed with weights of
    their own for every element. After a stage the second set are the features of the input.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of the input and of the output.
    width : int
        Features on all levels.
    depth : int
        Number of halvings.
    stages : int
        How often the U is gone through.

    Notes
    -----
    The paper has 4 stages, 4 halvings and 64 features, too slow for a laptop and with a reach
    beyond most images.

    References
    ----------
    C. Ren, X. He, C. Wang and Z. Zhao, "Adaptive Consistency Prior based Deep Network for Image
    Denoising", CVPR 2021.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        width: int = 16,
        depth: int = 2,
        stages: int = 2,
    ) -> None:
        # On each level 2 convolutions and the halving, then what doubles (its convolution and
        # a pixel's place in the smaller one), 2 convolutions of attention, and 2 others.
        reach = sum(9 << level for level in range(depth)) + (2 << depth) + 1
        halo = 3 + stages * (reach + 2) + 3
        super().__init__(divisor=(1 << depth,) * 2, halo=(halo,) * 2, is_blind=False)
        self.begin = convolution(2, in_channels, width, 3, padding=1)
        self.transform = _chain(width, 2)
        self.stage = _Levels(width, depth)
        self.mixes = nn.ModuleList(_Mix(width) for _ in range(stages))
        self.back = _chain(width, 2)
        self.head = convolution(2, width, out_channels, 3, padding=1)

    def forward(
        self,
        x: Float[Tensor, "b c y x"],
        mask: Float[Tensor, "b c y x"] | None = None,  # noqa: ARG002 - part of the contract
    ) -> Float[Tensor, "b k y x"]:
        """Output of the network; `mask` is not used."""
        x = self.begin(x)
        first = x = x + self.transform(x)
        for mix in self.mixes:
            x = mix(first, self.stage(x))
        output: Tensor = self.head(x + self.back(x))
        return output


class _Levels(nn.Module):
    """U-shaped network whose skips are mixed in by attention; added to its input."""

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        self.down = nn.ModuleList(_chain(width, 2, last=True) for _ in range(depth))
        self.halve = nn.ModuleList(
            nn.Conv2d(width, width, 3, stride=2, padding=1) for _ in range(depth)
        )
        self.lowest = _chain(width, 2, last=True)
        self.doubled = nn.ModuleList(_chain(width, 1, last=True) for _ in range(depth))
        self.mixes = nn.ModuleList(_Mix(width) for _ in range(depth))
        self.up = nn.ModuleList(_chain(width, 2, last=True) for _ in range(depth))
        self.final = convolution(2, width, width, 3, padding=1)

    def forward(self, x: Float[Tensor, "b c y x"]) -> Float[Tensor, "b c y x"]:
        """Features of the same shape."""
        given, skips = x, []
        for down, halve in zip(self.down, self.halve, strict=True):
            skips.append(down(x))
            x = F.relu(halve(skips[-1]))
        x = self.lowest(x)
        for doubled, mix, up in zip(self.doubled, self.mixes, self.up, strict=True):
            x = up(mix(skips.pop(), doubled(F.interpolate(x, scale_factor=2.0, mode="nearest"))))
        return torch.add(given, self.final(x))


class _Mix(nn.Module):
    """Two sets of features, mixed with a weight from 0 to 1 for each element."""

    def __init__(self, width: int) -> None:
        super().__init__()
        inner = max(width // _REDUCTION, 1)
        self.seen = convolution(2, width, width, 3, padding=1)
        self.weights = nn.Sequential(
            convolution(2, 2 * width, width, 1),
            convolution(2, width, inner, 3, padding=1),
            nn.ReLU(inplace=True),
            convolution(2, inner, width, 3, padding=1),
            nn.Sigmoid(),
        )

    def forward(
        self, first: Float[Tensor, "b c y x"], second: Float[Tensor, "b c y x"]
    ) -> Float[Tensor, "b c y x"]:
        """Features of the same shape."""
        weights = self.weights(torch.cat([self.seen(first), second], 1))
        return torch.lerp(second, first, weights)


def _chain(width: int, count: int, *, last: bool = False) -> nn.Sequential:
    """Convolutions with a ReLU between them, and one at the end if `last`."""
    layers: list[nn.Module] = []
    for _ in range(count):
        layers += [convolution(2, width, width, 3, padding=1), nn.ReLU(inplace=True)]
    return nn.Sequential(*(layers if last else layers[:-1]))
