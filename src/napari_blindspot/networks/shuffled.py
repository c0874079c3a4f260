"""A network that sees an image as several smaller ones, made of every f-th pixel."""

from __future__ import annotations

import math

import torch.nn.functional as F  # noqa: N812 - the usual name
from jaxtyping import Float
from torch import Tensor

from napari_blindspot.networks.base import Network


class Shuffled(Network):
    """Network for correlated noise: it is shown every f-th pixel along Y and X at a time.

    Pixels that are neighbours in such a sub-image are `f` pixels apart, where noise with a short
    correlation is independent.

    Parameters
    ----------
    network : Network
        2D network that is shown the sub-images.
    factor : int
        f where nothing else is asked for, as in training.
    prediction : int
        f of the prediction. `halo` is the reach with this one; with another factor the reach is
        larger or smaller in proportion. Both factors fit into `divisor`.

    References
    ----------
    Y. Zhou et al., "When AWGN-based Denoiser Meets Real Noises", AAAI 2020 (the sub-images).
    W. Lee, S. Son and K. M. Lee, "AP-BSN", CVPR 2022 (two factors).
    """

    def __init__(self, network: Network, factor: int, prediction: int) -> None:
        whole = math.lcm(factor, prediction)
        super().__init__(
            divisor=tuple(whole * d for d in network.divisor),
            halo=tuple(prediction * h for h in network.halo),
            is_blind=network.is_blind,
        )
        self.network = network
        self.factor = factor

    def forward(
        self,
        x: Float[Tensor, "b c y x"],
        mask: Float[Tensor, "b c y x"] | None = None,
        factor: int | None = None,
    ) -> Float[Tensor, "b k y x"]:
        """Output for whole images; `factor` in place of that of the training."""
        f = factor or self.factor
        shown = None if mask is None else pixel_down(mask, f)
        return pixel_up(self.network(pixel_down(x, f), shown), f)


def pixel_down(x: Float[Tensor, "b c y x"], factor: int) -> Float[Tensor, "n c v u"]:
    """Sub-images `(B f f, C, Y / f, X / f)` of every f-th pixel, those of one image in a row."""
    if factor == 1:
        return x
    batch, channels, rows, columns = x.shape
    phases = F.pixel_unshuffle(x, factor).reshape(
        batch, channels, factor**2, rows // factor, columns // factor
    )
    return phases.transpose(1, 2).flatten(0, 1)


def pixel_up(x: Float[Tensor, "n c v u"], factor: int) -> Float[Tensor, "b c y x"]:
    """The inverse of `pixel_down`."""
    if factor == 1:
        return x
    phases = x.reshape(-1, factor**2, *x.shape[1:]).transpose(1, 2).flatten(1, 2)
    return F.pixel_shuffle(phases, factor)
