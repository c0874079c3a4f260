"""Blind2Unblind."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from napari_blindspot.methods import fields
from napari_blindspot.methods.base import Method, Parts, Recipe, Spec
from napari_blindspot.params import param

if TYPE_CHECKING:
    from napari_blindspot.noise import NoiseLaw

_RAMP = (0.8, 0.85, 0.9, 0.95)
_FIRST = 2.0


@dataclass(frozen=True)
class Blind2Unblind(Method):
    """Blind2Unblind: hidden pixels of a grid, learned with the help of the visible prediction.

    References
    ----------
    Z. Wang, J. Liu, G. Li and H. Han, "Blind2Unblind: Self-Supervised Image Denoising with Visible
    Blind Spots", CVPR 2022.
    """

    name: ClassVar[str] = "blind2unblind"
    title: ClassVar[str] = "Blind2Unblind"
    reference: ClassVar[str] = "Wang et al., CVPR 2022"
    assumption: ClassVar[str] = "The noise of each pixel is independent of its neighbours."
    gain_floor_db: ClassVar[float] = 3.0
    steps_per_s: ClassVar[float] = 13.0
    paper: ClassVar[Mapping[str, Any]] = {
        "width": 48,
        "depth": 5,
        "patch": 128,
        "batch": 4,
        "learning_rate": 0.0003,
    }

    visible: float = param(
        20.0,
        label="Lambda",
        help="Weight of the visible prediction at the end of the training.",
        limits=(2.0, 100.0),
        step=1.0,
    )
    width: int = fields.width(16)
    depth: int = fields.depth(2)
    patch: int = fields.patch(64)
    batch: int = fields.batch(8)
    learning_rate: float = fields.learning_rate(0.001)

    def build(self, spec: Spec) -> Parts:
        """Grid masking, U-Net, re-visible loss, plain pass."""
        from napari_blindspot.inference import PlainPass
        from napari_blindspot.losses import RevisibleError
        from napari_blindspot.masking import Grid
        from napari_blindspot.networks import UNet

        channels = spec.channels
        return Parts(
            masking=Grid(4, planar=True),
            network=UNet(spec.ndim, channels, channels, width=self.width, depth=self.depth),
            loss=RevisibleError(_FIRST),
            predictor=PlainPass(),
            recipe=Recipe(self.learning_rate, self.patch, self.batch, noise_updates=_RAMP),
        )

    def renoised(self, parts: Parts, laws: tuple[NoiseLaw, ...]) -> Parts:
        """The next larger lambda; the noise law itself is not used."""
        from napari_blindspot.losses import RevisibleError

        del laws
        loss = parts.loss
        if not isinstance(loss, RevisibleError):
            raise TypeError(f"Blind2Unblind trains with the re-visible loss, not with {loss}.")
        larger = min(loss.visible + (self.visible - _FIRST) / len(_RAMP), self.visible)
        return dataclasses.replace(parts, loss=RevisibleError(larger, loss.blind))
