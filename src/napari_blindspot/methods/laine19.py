"""Architectural blind spot with a posterior mean."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from napari_blindspot.methods import fields
from napari_blindspot.methods.base import Method, Parts, Recipe, Spec
from napari_blindspot.methods.given import LEAST_START, START_FRACTION, GivenCamera, unknown_law
from napari_blindspot.params import InputError, param

if TYPE_CHECKING:
    from napari_blindspot.inference.base import Predictor
    from napari_blindspot.losses.base import Loss
    from napari_blindspot.networks.base import Network

_LIKELIHOODS = ("auto", "poisson-gaussian", "gaussian", "poisson", "impulse")
_STRONG_SIGNAL = 0.5  # ratio of the variances of noise and signal
_DECAY, _MOST_DECAY = 4.0, 6.0
_RATES = {"muon": 0.008, "adam": 0.004}


@dataclass(frozen=True)
class Laine19(Method):
    """Blind-spot network: half-planes that never see the pixel, then the posterior mean.

    Notes
    -----
    *Weight decay where the noise has more than half of the signal's variance.* Without it a
    network of this size learns the noise of a small dark image by heart: on a simulated scene of
    3 photons the blind prediction fell from 24.6 to 21.9 dB between 10 s and 60 s of training.
    With a decay of 4 it had 24.8 after 60 s. Where the signal is strong there is none: with a
    decay of 4 a confocal image, mice, came to 40.37 in place of 41.35.

    *Adam where weights decay.* All steps of Muon have the same length. Where noise rules the
    gradients they lead anywhere, and a decay that outweighs them takes the signal away as well.
    PSNR in dB after 600 steps, simulated scenes of 256 x 256 pixels of the benchmarks:

    ============ ======== ===== =====
    scene        decay    Muon  Adam
    ============ ======== ===== =====
    nuclei_3     6        15.38 24.54
    filaments_3  6        18.40 22.95
    tissue_3     6        13.68 20.05
    tissue_10    4.5      21.13 24.93
    filaments_10 3.9      24.44 27.94
    nuclei_10    1.1      28.94 29.20
    tissue_30    0        28.47 28.76
    ============ ======== ===== =====

    No smaller decay and rate of Muon came near: on 192 x 192 pixels of tissue_3, 300 steps, a rate
    of 0.003 with a decay of 1 had 19.20, Adam 19.88. Where nothing decays Muon is ahead in volumes,
    and by 0.13 dB where it learns from photographs (`docs/benchmarks.md`). On fish, with a decay of
    0.8, it is ahead after 60 s (31.62 and 31.50 dB), but on 192 x 192 pixels of it, which are seen
    more often, behind after 1,600 steps: 25.91 and 27.59 dB, and 27.59 and 27.86 where it ends by
    itself.

    *It ends by itself*, for what it learns of a small image in a minute can be noise: on 192 x 192
    pixels of fish and nuclei_10 after 1,002 and 725 steps with 27.87 and 28.86 dB, which after
    2,400 have 27.15 and 26.25.

    *Photon counts have their own likelihood.* A Gaussian for pixels without a single photon becomes
    ever narrower and rules the loss: on two images of photon counts the Poisson likelihood gave
    32.93 and 31.00 dB after 15 s where the Poisson-Gaussian one gave 31.08 and 29.73, and 33.71 and
    31.55 dB after 60 s (33.41 and 31.02). A least variance of the Gaussian helped little; the
    loss of Seitzer et al. (ICLR 2022, beta = 0.5) came to 32.23 and 30.53 after 15 s.

    *The smallest share of signal* is explained in `inference.posterior`. With both, scenes of 3
    and 10 photons came from 20.3 / 16.5 / 27.8 / 22.9 (60 s) to 24.5 / 20.3 / 29.2 / 24.7 (40 s):
    nuclei_3, tissue_3, nuclei_10 and tissue_10, on which the best Gaussian has 23.3 / 20.0 / 27.8
    / 24.6.

    References
    ----------
    S. Laine, T. Karras, J. Lehtinen and T. Aila, "High-Quality Self-Supervised Deep Image
    Denoising", NeurIPS 2019.
    W. Khademi et al., "Self-Supervised Poisson-Gaussian Denoising", WACV 2021.
    """

    name: ClassVar[str] = "laine19"
    title: ClassVar[str] = "Laine 2019 blind-spot network"
    reference: ClassVar[str] = "Laine et al., NeurIPS 2019; Khademi et al., WACV 2021"
    assumption: ClassVar[str] = (
        "The noise of each pixel is independent of its neighbours and follows the likelihood."
    )
    gain_floor_db: ClassVar[float] = 3.0
    has_std: ClassVar[bool] = True
    steps_per_s: ClassVar[float] = 15.0
    paper: ClassVar[Mapping[str, Any]] = {
        "width": 48,
        "depth": 5,
        "patch": 256,
        "batch": 4,
        "optimizer": "adam",
        "learning_rate": 3e-4,
        "turns": 1,
        "settles": 0,
    }

    likelihood: str = param(
        "auto",
        label="Likelihood",
        help="What the noise is: camera noise, constant noise, pure photon counts, or pixels "
        "that hold a random value; auto takes photon counts where it sees them, else camera noise.",
        choices=_LIKELIHOODS,
    )
    noise_model: str = param(
        "calibrated",
        label="Noise model",
        help="Fit the noise after training on blind predictions, or learn it jointly.",
        choices=("calibrated", "joint"),
    )
    gain: float | None = param(
        None,
        label="Gain",
        help="Grey values per photon, if known.",
        limits=(1e-9, 1e9),
        step=0.01,
    )
    read_noise: float | None = param(
        None,
        label="Read noise",
        help="Standard deviation of the noise without light in grey values, if known.",
        limits=(0.0, 1e9),
        step=0.1,
    )
    offset: float | None = param(
        None,
        label="Offset",
        help="Grey value without light, if known.",
        limits=(-1e9, 1e9),
        step=1.0,
    )
    impulse_fraction: float | None = param(
        None,
        label="Impulse fraction",
        help="Part of the pixels that hold a random value, if known.",
        limits=(0.0001, 0.95),
        step=0.01,
    )
    directions: str = param(
        "all",
        label="Directions",
        help="All directions, or two and the own row: half of the work, for images whose axes "
        "are alike.",
        choices=("all", "two"),
    )
    settles: int = fields.settles()
    width: int = fields.width(16)
    depth: int = fields.depth(3)
    patch: int = fields.patch(64)
    batch: int = fields.batch(1)
    turns: int = fields.turns(8)
    optimizer: str = param(
        "auto",
        label="Optimizer",
        help="Muon learns faster; auto: Muon, but Adam where the noise has more than half of the "
        "signal's variance, for there weights decay.",
        choices=("auto", "muon", "adam"),
    )
    learning_rate: float | None = param(
        None,
        label="Learning rate",
        help="Peak learning rate, reached after a short rise and let down to zero; auto: 0.008 "
        "with Muon, 0.004 with Adam.",
        limits=(1e-6, 0.1),
        step=1e-6,
    )

    def build(self, spec: Spec) -> Parts:
        """Blind-spot network, likelihood and posterior; nothing is masked."""
        from napari_blindspot.masking import Everything

        if self.likelihood == "auto":
            return dataclasses.replace(self, likelihood=self._chosen(spec)).build(spec)
        self._check()
        network, loss, predictor = self._likelihood(spec)
        decay = _weight_decay(spec)
        suited = "adam" if decay else "muon"
        optimizer = suited if self.optimizer == "auto" else self.optimizer
        recipe = Recipe.of(
            self,
            learning_rate=self.learning_rate or _RATES[optimizer],
            weight_decay=decay,
            optimizer=optimizer,
        )
        return Parts(Everything(), network, loss, predictor, recipe)

    def _chosen(self, spec: Spec) -> str:
        """The likelihood that fits the estimated noise."""
        free = self.gain is None and self.read_noise is None and self.noise_model == "calibrated"
        counts = spec.channels == 1 and self._given.are_counts(spec)
        return "poisson" if free and counts else "poisson-gaussian"

    def _check(self) -> None:
        if self.likelihood == "poisson-gaussian" and (self.gain is None) != (
            self.read_noise is None
        ):
            missing, given = ("gain", "read_noise") if self.gain is None else ("read_noise", "gain")
            raise InputError(f"{given} is given but not {missing}; give both or neither.")
        if self.noise_model == "joint" and self.likelihood in ("poisson", "impulse"):
            raise InputError(
                f"noise_model='joint' does not work with likelihood={self.likelihood!r}; "
                "use calibrated, or likelihood gaussian or poisson-gaussian."
            )

    def _likelihood(self, spec: Spec) -> tuple[Network, Loss, Predictor]:
        if self.likelihood == "poisson":
            return self._poisson(spec)
        if self.likelihood == "impulse":
            return self._impulse(spec)
        if self.noise_model == "joint":
            return self._joint(spec)
        return self._gaussian(spec)

    @property
    def _given(self) -> GivenCamera:
        return GivenCamera(self.gain, self.read_noise, self.offset)

    def _network(self, spec: Spec, outputs: int) -> Network:
        from napari_blindspot.networks.blind_spot import BlindSpot

        return BlindSpot(
            spec.ndim,
            spec.channels,
            outputs,
            width=self.width,
            depth=self.depth,
            directions=self.directions,
        )

    def _gaussian(self, spec: Spec) -> tuple[Network, Loss, Predictor]:
        """Total variance, or covariance of joint channels; the noise is subtracted later."""
        from napari_blindspot.inference.covariance import CovariancePosterior
        from napari_blindspot.inference.posterior import PosteriorMean
        from napari_blindspot.losses import GaussianLikelihood
        from napari_blindspot.losses.covariance import CovarianceLikelihood
        from napari_blindspot.triangular import factor_size

        channels = spec.channels
        dependent = self.likelihood == "poisson-gaussian"
        known = self._given.laws(spec, dependent=dependent)
        posterior = PosteriorMean(known, dependent, self.turns)
        if channels == 1:
            return self._network(spec, 2), GaussianLikelihood(), posterior
        network = self._network(spec, channels + factor_size(channels))
        return network, CovarianceLikelihood(), CovariancePosterior(channels, posterior)

    def _joint(self, spec: Spec) -> tuple[Network, Loss, Predictor]:
        """Signal variance from the network, gain and read noise as learned numbers."""
        from napari_blindspot.inference.joint import JointPosterior
        from napari_blindspot.losses.joint import JointLikelihood
        from napari_blindspot.networks.links import WithScalars

        dependent = self.likelihood == "poisson-gaussian"
        zero, known = self._given.zero(spec), self._given.laws(spec, dependent=dependent)
        laws = known or spec.noise or (unknown_law(),) * spec.channels
        # The mean of the data is 0 in normalised units: noise that does not depend on the
        # signal starts at its variance there.
        level = zero if dependent else (0.0,) * spec.channels
        darks = [law.gain * x + law.offset for law, x in zip(laws, level, strict=True)]
        values = (*(law.gain for law in laws), *darks)
        start = tuple(math.log(max(value, LEAST_START)) for value in values)
        network = WithScalars(self._network(spec, 2 * spec.channels), start, learned=not known)
        predictor = JointPosterior(zero, dependent, self.turns)
        return network, JointLikelihood(zero, dependent), predictor

    def _poisson(self, spec: Spec) -> tuple[Network, Loss, Predictor]:
        """Negative binomial likelihood and gamma posterior."""
        from napari_blindspot.inference.gamma import GammaPosterior
        from napari_blindspot.losses.poisson import PoissonLikelihood
        from napari_blindspot.networks.links import PhotonLink

        scale, known = self._given.scale(spec)
        network = PhotonLink(self._network(spec, 2 * spec.channels), scale)
        return network, PoissonLikelihood(scale), GammaPosterior(scale, known, self.turns)

    def _impulse(self, spec: Spec) -> tuple[Network, Loss, Predictor]:
        """Mixture of the clean value and an even distribution."""
        from napari_blindspot.inference.impulse import ImpulsePosterior
        from napari_blindspot.losses.impulse import ImpulseLikelihood
        from napari_blindspot.networks.links import WithScalars

        fraction = self.impulse_fraction
        share = START_FRACTION if fraction is None else fraction
        odds = (math.log(share / (1 - share)),) * spec.channels
        network = WithScalars(
            self._network(spec, 2 * spec.channels), odds, learned=fraction is None
        )
        return network, ImpulseLikelihood(), ImpulsePosterior(self.turns)


def _weight_decay(spec: Spec) -> float:
    """None where the signal is strong; more, the more noise there is."""
    from napari_blindspot.noise import noise_to_signal

    excess = noise_to_signal(spec.noise) - _STRONG_SIGNAL
    return min(max(_DECAY * excess, 0.0), _MOST_DECAY)
