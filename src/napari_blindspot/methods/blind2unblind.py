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

    Notes
    -----
    *One phase of the grid in each step*, drawn at random. The paper hides all 16 one after another
    and adds up their losses at the hidden pixels, which is what the steps do in the mean, at a
    sixteenth of the work for each. In volumes the grid lies in the planes, shifted from one to the
    next.

    *Lambda* is 2 at first, and from 80 % of the training on grows to its end in four stairs; the
    authors' code has a ramp there. The stairs are the places where the noise law is fitted, though
    the method does not use it. On fish (FMD confocal, 300 steps) 20 gave 31.11 dB and 2 throughout
    31.17.

    *The visible prediction alone is the result*, in one pass. In dB after 300 steps, fish and two
    photographs (BSD68, noise of sigma 25):

    ===================== ===== ======= =======
    prediction            fish  test001 test003
    ===================== ===== ======= =======
    blind                 30.69 22.59   24.84
    (blind + 2 seen) / 3  31.07 23.59   25.74
    seen                  31.11 24.01   26.06
    ===================== ===== ======= =======

    Papers give 28.79 dB as the mean of all 68 photographs, by a network trained on other images.

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
        "optimizer": "adam",
        "turns": 1,
        "settles": 0,
    }

    visible: float = param(
        20.0,
        label="Lambda",
        help="Weight of the visible prediction at the end of the training.",
        limits=(2.0, 100.0),
        step=1.0,
    )
    turns: int = fields.turns(4)
    settles: int = fields.settles()
    width: int = fields.width(16)
    depth: int = fields.depth(2)
    patch: int = fields.patch(64)
    batch: int = fields.batch(8)
    optimizer: str = fields.optimizer()
    learning_rate: float = fields.learning_rate(0.005)

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
            predictor=PlainPass(self.turns),
            recipe=Recipe.of(self, noise_updates=_RAMP),
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
