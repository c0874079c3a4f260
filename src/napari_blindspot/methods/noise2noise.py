"""Noise2Noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from napari_blindspot.methods import fields
from napari_blindspot.methods.base import Method, Parts, Recipe, Spec
from napari_blindspot.params import param


@dataclass(frozen=True)
class Noise2Noise(Method):
    """Noise2Noise: repeated frames of the same thing teach each other.

    Notes
    -----
    The paper learns from many images, each with a noise of its own; here one sample is all there
    is. In each step two frames are drawn for each patch, and each is the target of the other. The
    U-Net is that of `n2v`, so that both can be compared. PSNR in dB of single frames, and of means
    over frames, after 780 steps (a minute on two laptop cores); single runs:

    =================== ============= ============= ========= =============
    frames              noisy         n2v           n2v of    noise2noise
                        one / mean    one / mean    the mean  one / mean
    =================== ============= ============= ========= =============
    zebrafish, 2        22.83 / 25.91 31.71 / 32.89 32.93     32.68 / 33.71
    photon splits, 2    20.97 / 23.64 30.94 / 31.90 32.20     31.50 / 32.32
    hazelnut scans, 2   28.76 / 30.75 32.86 / 33.27 33.31     33.06 / 33.51
    photon splits, 8    20.96 / 28.98 30.76 / 32.57 33.55     31.21 / 32.77
    same, halves                                              33.67
    =================== ============= ============= ========= =============

    The zebrafish is from FMD. Of the hazelnut, the mean of all frames that were not shown (38, 3
    and 32) is the truth, which has noise of its own, and the PSNR is affine.

    *Halves* for many frames: what is averaged first has more detail to learn from, and the halves
    are dealt out anew for each patch. With two frames halves and average are the same. Where noise
    is independent between pixels, `n2v` of the mean comes close.

    *Correlated noise* may be as it likes within a frame. With Gaussian noise of sigma 20, blurred
    to a correlation of 0.58 between neighbours, on a quarter of the zebrafish (22.11), one of two
    frames had 28.97 after 400 steps, 22.82 with `n2v` and 28.08 with `amsnet`.

    *Width 16, depth 2, batch 4*: zebrafish and photon splits (2 frames), one frame, and seconds of
    one core. More features learn the noise sooner, and a network that adds to its input is worse:

    ============================ ===== ===== =======
    network                      zebra split seconds
    ============================ ===== ===== =======
    400 steps                    32.31 31.01 31
    same, depth 3                32.32 30.93 42
    same, output added to input  32.13 30.59 31
    200 steps of width 32        32.25 30.44 52
    300 steps of batch 8         32.35       61
    ============================ ===== ===== =======

    *Frames that bleach* are scaled one by one for the training, and all alike in the prediction.
    With the second of two frames drawn from 1, 0.9 and 0.7 times the light, the mean of each
    denoised frame differed by 0.2 % at most from that of the noisy one, and the first frame had
    28.89, 28.93 and 28.83 dB.

    The noise law that is told after the training is that of the difference between a frame and
    what the network makes of another one. The settings in `paper` are those of the authors' code,
    in whose U-Net features are not doubled from level to level.

    References
    ----------
    J. Lehtinen, J. Munkberg, J. Hasselgren, S. Laine, T. Karras, M. Aittala and T. Aila,
    "Noise2Noise: Learning Image Restoration without Clean Data", ICML 2018.
    """

    name: ClassVar[str] = "noise2noise"
    title: ClassVar[str] = "Noise2Noise"
    reference: ClassVar[str] = "Lehtinen et al., ICML 2018"
    assumption: ClassVar[str] = (
        "Frames along T, or along the axis named under repeats, show the same thing, and the "
        "noise of one is independent of that of the others."
    )
    gain_floor_db: ClassVar[float] = 3.0
    steps_per_s: ClassVar[float] = 21.0
    paper: ClassVar[Mapping[str, Any]] = {
        "width": 48,
        "depth": 5,
        "patch": 256,
        "learning_rate": 0.0003,
        "optimizer": "adam",
        "turns": 1,
        "settles": 0,
    }

    repeats: str = param(
        "T",
        label="Repeats along",
        help="Axis along which the same thing is shown again, 2 to 64 times.",
        choices=("T", "Z"),
    )
    result: str = param(
        "frames",
        label="Result",
        help="Every frame denoised by itself; or in the place of every frame the average of all "
        "denoised frames; or the average of the denoised means of odd and of even frames.",
        choices=("frames", "average", "halves"),
    )
    turns: int = fields.turns(4)
    settles: int = fields.settles()
    width: int = fields.width(16)
    depth: int = fields.depth(2)
    patch: int = fields.patch(64)
    batch: int = fields.batch(4)
    optimizer: str = fields.optimizer()
    learning_rate: float = fields.learning_rate(0.005)

    @property
    def needs_repeats(self) -> bool:
        """Whether the result is one image of all frames."""
        return self.result != "frames"

    def build(self, spec: Spec) -> Parts:
        """Pairs of frames, U-Net, squared error, plain pass or the mean over all frames."""
        from napari_blindspot.inference import PlainPass
        from napari_blindspot.inference.repeats import RepeatsPass
        from napari_blindspot.losses import SquaredError
        from napari_blindspot.masking.repeats import Repeats
        from napari_blindspot.networks import UNet

        channels, halves = spec.channels, self.result == "halves"
        mean = RepeatsPass(channels, halves, self.turns)
        return Parts(
            masking=Repeats(channels, halves),
            network=UNet(spec.ndim, channels, channels, width=self.width, depth=self.depth),
            loss=SquaredError(),
            predictor=mean if self.needs_repeats else PlainPass(self.turns),
            recipe=Recipe.of(self),
        )
