"""Mask-guided residual convolutions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from napari_blindspot.methods import fields
from napari_blindspot.methods.base import Method, Parts, Recipe, Spec
from napari_blindspot.params import param

if TYPE_CHECKING:
    from napari_blindspot.inference.base import Predictor
    from napari_blindspot.masking.base import MaskingScheme


@dataclass(frozen=True)
class MGRConv(Method):
    """Hidden pixels filled in by convolutions that the mask guides, or by those before them.

    Notes
    -----
    Sizes, rates, copies and the blur to begin from are those of `self2self`, where they were chosen
    by experiment. PSNR in dB after 250 steps on 256 x 256 pixels of fish and BPAE_B (confocal, FMD)
    and of a photograph of BSD68 with noise of 25 (test002):

    ======= ===== ======= =================== ===== =====
    image   plain partial learnable-attention gated mgr
    ======= ===== ======= =================== ===== =====
    fish    31.98 31.85   31.79               32.02 32.04
    BPAE_B  42.70 42.73   42.68               42.84 42.65
    test002 26.47 26.53   26.64               26.64 26.47
    ======= ===== ======= =================== ===== =====

    Here `mgr` had no activation behind its sum yet (Notes of `MaskGuidedResidual`). Without the
    blur, on the whole of fish, after 400 steps, `partial` had 31.47, `gated` 31.34, `plain` 31.03
    and `mgr`, with 4 copies, 30.91 with that activation and without it. There other beginnings did
    not help, in single runs: with a learning rate of 0.0015 `mgr` had 30.80, and with weights of
    the mask that begin positive 30.76.

    Photographs in colour, on which the paper measured: docs/benchmarks.md, pieces of the methods.

    With Noise2Void masking nothing is dropped and nothing is hidden in the prediction, one pass.

    References
    ----------
    Y. Zhou, L. Zhou, T. L. Lam and Y. Xu, "View Blind-spot as Inpainting: Self-Supervised
    Denoising with Mask Guided Residual Convolution", 2021.
    """

    name: ClassVar[str] = "mgrconv"
    title: ClassVar[str] = "MGRConv"
    reference: ClassVar[str] = "Zhou et al., 2021"
    assumption: ClassVar[str] = "The noise of each pixel is independent of its neighbours."
    gain_floor_db: ClassVar[float] = 6.0
    steps_per_s: ClassVar[float] = 20.0
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

    convolution: str = param(
        "mgr",
        label="Convolution",
        help="How the encoder's convolutions use the mask.",
        choices=("mgr", "partial", "learnable-attention", "gated", "plain"),
    )
    masking: str = param(
        "self2self",
        label="Masking",
        help="Many pixels hidden and an average over masked copies, or few and one plain pass.",
        choices=("self2self", "noise2void"),
    )
    mask_rate: float = fields.mask_rate(0.3)
    mask_fraction: float = fields.mask_fraction(0.02)
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
        """U-Net with the chosen convolutions, squared error, and what goes with the masking."""
        from napari_blindspot.losses import SquaredError
        from napari_blindspot.networks import MaskedUNet

        masking, predictor = self._masking()
        network = MaskedUNet(
            spec.ndim,
            spec.channels,
            spec.channels,
            width=self.width,
            depth=self.depth,
            kind=self.convolution,
            dropout=self.dropout if self.masking == "self2self" else 0.0,
            shows_mask=self.convolution == "gated",
            apart=self.channel_masks == "apart",
            start_blur=self.start_blur,
        )
        return Parts(
            masking=masking,
            network=network,
            loss=SquaredError(),
            predictor=predictor,
            recipe=Recipe.of(self),
        )

    def _masking(self) -> tuple[MaskingScheme, Predictor]:
        """Which pixels are hidden in training, and the prediction that goes with it."""
        from napari_blindspot.inference import Instances, PlainPass
        from napari_blindspot.masking import Bernoulli, Stratified

        apart = self.channel_masks == "apart"
        if self.masking == "self2self":
            copies = Instances(self.mask_rate, self.copies, apart, self.turns)
            return Bernoulli(self.mask_rate, apart), copies
        return Stratified(self.mask_fraction, 5, apart=apart), PlainPass(self.turns)
