"""Neighbor2Neighbor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from napari_blindspot.methods import fields
from napari_blindspot.methods.base import Method, Parts, Recipe, Spec
from napari_blindspot.params import param


@dataclass(frozen=True)
class Neighbor2Neighbor(Method):
    """Neighbor2Neighbor: from one thinned-out image to another that shows its neighbours.

    References
    ----------
    T. Huang, S. Li, X. Jia, H. Lu and J. Liu, "Neighbor2Neighbor: Self-Supervised Denoising from
    Single Noisy Images", CVPR 2021.
    """

    name: ClassVar[str] = "neighbor2neighbor"
    title: ClassVar[str] = "Neighbor2Neighbor"
    reference: ClassVar[str] = "Huang et al., CVPR 2021"
    assumption: ClassVar[str] = (
        "The noise of each pixel is independent of its neighbours, and the image is smooth from "
        "one pixel to the next."
    )
    gain_floor_db: ClassVar[float] = 3.0
    steps_per_s: ClassVar[float] = 13.0
    paper: ClassVar[Mapping[str, Any]] = {
        "width": 48,
        "depth": 5,
        "patch": 256,
        "batch": 4,
        "learning_rate": 0.0003,
    }

    gamma: float = param(
        2.0,
        label="Gamma",
        help="Weight of the regulariser; more keeps more detail, and more noise.",
        limits=(0.0, 20.0),
        step=0.5,
    )
    width: int = fields.width(16)
    depth: int = fields.depth(2)
    patch: int = fields.patch(96)
    batch: int = fields.batch(8)
    learning_rate: float = fields.learning_rate(0.001)

    def build(self, spec: Spec) -> Parts:
        """Random neighbours, U-Net, regularised squared error, plain pass."""
        from napari_blindspot.inference import PlainPass
        from napari_blindspot.losses import NeighbourError
        from napari_blindspot.masking import Grid, RandomNeighbours
        from napari_blindspot.networks import Halvable, UNet

        channels = spec.channels
        network = UNet(spec.ndim, channels, channels, width=self.width, depth=self.depth)
        return Parts(
            masking=RandomNeighbours(),
            network=Halvable(network),
            loss=NeighbourError(self.gamma),
            predictor=PlainPass(),
            recipe=Recipe(self.learning_rate, self.patch, self.batch),
            blind=Grid(4),
        )
