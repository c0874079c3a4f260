"""Noise2Fast."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from napari_blindspot.methods import fields
from napari_blindspot.methods.base import Method, Parts, Recipe, Spec
from napari_blindspot.params import param


@dataclass(frozen=True)
class Noise2Fast(Method):
    """Noise2Fast: one colour of a checkerboard predicts the other.

    References
    ----------
    J. Lequyer, R. Philip, A. Sharma, W.-H. Hsu and L. Pelletier, "A fast blind zero-shot
    denoiser", Nature Machine Intelligence 2022.
    """

    name: ClassVar[str] = "noise2fast"
    title: ClassVar[str] = "Noise2Fast"
    reference: ClassVar[str] = "Lequyer et al., Nature Machine Intelligence 2022"
    assumption: ClassVar[str] = (
        "The noise of each pixel is independent of its neighbours, and the image is smooth from "
        "one pixel to the next."
    )
    gain_floor_db: ClassVar[float] = 3.0
    steps_per_s: ClassVar[float] = 13.0
    paper: ClassVar[Mapping[str, Any]] = {"width": 64, "patch": 512, "batch": 1}

    width: int = fields.width(32)
    layers: int = param(8, label="Layers", help="Layers of the network.", limits=(2, 16), step=1)
    patch: int = fields.patch(64)
    batch: int = fields.batch(4)
    learning_rate: float = fields.learning_rate(0.001)

    def build(self, spec: Spec) -> Parts:
        """Checkerboard, stack of convolutions, squared error of the halves, plain pass."""
        from napari_blindspot.inference import PlainPass
        from napari_blindspot.losses import HalvesError
        from napari_blindspot.masking import Checkerboard, Grid
        from napari_blindspot.networks import Stack

        return Parts(
            masking=Checkerboard(),
            network=Stack(spec.ndim, spec.channels, width=self.width, layers=self.layers),
            loss=HalvesError(),
            predictor=PlainPass(),
            recipe=Recipe(self.learning_rate, self.patch, self.batch),
            blind=Grid(4),
        )
