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

    Notes
    -----
    In volumes the checkerboard lies in the planes, and pixels are pushed together in their planes
    only: Z is mostly sampled more coarsely.

    The paper shows the network one of four halves of the image in each step; here each step has
    patches, of which the colour that is seen is pushed to the left and up. The authors stop when
    the result has not come closer to the noisy image for a hundred steps, and average the last
    results; here a budget ends the training and the weights are averaged. The network has no
    sigmoid at the end, because intensities are normalised by mean and standard deviation, and the
    loss is the squared error in place of the cross entropy of the authors' code.

    *Width 16* in place of 64, for images that take seconds on two cores. PSNR in dB of confocal
    images of FMD and of photographs (BSD68, noise of sigma 25), and seconds of one core, training
    and denoising together; `n2v` has 30.80 on fish after 300 steps:

    ============= ===== ====== ======= ======= =======
    width         fish  BPAE_B test001 test003 seconds
    ============= ===== ====== ======= ======= =======
    32, 300 steps 31.00 40.38          27.33   25
    16, 300 steps 30.67                        10
    16, 600 steps 31.02 40.25  24.17   27.63   19
    ============= ===== ====== ======= ======= =======

    *It may end after 40 views* of each pixel, twice as many as with other methods: with 20, mice of
    the confocal images ended after 830 of 2,000 steps, with 41.26 dB in place of 41.29.

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
    steps_per_s: ClassVar[float] = 55.0
    paper: ClassVar[Mapping[str, Any]] = {
        "width": 64,
        "patch": 512,
        "batch": 1,
        "learning_rate": 0.001,
        "optimizer": "adam",
        "turns": 1,
        "settles": 0,
    }

    turns: int = fields.turns(4)
    settles: int = fields.settles(40)
    width: int = fields.width(16)
    layers: int = param(8, label="Layers", help="Layers of the network.", limits=(2, 16), step=1)
    patch: int = fields.patch(64)
    batch: int = fields.batch(4)
    optimizer: str = fields.optimizer()
    learning_rate: float = fields.learning_rate(0.005)

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
            predictor=PlainPass(self.turns),
            recipe=Recipe.of(self),
            blind=Grid(4),
        )
