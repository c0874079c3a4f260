"""Self2Self+."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from napari_blindspot.methods import fields
from napari_blindspot.methods.base import Method, Parts, Recipe, Spec

if TYPE_CHECKING:
    from napari_blindspot.losses.absolute import Score


@dataclass(frozen=True)
class Self2SelfPlus(Method):
    """Self2Self+: gated convolutions that are shown the mask, and absolute error.

    Notes
    -----
    Sizes, rates, copies and the blur to begin from are those of `self2self`, where they were chosen
    by experiment.

    *The absolute error gains nothing in short trainings.* After 250 steps on 256 x 256 pixels of
    two photographs of BSD68 with noise of 50 it had 24.62 and 22.73 dB, and the same network with
    the squared error (`mgrconv` with gated convolutions) 24.78 and 23.13; without a blur to begin
    from 23.78 and 23.84 (the first one). Where few photons are counted it has a price, perhaps
    because its minimum is the median, which lies below the mean: fish (confocal, FMD) had 30.45
    after 400 steps without the blur, and 31.34 with the squared error.

    The quality score is off unless `with_score` gives one.

    References
    ----------
    J. Ko and S. Lee, "Self2Self+: Single-Image Denoising with Self-Supervised Learning and Image
    Quality Assessment Loss", 2023.
    """

    name: ClassVar[str] = "self2self_plus"
    title: ClassVar[str] = "Self2Self+"
    reference: ClassVar[str] = "Ko and Lee, 2023"
    assumption: ClassVar[str] = (
        "The noise of each pixel is independent of its neighbours, and its median is its mean."
    )
    gain_floor_db: ClassVar[float] = 6.0
    steps_per_s: ClassVar[float] = 26.0
    paper: ClassVar[Mapping[str, Any]] = {
        "mask_rate": 0.4,
        "dropout": 0.4,
        "width": 48,
        "depth": 5,
        "patch": 512,
        "batch": 1,
        "learning_rate": 4e-4,
        "optimizer": "adam",
        "turns": 1,
        "copies": 500,
        "start_blur": 0.0,
    }
    paper_budget: ClassVar[str] = "4000steps"

    mask_rate: float = fields.mask_rate(0.3)
    channel_masks: str = fields.channel_masks()
    dropout: float = fields.dropout(0.1)
    start_blur: float = fields.start_blur(1.0)
    copies: int = fields.copies(8)
    turns: int = fields.turned_copies()
    width: int = fields.width(16)
    depth: int = fields.depth(3)
    patch: int = fields.patch(32)
    batch: int = fields.batch(16)
    optimizer: str = fields.optimizer()
    learning_rate: float = fields.learning_rate(0.008)

    def build(self, spec: Spec) -> Parts:
        """Bernoulli masking, gated convolutions, absolute error, mean over masked copies."""
        from napari_blindspot.inference import Instances
        from napari_blindspot.losses import AbsoluteError
        from napari_blindspot.masking import Bernoulli
        from napari_blindspot.networks import MaskedUNet

        apart = self.channel_masks == "apart"
        network = MaskedUNet(
            spec.ndim,
            spec.channels,
            spec.channels,
            width=self.width,
            depth=self.depth,
            kind="gated",
            dropout=self.dropout,
            shows_mask=True,
            apart=apart,
            start_blur=self.start_blur,
        )
        return Parts(
            masking=Bernoulli(self.mask_rate, apart),
            network=network,
            loss=AbsoluteError(),
            predictor=Instances(self.mask_rate, self.copies, apart, self.turns),
            recipe=Recipe.of(self),
        )


def with_score(parts: Parts, score: Score, weight: float = 2e-8) -> Parts:
    """Parts that also learn from a figure for the quality of a denoised picture.

    Parameters
    ----------
    parts : Parts
        Of `Self2SelfPlus`.
    score : callable
        Differentiable figure `(B, C, *space) -> ()` of a batch in normalised units, the lower the
        better: for an opinion score s from 0 to 100, the mean of `(100 - s) ** 2`.
    weight : float
        Its factor beside the absolute error; that of the paper by default.
    """
    from napari_blindspot.losses import AbsoluteError

    return dataclasses.replace(parts, loss=AbsoluteError(score, weight))
