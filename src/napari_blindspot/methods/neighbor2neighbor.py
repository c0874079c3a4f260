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

    Notes
    -----
    The paper learns from many images with a larger U-Net; the U-Net is that of `n2v` here, so that
    both can be compared. Volumes are thinned out in their planes only, Z is mostly sampled more
    coarsely.

    *Gamma 0.5* in place of 2. The regulariser asks for what the network makes of the whole patch,
    which is poor while it is learning, and takes longer than all the rest. PSNR in dB of confocal
    images of FMD and of a photograph (BSD68 test003, noise of sigma 25), and seconds of one core,
    training and denoising together; `n2v` has 30.80 on fish after 300 steps:

    ======================= ===== ====== ======= =======
    gamma, steps            fish  BPAE_B test003 seconds
    ======================= ===== ====== ======= =======
    0, 300 steps            30.53 40.18  26.83   17
    0.5, 300 steps          30.42 40.14          40
    1, 300 steps            30.23                42
    2, 300 steps            29.61 39.93  26.94   40
    0, 600 steps            30.98                33
    1, 600 steps            30.46                82
    ======================= ===== ====== ======= =======

    Only the photograph gains by it, and little: a larger gamma is for images with fine detail and
    little noise, and 0 leaves it out. With 0.5 and patches of 64 in place of 96 pixels, which are
    thinned out to 32, fish had 30.02.

    On small images the regulariser costs more, for it hands noise on: what the network makes of the
    whole patch holds a part of the noise of each pixel, which becomes a part of the target. The
    middle 192 x 192 pixels of fish and nuclei_10 have 27.37 and 27.92 with 0, 27.01 and 28.19 with
    0.5, 26.55 and 27.77 with 2 (a budget of 600 steps, which ended by itself after 386 to 459 with
    0 and 0.5).

    *It may end after 250 views* of each pixel. With 100 or 20 the same images had 27.01 and 27.97.

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
    steps_per_s: ClassVar[float] = 14.0
    paper: ClassVar[Mapping[str, Any]] = {
        "gamma": 2.0,
        "width": 48,
        "depth": 5,
        "patch": 256,
        "batch": 4,
        "learning_rate": 0.0003,
        "optimizer": "adam",
        "turns": 1,
        "settles": 0,
    }

    gamma: float = param(
        0.5,
        label="Gamma",
        help="Weight of the regulariser; more keeps more detail, and more noise.",
        limits=(0.0, 20.0),
        step=0.5,
    )
    turns: int = fields.turns(4)
    settles: int = fields.settles(250)
    width: int = fields.width(16)
    depth: int = fields.depth(2)
    patch: int = fields.patch(96)
    batch: int = fields.batch(8)
    optimizer: str = fields.optimizer()
    learning_rate: float = fields.learning_rate(0.005)

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
            predictor=PlainPass(self.turns),
            recipe=Recipe.of(self),
            blind=Grid(4),
        )
