"""Self2Self."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from napari_blindspot.methods import fields
from napari_blindspot.methods.base import Method, Parts, Recipe, Spec


@dataclass(frozen=True)
class Self2Self(Method):
    """Self2Self: a network fills in pixels that are hidden at random, again and again.

    Notes
    -----
    The estimator is that of the paper: Bernoulli pairs, partial convolutions, dropout, the mean
    over masked copies. What makes it quick are many small patches per step, each with a mask of its
    own, averages of the weights, and a blur to begin from. PSNR in dB decided the sizes; each
    figure is of one run. The images are fish, BPAE_B and mice (confocal, FMD) and one photograph
    of BSD68 (test002) with noise of 25 and 50.

    *It begins from a blur of the visible pixels*, to which the network adds. 150 steps (10 s of one
    processor core) on 256 x 256 pixels, by the standard deviation of the blur, 0 for none:

    =============== ===== ===== ===== ===== =====
    image           0     0.7   1     1.5   2
    =============== ===== ===== ===== ===== =====
    fish            31.40 30.84 31.93 31.92 31.88
    BPAE_B          41.97 41.68 42.65 42.42 41.93
    mice            –     40.61 41.83 41.77 41.73
    test002, 25     –     27.04 26.43 –     –
    test002, 50     –     23.90 24.59 –     –
    same, 200 steps 23.84 –     24.61 24.35 –
    =============== ===== ===== ===== ===== =====

    After 600 steps fish had 31.86 without and 31.98 with the blur of 1, BPAE_B 42.34 and 42.89. A
    narrow blur keeps more of the noise of a visible pixel, whose error is in no loss: it suits
    little noise on much detail. A blur without the pixel itself is worse: fish 31.39, BPAE_B 42.27.

    The figures below are of whole images after 400 steps without a blur, where not said otherwise;
    `n2v` had 31.38 on fish after 154 of its steps (18 s) and 40.17 on BPAE_B after 232 (28 s).

    *Less dropout, more copies.* Fish, by the number of copies; one copy costs half a second of a
    core for 512 x 512 pixels, and 8 are a compromise.

    ======= ===== ===== ===== ===== =====
    dropout 2     4     8     16    32
    ======= ===== ===== ===== ===== =====
    0.1     31.06 31.35 31.45 31.51 31.55
    0.3     30.81 31.17 31.31 31.41 31.48
    ======= ===== ===== ===== ===== =====

    Without any it had 31.50 with 8 (patches of 64 pixels), with 0.1 there 31.41; some is kept, for
    it is what the paper is about. With the blur, 256 x 256 pixels of test002 (25) and BPAE_B had
    26.82 and 42.89 with 0.1, and 26.55 and 42.72 with 0.3. A pass that sees all pixels and drops
    nothing, in place of the copies, has 30.35 with 0.1 and 31.24 with 0.3.

    *Muon with a learning rate of 0.008*: 192 x 192 pixels of test003 (25) had 25.29 after 400 steps
    with it and with 0.004, 25.28 with 0.02. All other figures here are of AdamW with 0.004, with
    which test003 had 25.21, and test002 (25) and BPAE_B 26.82 and 42.89, with the blur;
    with 0.002 these had 26.67 and 42.81.

    *Width 16, depth 3, patches of 32 pixels.* Fish for the same work, patches of 64 pixels: width 8
    31.30, 16 31.41, 24 31.29; depth 2 31.34. Sixteen patches of 32 pixels in place of four of 64:
    31.47, BPAE_B 40.39 in place of 40.30.

    Steps and learning rate in `paper` are those of the authors' code.

    References
    ----------
    Y. Quan, M. Chen, T. Pang and H. Ji, "Self2Self With Dropout: Learning Self-Supervised
    Denoising From Single Image", CVPR 2020.
    """

    name: ClassVar[str] = "self2self"
    title: ClassVar[str] = "Self2Self"
    reference: ClassVar[str] = "Quan et al., CVPR 2020"
    assumption: ClassVar[str] = "The noise of each pixel is independent of its neighbours."
    gain_floor_db: ClassVar[float] = 6.0
    steps_per_s: ClassVar[float] = 28.0
    paper: ClassVar[Mapping[str, Any]] = {
        "dropout": 0.3,
        "width": 48,
        "depth": 5,
        "patch": 256,
        "batch": 1,
        "learning_rate": 1e-4,
        "optimizer": "adam",
        "turns": 1,
        "copies": 100,
        "start_blur": 0.0,
    }
    paper_budget: ClassVar[str] = "150000steps"

    mask_rate: float = fields.mask_rate(0.3)
    channel_masks: str = fields.channel_masks()
    dropout: float = fields.dropout(0.1)
    start_blur: float = fields.start_blur(1.0)
    copies: int = fields.copies(8)
    turns: int = fields.turned_copies()
    width: int = fields.width(16)
    depth: int = fields.depth(3)
    patch: int = fields.patch(32)
    batch: int = fields.batch(16)
    optimizer: str = fields.optimizer()
    learning_rate: float = fields.learning_rate(0.008)

    def build(self, spec: Spec) -> Parts:
        """Bernoulli masking, partial convolutions, squared error, mean over masked copies."""
        from napari_blindspot.inference import Instances
        from napari_blindspot.losses import SquaredError
        from napari_blindspot.masking import Bernoulli
        from napari_blindspot.networks import MaskedUNet

        apart = self.channel_masks == "apart"
        network = MaskedUNet(
            spec.ndim,
            spec.channels,
            spec.channels,
            width=self.width,
            depth=self.depth,
            kind="partial",
            dropout=self.dropout,
            apart=apart,
            start_blur=self.start_blur,
        )
        return Parts(
            masking=Bernoulli(self.mask_rate, apart),
            network=network,
            loss=SquaredError(),
            predictor=Instances(self.mask_rate, self.copies, apart, self.turns),
            recipe=Recipe.of(self),
        )
