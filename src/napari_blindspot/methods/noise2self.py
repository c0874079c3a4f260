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

    Notes
    -----
    The paper's networks are larger; the U-Net is that of `n2v` here, so that both can be compared.
    In volumes the grid lies in the planes and is shifted by half its spacing from one to the next:
    as few passes as in 2D, and what lies above and below a hidden pixel is seen.

    *Every pixel is predicted without its own value*, as published, though its value helps: after
    300 steps fish (FMD confocal) has 30.74 dB, and 31.18 with a single pass in which the network
    sees all pixels; two photographs (BSD68 test001 and test003, noise of sigma 25) have 22.57 and
    24.97, and 23.97 and 26.26. The single pass is a choice of the authors' code, too, and here
    `single_pass`; it is 16 times as quick. Papers give 27.19 dB as the mean of all 68 photographs.

    References
    ----------
    J. Batson and L. Royer, "Noise2Self: Blind Denoising by Self-Supervision", ICML 2019.
    """

    name: ClassVar[str] = "noise2self"
    title: ClassVar[str] = "Noise2Self"
    reference: ClassVar[str] = "Batson & Royer, ICML 2019"
    assumption: ClassVar[str] = "The noise of each pixel is independent of its neighbours."
    gain_floor_db: ClassVar[float] = 3.0
    steps_per_s: ClassVar[float] = 21.0
    paper: ClassVar[Mapping[str, Any]] = {
        "patch": 512,
        "batch": 1,
        "learning_rate": 0.01,
        "optimizer": "adam",
        "turns": 1,
        "settles": 0,
    }

    spacing: int = param(
        4,
        label="Spacing",
        help="Distance of the pixels that are hidden together; its square is the number of passes.",
        limits=(2, 8),
        step=1,
        unit="px",
    )
    single_pass: bool = param(
        False,
        label="Single pass",
        help="Show the network the whole image at the end, in place of one copy for each phase.",
    )
    turns: int = fields.turns(2)
    settles: int = fields.settles()
    width: int = fields.width(16)
    depth: int = fields.depth(2)
    patch: int = fields.patch(64)
    batch: int = fields.batch(8)
    optimizer: str = fields.optimizer()
    learning_rate: float = fields.learning_rate(0.005)

    def build(self, spec: Spec) -> Parts:
        """Grid masking, U-Net, squared error, average over the phases."""
        from napari_blindspot.inference import GridPhases, PlainPass
        from napari_blindspot.losses import SquaredError
        from napari_blindspot.masking import Grid
        from napari_blindspot.networks import UNet

        channels, phases = spec.channels, GridPhases(self.spacing, self.turns)
        return Parts(
            masking=Grid(self.spacing, planar=True),
            network=UNet(spec.ndim, channels, channels, width=self.width, depth=self.depth),
            loss=SquaredError(),
            predictor=PlainPass(self.turns) if self.single_pass else phases,
            recipe=Recipe.of(self),
        )
