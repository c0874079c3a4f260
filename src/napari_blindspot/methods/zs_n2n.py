"""Zero-Shot Noise2Noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from napari_blindspot.methods import fields
from napari_blindspot.methods.base import Method, Parts, Recipe, Spec
from napari_blindspot.params import param


@dataclass(frozen=True)
class ZSN2N(Method):
    """Zero-Shot Noise2Noise: a very small network, two thinned-out copies of one image.

    Notes
    -----
    Volumes are thinned out in their planes only, Z is mostly sampled more coarsely.

    The paper trains with the whole image in each step. PSNR in dB of confocal images of FMD and of
    photographs (BSD68, noise of sigma 25), and seconds of one core, training and denoising of the
    whole image together:

    ========================= ===== ====== ======= ======= =======
    training                  fish  BPAE_B test001 test003 seconds
    ========================= ===== ====== ======= ======= =======
    300 steps, 4 of 128 x 128 29.37                        62
    same, learning rate 0.004 29.42                        60
    300 steps, 4 of 64 x 64   29.35 38.75          26.14   15
    600 steps, 4 of 64 x 64   29.42        24.84           30
    ========================= ===== ====== ======= ======= =======

    So small patches lose nothing, and 300 steps are nearly enough. The network sees 5 x 5 pixels;
    `n2v`, which sees more, has 30.80 on fish after 300 steps. Papers give 28.33 dB as the mean of
    all 68 photographs.

    References
    ----------
    Y. Mansour and R. Heckel, "Zero-Shot Noise2Noise: Efficient Image Denoising without any Data",
    CVPR 2023.
    """

    name: ClassVar[str] = "zs_n2n"
    title: ClassVar[str] = "Zero-Shot Noise2Noise"
    reference: ClassVar[str] = "Mansour & Heckel, CVPR 2023"
    assumption: ClassVar[str] = (
        "The noise of each pixel is independent of its neighbours, and the image is smooth from "
        "one pixel to the next."
    )
    gain_floor_db: ClassVar[float] = 3.0
    steps_per_s: ClassVar[float] = 42.0
    paper: ClassVar[Mapping[str, Any]] = {
        "patch": 512,
        "batch": 1,
        "learning_rate": 0.001,
        "optimizer": "adam",
        "turns": 1,
    }
    paper_budget: ClassVar[str] = "2000steps"

    consistency: float = param(
        1.0,
        label="Consistency",
        help="Weight of the agreement between what is made of the image and of its thinned copies.",
        limits=(0.0, 10.0),
        step=0.1,
    )
    turns: int = fields.turns(4)
    width: int = fields.width(48)
    patch: int = fields.patch(64)
    batch: int = fields.batch(4)
    optimizer: str = fields.optimizer()
    learning_rate: float = fields.learning_rate(0.01)

    def build(self, spec: Spec) -> Parts:
        """Neighbours exchanged, three layers, symmetric and consistency loss, plain pass."""
        from napari_blindspot.inference import PlainPass
        from napari_blindspot.losses import DiagonalPair
        from napari_blindspot.masking import Exchanged, Grid
        from napari_blindspot.networks import Stack

        network = Stack(
            spec.ndim, spec.channels, width=self.width, layers=2, slope=0.2, residual=True
        )
        return Parts(
            masking=Exchanged(),
            network=network,
            loss=DiagonalPair(self.consistency),
            predictor=PlainPass(self.turns),
            recipe=Recipe.of(self),
            blind=Grid(4),
        )
