"""Blind2Grad."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from napari_blindspot.methods import fields
from napari_blindspot.methods.base import Method, Parts, Recipe, Spec
from napari_blindspot.params import InputError, param

if TYPE_CHECKING:
    from napari_blindspot.details import DualMask
    from napari_blindspot.inference.base import Predictor
    from napari_blindspot.losses.base import Loss
    from napari_blindspot.masking.base import MaskingScheme

_WHITE = 255.0  # the scale of the paper's thresholds
_CANDIDATES = 2.0  # times the rate: what the dual mask is chosen from
_MOST_UNIFORM = 0.25  # more neighbours are hidden than are left to replace them


@dataclass(frozen=True)
class Blind2Grad(Method):
    """Blind2Grad: masks that spare details, renewed from the network's own result.

    Notes
    -----
    What the paper leaves open, and what was chosen:

    *Scale of the thresholds.* 255 is the contrast of the smoothed noisy image, from its 0.1 to its
    99.9 percentile, for images that are not of 8 bits.

    *How much less often details are hidden.* Half as often as all pixels are; the others more
    often, so that the rate of all is kept.

    *Gradient.* The difference to the pixel before, along Y and along X, each with its own term.
    Nothing is learned through f(y), the output for the image that is not masked; it is also the
    intermediate result of the dual mask, in training and for the copies that are averaged.

    *Batch normalisation* is left out, and channels are weighed by a running average after the
    training: otherwise a pixel would depend on the tile in which it is denoised.

    *It begins from a blur of the visible pixels*, like `self2self`. 150 steps on 256 x 256 pixels
    of fish and BPAE_B gave 32.14 and 42.14 dB with it and 31.12 and 41.75 without, a photograph of
    BSD68 with noise of 25 (test002) 26.49 and 24.56.

    *Hidden pixels are weighed* by how seldom they are hidden. Without that the loss counts too
    little of what differs from f(y), and two photographs with noise of 25 had 24.19 dB after 400
    steps without the blur in place of 24.45; with a Bernoulli mask they have 24.42.

    Before they were weighed, without the blur, on other 256 x 256 pixels of fish and BPAE_B
    (confocal, FMD), 300 steps with 20 copies gave 28.42 and 44.43 dB; with a learning rate of 0.001
    in place of 0.003, and 40 copies, they had 27.90 and 43.68. `n2v` has 27.73 and 44.72 after 400
    steps.

    References
    ----------
    B. Song, Z. Shuai, Y. Si and K. Li, "Blind2Grad: Blind detail-preserving denoising via
    zero-shot with gradient regularized loss", AIMS Mathematics 10 (6), 2025.
    """

    name: ClassVar[str] = "blind2grad"
    title: ClassVar[str] = "Blind2Grad"
    reference: ClassVar[str] = "Song et al., AIMS Mathematics 2025"
    assumption: ClassVar[str] = "The noise of each pixel is independent of its neighbours."
    gain_floor_db: ClassVar[float] = 2.0
    steps_per_s: ClassVar[float] = 16.0
    paper: ClassVar[Mapping[str, Any]] = {
        "width": 48,
        "depth": 5,
        "learning_rate": 2e-5,
        "optimizer": "adam",
        "turns": 1,
        "start_blur": 0.0,
    }

    mask: str = param(
        "dual",
        label="Mask",
        help="Spare details (dual), hide every pixel with the same probability (bernoulli), or "
        "one pixel per block (uniform).",
        choices=("dual", "bernoulli", "uniform"),
    )
    mask_rate: float = fields.mask_rate(0.25, most=0.45)
    channel_masks: str = fields.channel_masks()
    detail_threshold: float = param(
        40.0,
        label="Detail threshold",
        help="Difference between noisy and intermediate image from which on a pixel is a detail; "
        "255 is the contrast of the image.",
        limits=(1.0, 255.0),
        step=5.0,
    )
    detail_share: float = param(
        0.5,
        label="Detail share",
        help="How often details are hidden, as a part of how often all pixels are.",
        limits=(0.0, 1.0),
        step=0.1,
    )
    dropout: str = param(
        "standout",
        label="Dropout",
        help="Drop features but those with a large gradient (standout), any (dropout), or none.",
        choices=("standout", "dropout", "none"),
    )
    gradient_threshold: float = param(
        25.0,
        label="Gradient threshold",
        help="Gradient from which on a feature is not dropped; 255 is the contrast of the image.",
        limits=(1.0, 255.0),
        step=5.0,
    )
    omega: float = param(
        0.8,
        label="Gradient weight",
        help="Weight of the gradients in the loss.",
        limits=(0.0, 10.0),
        step=0.1,
    )
    gamma: float = param(
        0.5,
        label="Content weight",
        help="Weight of the content by itself in the loss.",
        limits=(0.0, 10.0),
        step=0.1,
    )
    start_blur: float = fields.start_blur(1.0)
    copies: int = fields.copies(40)
    turns: int = fields.turned_copies()
    width: int = fields.width(16)
    depth: int = fields.depth(3)
    patch: int = fields.patch(64)
    batch: int = fields.batch(4)
    optimizer: str = fields.optimizer()
    learning_rate: float = fields.learning_rate(0.005)

    def build(self, spec: Spec) -> Parts:
        """Dual mask, network of Self2Self with standout and attention, gradient loss, copies."""
        from napari_blindspot.masking import Bernoulli
        from napari_blindspot.networks import MaskedUNet

        contrast, apart = min(spec.contrast, default=1.0), self.channel_masks == "apart"
        masking, loss, predictor = self._masked(spec)
        network = MaskedUNet(
            spec.ndim,
            spec.channels,
            spec.channels,
            width=self.width,
            depth=self.depth,
            dropout=0.0 if self.dropout == "none" else 0.3,
            standout=self.gradient_threshold / _WHITE * contrast
            if self.dropout == "standout"
            else None,
            attention=True,
            passes=2 if self.mask == "dual" else 1,
            apart=apart,
            start_blur=self.start_blur,
        )
        blind = Bernoulli(self.mask_rate, apart) if self.mask == "dual" else None
        return Parts(masking, network, loss, predictor, Recipe.of(self), blind)

    def _masked(self, spec: Spec) -> tuple[MaskingScheme, Loss, Predictor]:
        """What depends on the kind of mask."""
        from napari_blindspot.inference import Instances
        from napari_blindspot.inference.dual import DualInstances
        from napari_blindspot.losses.gradient import GradientRegularised
        from napari_blindspot.masking import Bernoulli, Stratified

        apart = self.channel_masks == "apart"
        if self.mask == "dual":
            dual, candidates = self._dual(spec), _CANDIDATES * self.mask_rate
            loss = GradientRegularised(self.omega, self.gamma, dual, candidates)
            return Bernoulli(candidates, apart), loss, DualInstances(dual, self.copies, self.turns)
        loss = GradientRegularised(self.omega, self.gamma)
        predictor = Instances(self.mask_rate, self.copies, apart, self.turns)
        if self.mask == "bernoulli":
            return Bernoulli(self.mask_rate, apart), loss, predictor
        if self.mask_rate > _MOST_UNIFORM:
            raise InputError(
                f"mask_rate={self.mask_rate} is too large for mask='uniform'; use {_MOST_UNIFORM} "
                "or less, or another mask."
            )
        return Stratified(self.mask_rate, 5, apart=apart), loss, predictor

    def _dual(self, spec: Spec) -> DualMask:
        from napari_blindspot.details import DualMask

        contrasts = spec.contrast or (1.0,) * spec.channels
        thresholds = tuple(self.detail_threshold / _WHITE * contrast for contrast in contrasts)
        apart = self.channel_masks == "apart"
        most = _CANDIDATES * self.mask_rate
        return DualMask(self.mask_rate, thresholds, self.detail_share, most, apart)
