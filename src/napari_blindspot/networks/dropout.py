"""Dropout that is drawn from the mask of the input."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from jaxtyping import Float, Int
from torch import Tensor, nn

from napari_blindspot.chance import mixed

_WINDOW = 7  # pixels along Y and X of which a code is made


class MaskCodes(nn.Module):
    """A random-looking integer for each pixel, made of the mask around it.

    Every Bernoulli-masked copy of an image has codes of its own; the same mask has the same ones,
    on whatever device and in whatever tile.
    """

    kernel: Tensor

    def __init__(self, ndim: int) -> None:
        super().__init__()
        sides = (1,) * (ndim - 2) + (_WINDOW, _WINDOW)
        # Sums of whole numbers below 2^24 are exact in float32, in whatever order.
        most = 2**24 // _WINDOW**2
        generator = torch.Generator().manual_seed(0)
        weights = torch.randint(1, most, (1, 1, *sides), generator=generator)
        self.register_buffer("kernel", weights.float(), persistent=False)
        self.ndim = ndim

    def forward(self, mask: Float[Tensor, "b c *space"]) -> Int[Tensor, "b 1 *space"]:
        """Codes of 64 bits, from the first channel of the mask."""
        convolve = F.conv2d if self.ndim == 2 else F.conv3d
        padding = (0,) * (self.ndim - 2) + (_WINDOW // 2,) * 2
        # Half precision would round the sums, and most pixels would share a few codes.
        with torch.autocast(mask.device.type, enabled=False):
            sums = convolve(mask[:, :1].float(), self.kernel.float(), padding=padding)
        return mixed(sums.long())


class MaskDropout(nn.Module):
    """Dropout whose choice follows from codes in place of a state of chance.

    A training step, a resumed training and a tile of a prediction drop the same features as long
    as they are shown the same mask.

    Parameters
    ----------
    channels : int
        Features of the input.
    rate : float
        Part of the features that are dropped.
    layer : int
        Number of the layer in its network; other layers drop other features.
    """

    factors: Tensor

    def __init__(self, channels: int, rate: float, layer: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(layer + 1)
        odd = 2 * torch.randint(2**30, (channels,), generator=generator) + 1
        self.register_buffer("factors", odd.int(), persistent=False)
        self.rate = rate
        self.layer = layer

    def forward(
        self, x: Float[Tensor, "b c *space"], codes: Int[Tensor, "b 1 *space"] | None
    ) -> Float[Tensor, "b c *space"]:
        """Features, some 0 and the others larger; all as they were where there is no code."""
        return x if codes is None or not self.rate else x * self.weights(x, codes)

    def weights(
        self, x: Float[Tensor, "b c *space"], codes: Int[Tensor, "b 1 *space"]
    ) -> Float[Tensor, "b c *space"]:
        """Factor of each feature: 0 where it is dropped, else more than 1."""
        salted = mixed(codes + self.layer).int()
        factors = self.factors.view(1, -1, *(1,) * (x.ndim - 2))
        # The product of an odd number with evenly spread ones is evenly spread from -2^31 to 2^31.
        kept = salted * factors >= round((self.rate - 0.5) * 2**32)
        return kept.to(x.dtype).mul_(1 / (1 - self.rate))
