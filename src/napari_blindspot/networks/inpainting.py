"""Convolutions that are told which pixels are visible, as image inpainting has them."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from jaxtyping import Float
from torch import Tensor, nn

from napari_blindspot.networks.layers import Convolution, convolution, started

_UPDATE = 0.8  # power of the mask update, in Xie 2019 and Zhou 2022 alike
_LEAST_MASK = 1e-6  # where the slope of the power is still finite
_RESIDUAL_SLOPE = 1.12  # what follows I + phi(I) / 2 has the size of a leaky ReLU of this slope


class Inpainting(nn.Module, ABC):
    """Convolution of 3 x 3 (x 3) with its activation, and what becomes of the mask.

    Attributes
    ----------
    mask_channels : int
        Channels of the mask that it gives.
    """

    mask_channels: int

    @abstractmethod
    def forward(
        self, x: Float[Tensor, "b c *space"], m: Float[Tensor, "b k *space"]
    ) -> tuple[Float[Tensor, "b d *space"], Float[Tensor, "b l *space"]]:
        """Features and mask for the next layer; `m` is more than 0 where something is seen."""


class Plain(Inpainting):
    """Convolution that does not look at the mask."""

    def __init__(
        self, ndim: int, in_channels: int, out_channels: int, mask_channels: int, slope: float
    ) -> None:
        super().__init__()
        self.features = _image(ndim, in_channels, out_channels, slope)
        self.mask_channels = mask_channels
        self.slope = slope

    def forward(
        self, x: Float[Tensor, "b c *space"], m: Float[Tensor, "b k *space"]
    ) -> tuple[Float[Tensor, "b d *space"], Float[Tensor, "b l *space"]]:
        """Features and the mask as it was."""
        return F.leaky_relu(self.features(x), self.slope), m


class Partial(Inpainting):
    """Partial convolution: scaled up by what is hidden of its window.

    `W * (x m) sum(1) / sum(m) + b` where the window sees anything, else 0; there the mask becomes
    1. Beyond the border nothing is seen.

    References
    ----------
    G. Liu et al., "Image Inpainting for Irregular Holes Using Partial Convolutions", ECCV 2018.
    """

    ones: Tensor

    def __init__(
        self, ndim: int, in_channels: int, out_channels: int, mask_channels: int, slope: float
    ) -> None:
        super().__init__()
        self.features = _image(ndim, in_channels, out_channels, slope, bias=False)
        self.bias = nn.Parameter(torch.zeros(1, out_channels, *(1,) * ndim))
        ones = torch.ones(1, mask_channels, *(3,) * ndim)
        self.register_buffer("ones", ones, persistent=False)
        self.mask_channels = 1
        self.slope = slope

    def forward(
        self, x: Float[Tensor, "b c *space"], m: Float[Tensor, "b k *space"]
    ) -> tuple[Float[Tensor, "b d *space"], Float[Tensor, "b l *space"]]:
        """Features, and a mask of one channel that is 1 where the window saw anything."""
        convolve = F.conv2d if m.ndim == 4 else F.conv3d
        seen = convolve(m, self.ones, padding=1)
        filled = (seen > 0).to(x)
        scale = filled * self.ones.numel() / seen.clamp_min(_LEAST_MASK)
        features = self.features(x * m) * scale + self.bias * filled
        return F.leaky_relu(features, self.slope), filled


class Gated(Inpainting):
    """Gated convolution: a second convolution of the features weighs the first.

    It learns of the mask only where that is among its features.

    References
    ----------
    J. Yu et al., "Free-Form Image Inpainting with Gated Convolution", ICCV 2019.
    """

    def __init__(
        self, ndim: int, in_channels: int, out_channels: int, mask_channels: int, slope: float
    ) -> None:
        super().__init__()
        self.both = _image(ndim, in_channels, 2 * out_channels, slope)
        self.mask_channels = mask_channels
        self.slope = slope

    def forward(
        self, x: Float[Tensor, "b c *space"], m: Float[Tensor, "b k *space"]
    ) -> tuple[Float[Tensor, "b d *space"], Float[Tensor, "b l *space"]]:
        """Features and the mask as it was."""
        features, gate = self.both(x).chunk(2, 1)
        return F.leaky_relu(features, self.slope) * gate.sigmoid(), m


class LearnableAttention(Inpainting):
    """Convolution weighed by a learned, lopsided bell of the convolved mask.

    Notes
    -----
    a, mu and the two gammas begin as in the paper, at 1.1, 2, 1 and 1.

    References
    ----------
    C. Xie et al., "Image Inpainting with Learnable Bidirectional Attention Maps", ICCV 2019.
    """

    def __init__(
        self, ndim: int, in_channels: int, out_channels: int, mask_channels: int, slope: float
    ) -> None:
        super().__init__()
        self.features = _image(ndim, in_channels, out_channels, slope)
        self.mask = _mask(ndim, mask_channels, out_channels)
        self.a = nn.Parameter(torch.tensor(1.1))
        self.mu = nn.Parameter(torch.tensor(2.0))
        self.left = nn.Parameter(torch.tensor(1.0))
        self.right = nn.Parameter(torch.tensor(1.0))
        self.mask_channels = out_channels
        self.slope = slope

    def forward(
        self, x: Float[Tensor, "b c *space"], m: Float[Tensor, "b k *space"]
    ) -> tuple[Float[Tensor, "b d *space"], Float[Tensor, "b l *space"]]:
        """Weighed features and the updated mask."""
        convolved = self.mask(m)
        weighed = self.features(x) * self.attention(convolved)
        return F.leaky_relu(weighed, self.slope), updated(convolved)

    def attention(self, convolved: Float[Tensor, "b d *space"]) -> Float[Tensor, "b d *space"]:
        """Weight of a feature for the convolved mask."""
        away = -((convolved - self.mu) ** 2)
        rising = self.a * (self.left * away).exp()
        falling = 1 + (self.a - 1) * (self.right * away).exp()
        return torch.where(convolved < self.mu, rising, falling)


class MaskGuidedResidual(Inpainting):
    """Mask-guided residual convolution: the convolved mask weighs what is added to the features.

    `I' = phi(I + phi(I) sigmoid(M))` and `M' = ReLU(M)^0.8`, where I and M are the convolved
    features and the convolved mask, and phi is the leaky ReLU.

    Notes
    -----
    The paper says nothing of an activation behind the sum. Without one the layer is close to
    linear: positive features grow by 1.5 where negative ones do by 1.05. A network that had learned
    from 60 photographs for 12,000 steps had 26.43 dB without and 26.59 with it.

    References
    ----------
    Y. Zhou et al., "View Blind-spot as Inpainting: Self-Supervised Denoising with Mask Guided
    Residual Convolution" (eqs. 3, 4, 7 to 9).
    """

    def __init__(
        self, ndim: int, in_channels: int, out_channels: int, mask_channels: int, slope: float
    ) -> None:
        super().__init__()
        self.features = _image(ndim, in_channels, out_channels, _RESIDUAL_SLOPE)
        self.mask = _mask(ndim, mask_channels, out_channels)
        self.mask_channels = out_channels
        self.slope = slope

    def forward(
        self, x: Float[Tensor, "b c *space"], m: Float[Tensor, "b k *space"]
    ) -> tuple[Float[Tensor, "b d *space"], Float[Tensor, "b l *space"]]:
        """Features with their guided part, and the updated mask."""
        features, convolved = self.features(x), self.mask(m)
        guided = F.leaky_relu(features, self.slope) * convolved.sigmoid()
        return F.leaky_relu(features + guided, self.slope), updated(convolved)


CONVOLUTIONS: dict[str, type[Plain | Partial | Gated | LearnableAttention | MaskGuidedResidual]] = {
    "plain": Plain,
    "partial": Partial,
    "learnable-attention": LearnableAttention,
    "gated": Gated,
    "mgr": MaskGuidedResidual,
}


def updated(convolved: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
    """Mask for the next layer, `ReLU(M)^0.8`, and next to 0 in place of 0."""
    return convolved.clamp_min(_LEAST_MASK) ** _UPDATE


def _image(
    ndim: int, in_channels: int, out_channels: int, slope: float, *, bias: bool = True
) -> Convolution:
    return started(convolution(ndim, in_channels, out_channels, 3, padding=1, bias=bias), slope)


def _mask(ndim: int, in_channels: int, out_channels: int) -> Convolution:
    return convolution(ndim, in_channels, out_channels, 3, padding=1, bias=False)
