"""A small, fast U-Net that works in variance-stabilised coordinates."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from napari_blindspot.filters import gaussian
from napari_blindspot.networks.folded import FOLD, FoldedUNet, fold, unfold
from napari_blindspot.noise import NoiseLaw

_HINT_SIGMA = 0.9


class StabilisedUNet(FoldedUNet):
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
        folded = len(laws) * FOLD**2
        sigmas = (_HINT_SIGMA, base_sigma)
        super().__init__(ndim, 2 * folded, folded, width=width, depth=depth, sigmas=sigmas)
        self.base_sigma = base_sigma
        columns = (-1, *(1,) * ndim)
        for name in ("gain", "offset", "floor"):
            values = torch.tensor([getattr(law, name) for law in laws])
            self.register_buffer(name, values.reshape(columns))

    def forward(
        self,
        x: Float[Tensor, "b c *space"],
        mask: Float[Tensor, "b c *space"] | None = None,  # noqa: ARG002 - part of the contract
    ) -> Float[Tensor, "b c *space"]:
        """Denoised batch; `mask` is not used."""
        base = gaussian(x, self.base_sigma)
        level = (self.gain * base + self.offset).maximum(self.floor).sqrt()
        seen = torch.cat([self._stabilise(x), self._stabilise(gaussian(x, _HINT_SIGMA))], 1)
        return base + level * unfold(self._unet(fold(seen)))

    def _stabilise(self, x: Tensor) -> Tensor:
        """Generalised Anscombe root, 0 at 0 and of slope 1 there; for no gain the identity."""
        at_zero = self.offset + 0.375 * self.gain**2
        least = 0.05 * self.gain**2 + 1e-3 * self.floor
        root = (self.gain * x + at_zero).maximum(least)
        root_at_zero = at_zero.maximum(least)
        lowest = torch.where(self.gain > 0, (least - at_zero) / self.gain.clamp_min(1e-12), -1e12)
        return 2 * root_at_zero.sqrt() * x.maximum(lowest) / (root.sqrt() + root_at_zero.sqrt())
