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
    own, and averages of the weights. PSNR in dB on confocal images of FMD decided the sizes, each
    of one run, where not said otherwise after 400 steps, which take 25 s of one processor core;
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
    it is what the paper is about. A pass that sees all pixels and drops nothing, in place of the
    copies, has 30.35 with 0.1 and 31.24 with 0.3.

    *Learning rate 0.004.* With 0.001, dropout 0.3 and 16 copies, fish and BPAE_B had 30.96 and
    39.49 after some 275 steps; with 0.004 31.16 and 40.13, after 310 and 417 in the same time.

    *Width 16, depth 3, patches of 32 pixels.* Fish for the same work, patches of 64 pixels: width 8
    31.30, 16 31.41, 24 31.29; depth 2 31.34. Sixteen patches of 32 pixels in place of four of 64:
    31.47, BPAE_B 40.39 in place of 40.30. With these defaults mice had 40.61, and fish 31.54 after
    800 steps.

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
    steps_per_s: ClassVar[float] = 23.0
    paper: ClassVar[Mapping[str, Any]] = {
        "dropout": 0.3,
        "width": 48,
        "depth": 5,
        "patch": 256,
        "batch": 1,
        "learning_rate": 1e-5,
        "copies": 100,
    }

    mask_rate: float = fields.mask_rate(0.3)
    dropout: float = fields.dropout(0.1)
    copies: int = fields.copies(8)
    width: int = fields.width(16)
    depth: int = fields.depth(3)
    patch: int = fields.patch(32)
    batch: int = fields.batch(16)
    learning_rate: float = fields.learning_rate(0.004)

    def build(self, spec: Spec) -> Parts:
        """Bernoulli masking, partial convolutions, squared error, mean over masked copies."""
        from napari_blindspot.inference import Instances
        from napari_blindspot.losses import SquaredError
        from napari_blindspot.masking import Bernoulli
        from napari_blindspot.networks import MaskedUNet

        network = MaskedUNet(
            spec.ndim,
            spec.channels,
            spec.channels,
            width=self.width,
            depth=self.depth,
            kind="partial",
            dropout=self.dropout,
        )
        return Parts(
            masking=Bernoulli(self.mask_rate),
            network=network,
            loss=SquaredError(),
            predictor=Instances(self.mask_rate, self.copies),
            recipe=Recipe(self.learning_rate, self.patch, self.batch),
        )
