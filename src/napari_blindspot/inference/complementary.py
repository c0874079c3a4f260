"""Every pixel from a pass in which it was hidden, then refined on a mixture of both images."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from napari_blindspot.chance import Chance
from napari_blindspot.halting import check
from napari_blindspot.inference.base import MeanOnly, Prediction
from napari_blindspot.inference.turned import Turn, turns

_DRAFT = 1
_REFINING = 1  # factor of the refinement, as in AP-BSN


@dataclass(frozen=True)
class Complementary(MeanOnly):
    """All pixels from passes in which they were hidden, and random-replacement refinement.

    Attributes
    ----------
    branches : int
        Passes that together hide every pixel once.
    factor : int
        Pixel shuffle of the prediction.
    deals : int
        Ways to deal the pixels out to passes, whose results are averaged.
    refinements : int
        Mixtures of denoised and noisy image that are denoised once more, without pixel shuffle,
        and averaged; 0 for none.
    replaced : float
        Part of the pixels of a mixture that are noisy.
    margin : int
        Reach of the refinement, beyond that of the first prediction.
    turns : int
        In how many ways, 1 to 8, the image is mirrored and turned from deal to deal and from
        mixture to mixture.

    Notes
    -----
    All random numbers belong to places in the image, and the network's divisor makes tiles begin
    at multiples of the factor, so that tiles have the masks and the phases of the whole.

    References
    ----------
    X. Liao et al., "Asymmetric Mask Scheme for Self-Supervised Real Image Denoising", ECCV 2024
    (eqs. 5 to 8).
    W. Lee, S. Son and K. M. Lee, "AP-BSN: Self-Supervised Denoising for Real-World Images via
    Asymmetric PD and Blind-Spot Network", CVPR 2022 (random-replacing refinement).
    """

    branches: int
    factor: int
    deals: int
    refinements: int
    replaced: float
    margin: int
    turns: int = 1

    def draft(self) -> Complementary:
        """This predictor with one deal and one mixture, for a preview."""
        refinements = min(self.refinements, _DRAFT)
        return dataclasses.replace(self, deals=_DRAFT, refinements=refinements)

    def predict(
        self,
        network: Callable[..., Tensor],
        noisy: Float[Tensor, "b c y x"],
        chance: Chance,
        *,
        with_std: bool = True,  # noqa: ARG002 - there is none
    ) -> Prediction:
        """Denoised batch."""
        every = turns(self.turns)
        passes = [
            self._denoised(network, noisy, chance, draw, every[draw % self.turns], self.factor)
            for draw in range(self.deals)
        ]
        mean = torch.stack(passes).mean(0)
        if not self.refinements:
            return Prediction(mean)
        total = torch.zeros_like(mean)
        for number in range(self.refinements):
            draw = self.deals + 2 * number
            chosen = chance.uniform(noisy.shape[2:], [draw], noisy.device) < self.replaced
            mixture = torch.where(chosen, noisy, mean)
            turn = every[number % self.turns]
            total += self._denoised(network, mixture, chance, draw + 1, turn, _REFINING)
        return Prediction(total / self.refinements)

    def _denoised(
        self,
        network: Callable[..., Tensor],
        image: Float[Tensor, "b c y x"],
        chance: Chance,
        draw: int,
        turn: Turn,
        factor: int,
    ) -> Float[Tensor, "b c y x"]:
        """Every pixel from the pass in which it was hidden, of a turned image."""
        denoised = torch.zeros_like(image)
        for hidden in self.deal(image, chance, draw):
            check()
            mask = hidden.to(image).expand_as(image)
            output = network(turn.apply(image * (1 - mask)), turn.apply(mask), factor)
            denoised += mask * turn.undo(output)
        return denoised

    def deal(
        self, image: Float[Tensor, "b c y x"], chance: Chance, draw: int
    ) -> Iterator[Bool[Tensor, "1 1 y x"]]:
        """What is hidden in each pass: every pixel once, in all channels alike."""
        number = self.branches * chance.uniform(image.shape[2:], [draw], image.device)
        for branch in range(self.branches):
            yield number.floor() == branch
