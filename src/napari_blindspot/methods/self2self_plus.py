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
    Sizes, rates and copies are those of `self2self`, where they were chosen by experiment.

    *The absolute error has its price here*, perhaps because its minimum is the median, which lies
    below the mean where few photons are counted. Fish (confocal, FMD) had 30.45 dB after 400 steps,
    and 31.34 with the same network and the squared error (`mgrconv` with gated convolutions).
    BPAE_B had 39.26, and 40.39 with the squared error and partial convolutions (`self2self`).

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
    steps_per_s: ClassVar[float] = 21.0
    paper: ClassVar[Mapping[str, Any]] = {
        "mask_rate": 0.4,
        "dropout": 0.4,
        "width": 48,
        "depth": 5,
        "patch": 512,
        "batch": 1,
        "learning_rate": 4e-4,
        "copies": 500,
    }

    mask_rate: float = fields.mask_rate(0.3)
    dropout: float = fields.dropout(0.1)
    copies: int = fields.copies(8)
    width: int = fields.width(16)
    depth: int = fields.depth(3)
    patch: int = fields.patch(32)
    batch: int = fields.batch(16)
    learning_rate: float = fields.learning_rate(0.004)

    def build(self, spec: Spec) -> Parts:
        """Bernoulli masking, gated convolutions, absolute error, mean over masked copies."""
        from napari_blindspot.inference import Instances
        from napari_blindspot.losses import AbsoluteError
        from napari_blindspot.masking import Bernoulli
        from napari_blindspot.networks import MaskedUNet

        network = MaskedUNet(
            spec.ndim,
            spec.channels,
            spec.channels,
            width=self.width,
            depth=self.depth,
            kind="gated",
            dropout=self.dropout,
            shows_mask=True,
        )
        return Parts(
            masking=Bernoulli(self.mask_rate),
            network=network,
            loss=AbsoluteError(),
            predictor=Instances(self.mask_rate, self.copies),
            recipe=Recipe(self.learning_rate, self.patch, self.batch),
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
