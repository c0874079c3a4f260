"""Express: our own composition for a laptop, and the default."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from napari_blindspot.methods import fields
from napari_blindspot.methods.base import Method, Parts, Recipe, Spec
from napari_blindspot.methods.told import floored, told_of
from napari_blindspot.params import InputError, param

if TYPE_CHECKING:
    from napari_blindspot.methods.told import Told
    from napari_blindspot.networks import Network
    from napari_blindspot.noise import NoiseLaw

_SECONDS_PER_MEMBER = 60.0
_MOST_MEMBERS = 5


@dataclass(frozen=True)
class Express(Method):
    """Recorrupted pairs, networks in stabilised coordinates, then similar patches.

    Notes
    -----
    *A pretrained start.* One channel begins with `PriorUNet`, which knows simulated microscope
    images, and learns on from there on recorrupted pairs, with AdamW and a low learning rate; the
    noise is told to it as it is found by blind predictions of the start. `blending` decides how
    much of what was learned is kept. Crops of 64 x 64 pixels show why the rate falls with the
    passes over the data (250 steps, PSNR in dB, of two images, with weights of an early stage):

    ====== ============ ================ ===========================
    image  no training  rate of 5e-4     rate of 30 passes, blended
    ====== ============ ================ ===========================
    BPAE_G 38.56        38.27            38.66
    mice   44.87        42.72            44.80
    ====== ============ ================ ===========================

    *Noise that neighbours share* is told to the pretrained start, and the law put right for it, and
    then there is no training: recorrupted pairs need the exact covariance. Wide-field channels of
    FMD, affine PSNR in dB, with weights of an early stage: without training 26.76 / 24.06 / 36.13,
    with 10 s of it, recorrupted by noise with the measured correlation at two lags, 26.23 / 24.63 /
    35.50; with 1.3 times the variance in these pairs 26.55 / 23.60 / 35.95.

    What follows was found for networks that begin with random weights. Every choice was made by
    experiment on the confocal images of FMD, two laptop cores and 10 s of training; PSNR in dB. The
    choices, not the weights, have seen the truth of these images.

    *Recorrupted pairs in place of a masked grid.* All pixels count in every step, and the network
    is trained for what it does in the end: look at the whole noisy image. How the plain pass
    compares with what the same network knows blindly (grid of 4 x 4, same averaging):

    ======== ===== ========= ================== =================== =======
    image    blind posterior best single weight best local weight   visible
    ======== ===== ========= ================== =================== =======
    BPAE_G   33.70 33.84     34.14              34.26               34.10
    fish     31.52 30.45     31.80              31.89               31.85
    mice     40.88 40.52     41.28              41.51               41.22
    BPAE_B   40.67 40.40     40.90              40.97               40.94
    BPAE_R   36.29 36.21     36.64              36.73               36.64
    ======== ===== ========= ================== =================== =======

    The posterior mean adds the share p / (p + n) of the blind residual to the blind prediction,
    where p = total variance - n is the difference of two nearly equal numbers, both uncertain.
    Two weights that only the truth can tell, one for the whole image and one for each 7 x 7
    neighbourhood, show what that costs: with a good weight the posterior mean is as good as the
    visible pass, and the visible pass needs no weight. So the final estimate is the visible pass.

    *The noise must be known*, within 10 % of its variance. It is estimated from the image, and
    fitted anew after 15 and 40 % of the training on predictions with a masked grid.

    *Strength 0.8.* From 0.35 to 0.8: 34.0 / 31.4 / 36.5 to 34.0 / 31.8 / 36.7 (BPAE_G, fish,
    BPAE_R). From 1.2 on the trained input is so much noisier than the image that a simulated
    scene of 3 photons lost 2 dB, and 4 to 6 % of the signal of fish was lost.

    *Weights decay.* Without it a network was at its best after some 300 steps on the noisiest
    images, and then learned their noise by heart. With a decay it can be trained on, and one
    network of 60 s takes the place of five of 12 s. With the filter, in dB:

    ============== ========== ============= =========
    image          five, 12 s one, no decay one, 1.5
    ============== ========== ============= =========
    fish           31.98      31.73         32.00
    mice           41.59      41.28, 41.50  41.62
    BPAE_G         34.23      34.36         34.32
    BPAE_B         40.95      40.80, 40.82  40.93
    hazelnut_frame 34.03      34.08         34.04
    filaments_10   30.07      30.76         30.79
    filaments_30   34.93      35.79         35.47
    filaments_100  39.33      40.27         39.65
    nuclei_30      33.79      33.88         33.80
    nuclei_10      29.65                    29.80
    FISH_3         32.75      32.32         32.45
    ============== ========== ============= =========

    FISH_3 wants more: 32.62 and 32.78 with 2.5 and 4, which lowered filaments_10 to 30.54 and 30.23
    and nuclei_10 to 29.69 and 29.50. So the decay grows to 3 where noise outweighs the signal.

    *A wider blur to begin from where there is more noise.* The network adds to a Gaussian blur of
    its input. With one of sigma 5 in place of 1.3 and 330 steps, simulated scenes of 3 photons
    gained 0.8 to 1.0 dB, and tissue came out above the best Gaussian (20.39 and 19.61, Gaussian
    19.98); BPAE_G and fish lost 0.13 and 0.14. So sigma grows with the ratio of the variances of
    noise and signal.

    *Similar patches at the end.* What the networks leave is mostly what they all leave: the mean
    of six different ones gained 0.07 over one. An image's own repetition is something else. A
    Bayesian filter over similar patches, led by the networks' result, goes as far as hidden
    pixels support it (see `inference.tweedie`). In one run of 10 s each, before and after:

    ============== ====== ====== ======
    image          before after  weight
    ============== ====== ====== ======
    BPAE_G         34.12  34.28  1.00
    fish           31.75  31.97  0.87
    mice           41.38  41.56  0.99
    BPAE_B         40.90  40.90  1.00
    BPAE_R         36.64  36.69  1.00
    hazelnut_low   31.52  31.94  1.00
    hazelnut_frame 33.79  34.02  1.00
    FISH_3         32.65  32.77  1.00
    nuclei_3       25.09  25.12  0.39
    filaments_3    23.38  23.35  0.20
    filaments_10   29.98  29.90  0.63
    tissue_3       20.13  20.06  0.51
    tissue_10      25.58  25.56  0.22
    ============== ====== ====== ======

    *Muon from random weights, AdamW from the start.* Without the start, 10 s of one core, Muon and
    AdamW had 29.04 and 28.88 dB on 256 x 256 pixels of fish, 36.28 and 36.21 on BPAE_G, 35.58 and
    35.18 on filaments_30, 29.75 and 29.55 on nuclei_10, 25.52 and 25.59 on tissue_10, 32.05 and
    31.97 on hazelnut_low, and 36.14 and 34.69 on the volume planaria_30. With the start, Muon at
    twice the rate gained 0.05, 0.07 and 0.03 on filaments_30, tissue_10 and hazelnut_low, and lost
    0.01 to 0.07 on the other four: its steps take a quarter longer there. The figures above are of
    AdamW.

    References
    ----------
    T. Pang et al., "Recorrupted-to-Recorrupted", CVPR 2021 (pairs).
    M. Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022 (blended weights).
    J. Batson and L. Royer, "Noise2Self", ICML 2019 (blind predictions for the noise law).
    M. Lebrun et al., "A Nonlocal Bayesian Image Denoising Algorithm", SIIMS 2013 (patches).
    """

    name: ClassVar[str] = "express"
    title: ClassVar[str] = "Express"
    reference: ClassVar[str] = "Our own, after Pang et al., CVPR 2021"
    assumption: ClassVar[str] = (
        "The variance of the noise is gain * signal + offset. Neighbours along X and Y may share "
        "noise."
    )
    gain_floor_db: ClassVar[float] = 5.0
    has_std: ClassVar[bool] = True
    steps_per_s: ClassVar[float] = 34.0

    alpha: float = param(
        0.8,
        label="Recorruption",
        help="Strength of the noise added in training; lower for little noise.",
        limits=(0.2, 3.0),
        step=0.1,
    )
    members: int | None = param(
        None,
        label="Networks",
        help="Networks that are trained side by side and averaged; auto: one, or without "
        "the pretrained start more for longer budgets.",
        limits=(1, 32),
        step=1,
    )
    prior: bool = param(
        True,
        label="Pretrained start",
        help="Begin with a network that has learned from simulated microscope images, in place of "
        "random weights, whatever width and depth are; for channels that are denoised one by one.",
    )
    width: int = fields.width(32)
    depth: int = fields.depth(2, most=4)
    patch: int = fields.patch(64)
    batch: int = fields.batch(4)
    optimizer: str = param(
        "auto",
        label="Optimizer",
        help="Muon learns faster from random weights; auto: Muon, with the pretrained start Adam.",
        choices=("auto", "muon", "adam"),
    )
    learning_rate: float | None = param(
        None,
        label="Learning rate",
        help="Peak learning rate; auto: 0.01, with the pretrained start 0.0005 or, for "
        "few pixels, less.",
        limits=(1e-6, 0.1),
        step=1e-6,
    )
    turns: int = param(
        8,
        label="Turns",
        help="Mirrored and turned copies that are averaged in the prediction.",
        limits=(1, 8),
        step=1,
    )
    similar: bool = param(
        True,
        label="Similar patches",
        help="Filter over similar patches at the end, as far as hidden pixels support it.",
    )

    def build(self, spec: Spec) -> Parts:
        """Recorrupted pairs, networks in stabilised coordinates, weighted error, Tweedie."""
        from napari_blindspot.inference import Tweedie
        from napari_blindspot.losses import WeightedSquaredError
        from napari_blindspot.masking import Everything, Grid, Recorrupted
        from napari_blindspot.networks import Ensemble

        told = told_of(spec, neighbours=self.prior)
        has_learned, is_white = self.prior and spec.channels == 1, told.is_white
        if not (has_learned or spec.budget_s):
            raise InputError(_TOGETHER)
        members = self._pretrained(spec, told) if has_learned else self._fresh(spec, told.laws)
        learns = spec.budget_s > 0 and is_white
        return Parts(
            masking=Recorrupted(told.laws, self.alpha, told.counted),
            network=Ensemble(members),
            loss=WeightedSquaredError(told.laws, _WEIGHT_POWER),
            predictor=Tweedie(
                self.turns if spec.budget_s else min(self.turns, _INSTANT_TURNS),
                self.similar and learns,
                along=told.along,
            ),
            recipe=Recipe.of(
                self,
                learning_rate=self.learning_rate
                or (self._gentle_rate(spec) if has_learned else _RATE),
                batch=self.batch * len(members),
                averaging=0.98,
                weight_decay=0.0 if has_learned else _weight_decay(told.laws),
                noise_updates=(0.0,) if has_learned else _NOISE_UPDATES,
                keeps_start=has_learned and learns,
                learns=is_white,
                optimizer=self._optimizer(has_learned),
            ),
            blind=Grid(_SPACING) if is_white else Everything(),
        )

    def _fresh(self, spec: Spec, laws: tuple[NoiseLaw, ...]) -> list[Network]:
        """Networks that have learned nothing."""
        from napari_blindspot.networks import StabilisedUNet

        count, sigma = self.members or _members(spec.budget_s), _base_sigma(laws)
        size = {"width": self.width, "depth": self.depth}
        return [StabilisedUNet(spec.ndim, laws, base_sigma=sigma, **size) for _ in range(count)]

    def _pretrained(self, spec: Spec, told: Told) -> list[Network]:
        """Networks that have learned from simulated images."""
        from napari_blindspot.networks import pretrained

        lags = (*told.along[0], *told.along[1])
        return [
            pretrained(spec.ndim, told.laws[0], added=self.alpha**2, correlation=lags)
            for _ in range(self.members or 1)
        ]

    def _optimizer(self, has_learned: bool) -> str:
        """What has learned already gains from Muon only what its longer steps cost."""
        if self.optimizer == "auto":
            return "adam" if has_learned else "muon"
        return self.optimizer

    def _gentle_rate(self, spec: Spec) -> float:
        """Lower where every pixel is seen so often that the noise would be learned by heart."""
        # Patches of volumes have more pixels, and there are as many fewer of them in a second.
        shown = spec.budget_s * self.steps_per_s * self.batch * self.patch**2
        passes = shown / spec.pixels if spec.pixels else 0.0
        return _GENTLE_RATE * _PASSES / max(passes, _PASSES)

    @property
    def is_pretrained(self) -> bool:
        """Whether it begins with the network that has learned from simulated images."""
        return self.prior

    def renoised(self, parts: Parts, laws: tuple[NoiseLaw, ...]) -> Parts:
        """Recorruption with the fitted noise; that of photon counts is known."""
        from napari_blindspot.masking import Recorrupted
        from napari_blindspot.networks import PriorUNet

        old = parts.masking
        if not isinstance(old, Recorrupted):
            raise TypeError(f"Express trains on recorrupted pairs, not on {old}.")
        chosen = tuple(
            known if counts else floored(law)
            for known, law, counts in zip(old.laws, laws, old.counted, strict=True)
        )
        for network in parts.network.modules():
            if isinstance(network, PriorUNet):
                network.tell(chosen[0])
        return dataclasses.replace(parts, masking=dataclasses.replace(old, laws=chosen))


_RATE, _GENTLE_RATE = 0.01, 0.0005
_PASSES = 30  # over the data, from where on a pretrained network learns more slowly
_INSTANT_TURNS = 2
_TOGETHER = (
    "Channels that are denoised together need training; turn joint off, or choose another budget "
    "than instant."
)
_BASE_SIGMAS = (1.3, 5.0)
_SIGMA_PER_RATIO = 1.7
_WEIGHT_POWER = 0.25
_DECAYS = (1.5, 3.0)
_MODERATE = 0.4  # ratio of the variances of noise and signal from where on weights decay more
_DECAY_PER_RATIO = 5.0
_SPACING = 4
_NOISE_UPDATES = (0.15, 0.4)


def _members(budget_s: float) -> int:
    return min(max(round(budget_s / _SECONDS_PER_MEMBER), 1), _MOST_MEMBERS)


def _base_sigma(laws: tuple[NoiseLaw, ...]) -> float:
    """Wider for more noise, as the best blur is."""
    from napari_blindspot.noise import noise_to_signal

    narrowest, widest = _BASE_SIGMAS
    return min(max(_SIGMA_PER_RATIO * noise_to_signal(laws), narrowest), widest)


def _weight_decay(laws: tuple[NoiseLaw, ...]) -> float:
    from napari_blindspot.noise import noise_to_signal

    least, most = _DECAYS
    return min(least + _DECAY_PER_RATIO * max(noise_to_signal(laws) - _MODERATE, 0.0), most)
