"""StructN2V: Noise2Void for noise that is correlated along a line or in a pattern."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from napari_blindspot.methods import fields
from napari_blindspot.methods.base import Method, Parts, Recipe, Spec
from napari_blindspot.params import param


@dataclass(frozen=True)
class StructN2V(Method):
    """Noise2Void that hides, with each pixel, all pixels whose noise depends on it.

    Notes
    -----
    *Patches are mirrored and not turned*, unless the pattern is the same along Y and X: in a
    turned patch the noise of a pixel is seen beside the pattern, and half of the training would
    teach to keep it. With noise that 3 pixels along X share, and a length of 5, a simulated scene
    of filaments came from 24.52 and 24.33 to 25.50 and 25.38 dB after 600 steps (two seeds), a
    photograph of BSD68 from 23.98 and 24.14 to 24.35 and 24.47, all without turned copies in the
    prediction. With noise that 3 to 7 pixels share (`benchmarks/shared_noise.py`), three scenes
    each, eight of nine gained 0.4 to 1.6 dB, turned copies included; one lost 0.25.

    References
    ----------
    C. Broaddus, A. Krull, M. Weigert, U. Schmidt and G. Myers, "Removing Structured Noise with
    Self-Supervised Blind-Spot Networks", ISBI 2020.
    """

    name: ClassVar[str] = "struct_n2v"
    title: ClassVar[str] = "StructN2V"
    reference: ClassVar[str] = "Broaddus et al., ISBI 2020"
    assumption: ClassVar[str] = "The noise of a pixel depends only on pixels inside the pattern."
    gain_floor_db: ClassVar[float] = 2.0
    steps_per_s: ClassVar[float] = 20.0

    pattern: str = param(
        "horizontal",
        label="Pattern",
        help=(
            "horizontal (along X), vertical (along Y), cross, axial (along Z), or rows of 0 and 1 "
            "with / between them, such as 00100/11111/00100."
        ),
    )
    length: int = param(
        9,
        label="Length",
        help="Length of the named patterns, odd.",
        limits=(3, 31),
        step=2,
        unit="px",
    )
    mask_fraction: float = fields.mask_fraction(0.01)
    neighbourhood: int = fields.neighbourhood(11)
    channel_masks: str = fields.channel_masks()
    turns: int = fields.turns(4)
    settles: int = fields.settles()
    width: int = fields.width(16)
    depth: int = fields.depth(2)
    patch: int = fields.patch(64)
    batch: int = fields.batch(8)
    optimizer: str = fields.optimizer()
    learning_rate: float = fields.learning_rate(0.005)

    def build(self, spec: Spec) -> Parts:
        """Stratified masking with a pattern, U-Net, squared error, plain pass."""
        from napari_blindspot.inference import PlainPass
        from napari_blindspot.losses import SquaredError
        from napari_blindspot.masking import Stratified, pattern_offsets
        from napari_blindspot.networks import UNet

        channels, apart = spec.channels, self.channel_masks == "apart"
        offsets = pattern_offsets(self.pattern, self.length, spec.ndim)
        upright = {(*z, x, y) for *z, y, x in offsets} != set(offsets)
        return Parts(
            masking=Stratified(
                self.mask_fraction, self.neighbourhood, pattern=offsets, apart=apart
            ),
            network=UNet(spec.ndim, channels, channels, width=self.width, depth=self.depth),
            loss=SquaredError(),
            predictor=PlainPass(self.turns, upright),
            recipe=Recipe.of(self, upright=upright),
        )
