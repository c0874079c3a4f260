"""AMSNet: one mask in training, complementary masks in the prediction, for correlated noise."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from napari_blindspot.methods import fields
from napari_blindspot.methods.base import Method, Parts, Recipe, Spec
from napari_blindspot.params import param

if TYPE_CHECKING:
    from napari_blindspot.networks import DeamNet, DnCNN, NAFNet, Restormer, UNet
    from napari_blindspot.noise import NoiseLaw

    Backbone = UNet | DnCNN | NAFNet | Restormer | DeamNet


@dataclass(frozen=True)
class AMSNet(Method):
    """Hidden pixels are predicted from every f-th pixel, whose noise is independent.

    In training half of the pixels are hidden; in the prediction every pixel comes from the pass
    in which it was hidden. 2D: volumes are denoised plane by plane, for planes are where cameras
    and resampling correlate the noise, and few stacks have planes enough for a pixel shuffle.

    Notes
    -----
    Choices where the paper is silent or not for microscopes. Figures are affine PSNR in dB on the
    wide-field RGB pair of FMD, channel by channel, after 250 to 300 steps; the choices have seen
    the truth of these images. The best Gaussian blur has 26.11 / 24.53 / 34.04.

    *Factors from the measured correlation.* At lags of 1 to 4 pixels it is 0.63, 0.21, 0.10, 0.07
    in red (true: 0.63, 0.24, 0.14, 0.10), 0.61, 0.13, -0.02, 0.02 in green and 0.62, 0.20, 0.09,
    0.06 in blue. The training takes the first distance at which it is below 0.12: 3, where the
    paper has 5. Already a correlation of 0.1 is learned: linear filters fitted blindly to every
    second pixel of green reached 22.40 there, and 23.83 when they were fitted to every third. The
    prediction takes the largest distance at which the correlation is still above 0.16. With
    prediction factors of 1, 2 and 3 red had 25.76, 26.70 and 26.69, green 24.60, 23.85 and 23.03.

    *Refinement is most of the smoothing*: red went from 25.92 to 26.70, green from 24.06 to 24.60,
    with all of a mixture but 16 % denoised. A second round had 26.77 and 24.18. Where noise is
    independent it takes detail away (fish of FMD, confocal: 28.49 to 28.27) and is left out.

    *Pixels are dealt out to masks eight times.* One deal predicts from one random half of the
    pixels: red, without refinement, had 24.89 with one deal, 25.87 with four, 26.07 with eight.

    *Mixtures are nearly all denoised*, and turned one after another. One training of 60 s each:
    26.88 / 24.92 / 36.53 with four deals and eight mixtures of 16 % noisy pixels, as in the paper,
    26.93 / 24.95 / 36.58 with eight and sixteen, 26.99 / 24.97 / 36.68 with 10 % noisy pixels
    and 27.03 / 24.98 / 36.75 with 4 %. Copies that are not turned cost 0.04 to 0.06. As shipped,
    60 s give 27.02 / 24.98 / 36.81, five minutes 26.82 / 25.04 / 36.54.

    *The smoothness is off.* On green, with a training factor of 2, a weight of 0.3 raised the
    prediction without refinement from 23.93 to 24.40 and lowered that with it from 24.61 to 24.41;
    with a factor of 3, 0.1 lowered it from 24.65 to 24.51.
    The paper has 0.01 in its text and 0.1 as the best of its figure.

    *The network is told the mask and begins from a blur* of what is visible. In normalised units
    a hidden pixel, 0, looks like an average one.

    *Width 8.* It has 26.82 / 24.68 / 35.96, a width of 16 has 26.79 / 24.65 / 35.73, and `dncnn`
    of a width of 16 has 26.66 in red.

    *What is reached:* after 60 s 27.02 / 24.98 / 36.81. With 250 steps and fewer mixtures green,
    whose noise outweighs its signal, was but 0.15 above the best blur. So is a U-Net (width 24,
    depth 3, 250 steps) that learns from the truth of three quarters of the image, on the quarter
    that it has not seen: 24.68. The linear filter that is best by the truth has 24.68, total
    variation denoising with the best weight by the truth 24.66, BM3D with the true spectrum of the
    noise 24.65, and 24.77 with the best factor for it by the truth (red 26.23, blue 34.70). Where
    noise is independent other methods are better: fish had a plain PSNR of 29.92, with `n2v` in
    30 s it had 31.09.

    *Absolute and squared error* were alike (green 24.61 and 24.60).

    *Every network looks no farther than its halo*, so that tiles are denoised like the whole:
    `dncnn` has no batch normalisation, `nafnet` and `restormer` take the statistics that theirs
    take of the whole image of a window.

    References
    ----------
    X. Liao, T. Zheng, J. Zhong, P. Zhang and C. Ren, "Asymmetric Mask Scheme for
    Self-Supervised Real Image Denoising", ECCV 2024.
    W. Lee, S. Son and K. M. Lee, "AP-BSN", CVPR 2022 (two factors, refinement).
    """

    name: ClassVar[str] = "amsnet"
    title: ClassVar[str] = "AMSNet"
    reference: ClassVar[str] = "Liao et al., ECCV 2024"
    assumption: ClassVar[str] = "The noise of pixels that are a few pixels apart is independent."
    dims: ClassVar[tuple[int, ...]] = (2,)
    gain_floor_db: ClassVar[float] = 3.0
    steps_per_s: ClassVar[float] = 24.0
    paper: ClassVar[Mapping[str, Any]] = {
        "backbone": "restormer",
        "factor": 5,
        "prediction_factor": 2,
        "deals": 1,
        "refinements": 8,
        "replaced": 0.16,
        "turns": 1,
        "patch": 160,
        "learning_rate": 1e-4,
        "smoothness": 0.01,
    }

    backbone: str = param(
        "unet",
        label="Network",
        help="Network that predicts the hidden pixels.",
        choices=("unet", "dncnn", "nafnet", "restormer", "deamnet"),
    )
    factor: int | None = param(
        None,
        label="Factor of training",
        help="Distance of the pixels that are shown together in training; auto is the shortest at "
        "which the noise is hardly correlated.",
        limits=(1, 8),
        step=1,
        unit="px",
    )
    prediction_factor: int | None = param(
        None,
        label="Factor of prediction",
        help="The same in the prediction; auto is smaller than that of the training, for detail.",
        limits=(1, 8),
        step=1,
        unit="px",
    )
    branches: int = param(
        2,
        label="Masks",
        help="Passes of the prediction that together hide every pixel once.",
        limits=(2, 8),
        step=1,
    )
    deals: int = param(
        8,
        label="Deals",
        help="Ways to deal the pixels out to the masks, whose results are averaged.",
        limits=(1, 32),
        step=1,
    )
    refinements: int | None = param(
        None,
        label="Refinements",
        help="Mixtures of denoised and noisy image that are denoised again and averaged; 0: none. "
        "auto is 16 for correlated noise and else 0.",
        limits=(0, 32),
        step=1,
    )
    replaced: float = param(
        0.05,
        label="Replaced",
        help="Part of the pixels of a mixture that are noisy.",
        limits=(0.0, 1.0),
        step=0.01,
    )
    smoothness: float = param(
        0.0,
        label="Smoothness",
        help="Weight of the variation of the denoised image in the last part of the training.",
        limits=(0.0, 10.0),
        step=0.01,
    )
    turns: int = fields.turned_copies()
    width: int = fields.width(8)
    depth: int = fields.depth(2)
    patch: int = fields.patch(96)
    batch: int = fields.batch(4)
    optimizer: str = fields.optimizer("adam")
    learning_rate: float = fields.learning_rate(0.002)

    def build(self, spec: Spec) -> Parts:
        """Bernoulli masks, shuffled network, error of hidden pixels, complementary masks."""
        from napari_blindspot.inference import Complementary
        from napari_blindspot.losses import SmoothError
        from napari_blindspot.masking import Bernoulli
        from napari_blindspot.networks import Completing, Shuffled

        factor = self.factor or independent_at(spec.correlation, _INDEPENDENT)
        near = max(independent_at(spec.correlation, _NEARLY_INDEPENDENT) - 1, 1)
        prediction = self.prediction_factor or min(factor, near)
        refinements = self.refinements
        if refinements is None:
            refinements = _REFINEMENTS if factor > 1 else 0
        network = Completing(self._network(2 * spec.channels + 1, spec.channels), _SIGMA)
        return Parts(
            masking=Bernoulli(1 / self.branches),
            network=Shuffled(network, factor, prediction),
            loss=SmoothError(0.0, self.branches, _POWER),
            predictor=Complementary(
                self.branches,
                prediction,
                self.deals,
                refinements,
                self.replaced,
                margin=max(network.halo) if refinements else 0,
                turns=self.turns,
            ),
            recipe=Recipe.of(self, noise_updates=(_FINE_TUNING,) if self.smoothness else ()),
        )

    def renoised(self, parts: Parts, laws: tuple[NoiseLaw, ...]) -> Parts:  # noqa: ARG002
        """Fine-tuning: from here on the loss has the smoothness in it."""
        from napari_blindspot.losses import SmoothError

        loss = SmoothError(self.smoothness, self.branches, _POWER)
        return dataclasses.replace(parts, loss=loss)

    def _network(self, inputs: int, outputs: int) -> Backbone:
        """The network, which begins with an output of zero."""
        from napari_blindspot.networks.layers import started

        network = self._backbone(inputs, outputs)
        started(network.head, slope=None)
        return network

    def _backbone(self, inputs: int, outputs: int) -> Backbone:
        from napari_blindspot import networks

        if self.backbone == "unet":
            return networks.UNet(2, inputs, outputs, width=self.width, depth=self.depth)
        if self.backbone == "dncnn":
            return networks.DnCNN(2, inputs, outputs, width=self.width)
        kinds = {
            "nafnet": networks.NAFNet,
            "restormer": networks.Restormer,
            "deamnet": networks.DeamNet,
        }
        kind: type[Any] = kinds[self.backbone]
        network: Backbone = kind(inputs, outputs, width=self.width, depth=self.depth)
        return network


_SIGMA = 1.5
_POWER = 1
_FINE_TUNING = 0.7
_INDEPENDENT, _NEARLY_INDEPENDENT = 0.12, 0.16  # correlation up to which noise counts as such
_REFINEMENTS = 16


def independent_at(correlation: tuple[tuple[float, ...], ...], limit: float) -> int:
    """Smallest distance in pixels from which on the noise of no channel is correlated.

    Parameters
    ----------
    correlation : tuple of tuple of float
        Of each channel, at lags 1, 2... in pixels; empty where it is not known.
    limit : float
        Largest correlation that counts as none.
    """
    lags = [
        lag for channel in correlation for lag, value in enumerate(channel, 1) if abs(value) > limit
    ]
    return max(lags, default=0) + 1
