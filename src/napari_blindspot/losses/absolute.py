"""Absolute error on the masked pixels, and a score of the picture beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from napari_blindspot.losses.base import masked_mean
from napari_blindspot.pairs import TrainingPair

Score = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class AbsoluteError:
    """Mean absolute error; its minimum is the conditional median of the noisy value.

    Attributes
    ----------
    score : callable or None
        Differentiable figure `(B, C, *space) -> ()` of a denoised batch in normalised units, the
        lower the better; added to the error.
    weight : float
        Its factor.

    References
    ----------
    J. Ko and S. Lee, "Self2Self+: Single-Image Denoising with Self-Supervised Learning and Image
    Quality Assessment Loss", 2023 (eqs. 4, 6 and 7).
    """

    score: Score | None = None
    weight: float = 2e-8

    def __call__(self, network: Callable[..., Tensor], pair: TrainingPair) -> Float[Tensor, ""]:
        """Loss of a network with as many output channels as the target."""
        prediction = network(pair.input, pair.unseen)
        error = masked_mean((prediction - pair.target).abs(), pair.mask)
        if self.score is None:
            return error
        return error + self.weight * self.score(prediction)
