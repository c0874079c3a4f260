"""What Blind2Grad adds to the decoder of Self2Self."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from napari_blindspot.networks.dropout import MaskDropout

_MOMENTUM = 0.05
_REDUCTION = 4


class Standout(nn.Module):
    """Dropout that spares what has a large gradient.

    Parameters
    ----------
    channels : int
        Features of the input.
    rate : float
        Part of the other features that is dropped.
    layer : int
        Number of the layer in its network.
    threshold : float
        Gradient from which on a feature is spared.

    References
    ----------
    B. Song et al., "Blind2Grad: Blind detail-preserving denoising via zero-shot with gradient
    regularized loss", AIMS Mathematics 2025 (eq. 3.11).
    """

    def __init__(self, channels: int, rate: float, layer: int, threshold: float) -> None:
        super().__init__()
        self.drop = MaskDropout(channels, rate, layer)
        self.threshold = threshold

    def forward(
        self, x: Float[Tensor, "b c *space"], codes: Int[Tensor, "b 1 *space"] | None
    ) -> Float[Tensor, "b c *space"]:
        """Features of which some are 0; all of them where there is no code."""
        if codes is None:
            return x
        with torch.no_grad():
            weights = self.drop.weights(x, codes).masked_fill_(is_steep(x, self.threshold), 1.0)
        return x * weights


class ChannelAttention(nn.Module):
    """Weighs channels by what all of them are on average.

    Parameters
    ----------
    channels : int
        Features of the input.

    Notes
    -----
    While it learns, the average is that of each sample; afterwards the running one, so that a
    tile is weighed like the whole image.

    References
    ----------
    B. Song et al., "Blind2Grad", AIMS Mathematics 2025 (eq. 3.12).
    J. Hu, L. Shen and G. Sun, "Squeeze-and-Excitation Networks", CVPR 2018.
    """

    average: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        fewer = max(channels // _REDUCTION, 1)
        self.squeeze = nn.Linear(channels, fewer)
        self.excite = nn.Linear(fewer, channels)
        # Weights of 1/2 are made up for, so that a fresh network passes its features on.
        nn.init.zeros_(self.excite.weight)
        nn.init.zeros_(self.excite.bias)
        self.register_buffer("average", torch.zeros(1, channels))

    def forward(self, x: Float[Tensor, "b c *space"]) -> Float[Tensor, "b c *space"]:
        """Weighed features."""
        average = self.average
        if self.training:
            average = x.flatten(2).mean(2)
            with torch.no_grad():
                self.average.lerp_(average.mean(0, keepdim=True), _MOMENTUM)
        weights = 2 * self.excite(F.relu(self.squeeze(average))).sigmoid()
        weighed: Tensor = x * weights.view(*weights.shape, *(1,) * (x.ndim - 2))
        return weighed


def is_steep(x: Float[Tensor, "b c *space"], threshold: float) -> Bool[Tensor, "b c *space"]:
    """Whether a value differs by more than a threshold from one before it, along Y and X."""
    steps = [F.pad(x.diff(dim=axis).abs(), pad) for axis, pad in ((-1, (1, 0)), (-2, (0, 0, 1, 0)))]
    steep: Tensor = (steps[0].square() + steps[1].square()) >= threshold**2
    return steep
