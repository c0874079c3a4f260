"""Squared error between the two colours of a checkerboard."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from napari_blindspot.losses.base import masked_mean
from napari_blindspot.pairs import TrainingPair


@dataclass(frozen=True)
class HalvesError:
    """The network must make the odd pixels of the even ones, both pushed together.

    Pushed to the left, the even pixels of a patch (those whose coordinates have an even sum) fill
    half of its columns; pushed up, half of its rows. Both count alike.

    References
    ----------
    J. Lequyer, R. Philip, A. Sharma, W.-H. Hsu and L. Pelletier, "A fast blind zero-shot
    denoiser", Nature Machine Intelligence 2022.
    """

    def __call__(self, network: Callable[..., Tensor], pair: TrainingPair) -> Float[Tensor, ""]:
        """Mean squared error of a network with as many output channels as the target."""
        turned = TrainingPair(*(x.mT for x in (pair.input, pair.target, pair.mask)))
        return (_error(network, pair) + _error(network, turned, upwards=True)) / 2


def _error(
    network: Callable[..., Tensor], pair: TrainingPair, *, upwards: bool = False
) -> Float[Tensor, ""]:
    """Of columns pushed to the left; `upwards`, the network is shown them as rows."""
    seen = pushed(pair.input, odd=False)
    predicted = network(seen.mT).mT if upwards else network(seen)
    terms = (predicted - pushed(pair.target, odd=True)) ** 2
    return masked_mean(terms, pushed(pair.mask, odd=True))


def pushed(x: Float[Tensor, "*lead y x"], *, odd: bool) -> Float[Tensor, "*lead y x2"]:
    """Even or odd pixels of each row, pushed to the left."""
    first, second = x[..., ::2, int(odd) :: 2], x[..., 1::2, 1 - int(odd) :: 2]
    return torch.stack([first, second], -2).flatten(-3, -2)
