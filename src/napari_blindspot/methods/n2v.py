"""Noise2Void."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from napari_blindspot.methods import fields
from napari_blindspot.methods.base import Method, Parts, Recipe, Spec


@dataclass(frozen=True)
class N2V(Method):
    """Noise2Void: a U-Net predicts few hidden pixels from their surroundings.

    Notes
    -----
    Where the paper leaves a choice, PSNR in dB on confocal images of FMD after 30 s on two laptop
    cores, with AdamW, decided:

    *2 % of the pixels hidden.* With 0.2 % (and a width of 32) BPAE_B had 38.88 in place of 39.71.

    *Width 16.* With 32 fish, mice and BPAE_B had 30.90 / 40.74 / 39.71, with 16 they have
    31.09 / 40.73 / 40.12: more steps in the same time, and less to learn the noise with. Weight
    decay did not add to it: in a run of its own a decay of 4 led from 31.16 / 40.85 / 40.22 to
    31.14 / 40.72 / 39.92.

    *Muon with a learning rate of 0.005.* After 100 steps on `planaria_30` of the benchmarks, 12 x
    128 x 128 voxels, it had 35.11, with 0.002 34.75, with 0.01 34.40; AdamW 33.82 with 0.001 and
    33.22 with 0.004. On 192 x 192 pixels of a photograph (BSD68, test003, noise of 25) after 400
    steps 24.23, with 0.002 23.86, with 0.01 24.10; AdamW 23.48 with 0.001, 24.00 with 0.004.

    References
    ----------
    A. Krull, T.-O. Buchholz and F. Jug, "Noise2Void: Learning Denoising from Single Noisy
    Images", CVPR 2019.
    """

    name: ClassVar[str] = "n2v"
    title: ClassVar[str] = "Noise2Void"
    reference: ClassVar[str] = "Krull et al., CVPR 2019"
    assumption: ClassVar[str] = "The noise of each pixel is independent of its neighbours."
    gain_floor_db: ClassVar[float] = 3.0
    steps_per_s: ClassVar[float] = 19.0
    paper: ClassVar[Mapping[str, Any]] = {
        "mask_fraction": 0.0155,  # 64 of 64 x 64 pixels
        "width": 96,
        "batch": 128,
        "optimizer": "adam",
        "learning_rate": 4e-4,
        "turns": 1,
        "settles": 0,
    }

    mask_fraction: float = fields.mask_fraction(0.02)
    neighbourhood: int = fields.neighbourhood(5)
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
        """Stratified masking, U-Net, squared error, plain pass."""
        from napari_blindspot.inference import PlainPass
        from napari_blindspot.losses import SquaredError
        from napari_blindspot.masking import Stratified
        from napari_blindspot.networks import UNet

        channels, apart = spec.channels, self.channel_masks == "apart"
        return Parts(
            masking=Stratified(self.mask_fraction, self.neighbourhood, apart=apart),
            network=UNet(spec.ndim, channels, channels, width=self.width, depth=self.depth),
            loss=SquaredError(),
            predictor=PlainPass(self.turns),
            recipe=Recipe.of(self),
        )
