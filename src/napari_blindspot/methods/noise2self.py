"""Noise2Self."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from napari_blindspot.methods import fields
from napari_blindspot.methods.base import Method, Parts, Recipe, Spec
from napari_blindspot.params import param


@dataclass(frozen=True)
class Noise2Self(Method):
    """Noise2Self: a U-Net predicts the hidden pixels of a grid, in training and at the end.

    References
    ----------
    J. Batson and L. Royer, "Noise2Self: Blind Denoising by Self-Supervision", ICML 2019.
    """

    name: ClassVar[str] = "noise2self"
    title: ClassVar[str] = "Noise2Self"
    reference: ClassVar[str] = "Batson & Royer, ICML 2019"
    assumption: ClassVar[str] = "The noise of each pixel is independent of its neighbours."
    gain_floor_db: ClassVar[float] = 3.0
    steps_per_s: ClassVar[float] = 13.0
    paper: ClassVar[Mapping[str, Any]] = {"patch": 512, "batch": 1, "learning_rate": 0.01}

    spacing: int = param(
        4,
        label="Spacing",
        help="Distance of the pixels that are hidden together; its square is the number of passes.",
        limits=(2, 8),
        step=1,
        unit="px",
    )
    width: int = fields.width(16)
    depth: int = fields.depth(2)
    patch: int = fields.patch(64)
    batch: int = fields.batch(8)
    learning_rate: float = fields.learning_rate(0.001)

    def build(self, spec: Spec) -> Parts:
        """Grid masking, U-Net, squared error, average over the phases."""
        from napari_blindspot.inference import GridPhases
        from napari_blindspot.losses import SquaredError
        from napari_blindspot.masking import Grid
        from napari_blindspot.networks import UNet

        channels = spec.channels
        return Parts(
            masking=Grid(self.spacing, planar=True),
            network=UNet(spec.ndim, channels, channels, width=self.width, depth=self.depth),
            loss=SquaredError(),
            predictor=GridPhases(self.spacing),
            recipe=Recipe(self.learning_rate, self.patch, self.batch),
        )
