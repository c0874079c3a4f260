"""Posterior mean by a visible pass and similar patches, variance by what a pass does with noise."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from jaxtyping import Float
from torch import Tensor

from napari_blindspot.chance import Chance
from napari_blindspot.filters import gaussian, gaussian_radius
from napari_blindspot.inference.base import Prediction
from napari_blindspot.inference.posterior import noise_variance
from napari_blindspot.inference.similar import REACH, similar_filtered
from napari_blindspot.inference.turned import averaged
from napari_blindspot.noise import BlindPatches, BlindSample, NoiseLaw

_SPACING = {2: (4, 4), 3: (3, 4, 4)}
_WIDE = {2: (5, 5), 3: (3, 5, 5)}  # for nudges that their neighbours follow
_NUDGE = 0.3
_SMOOTHING = 1.0
_DRAWS, _BLUR = 4, 2.0  # of noise that is put on top, and blur of what comes through
_COLOURED = 4  # in pixels, of a filter that makes white noise correlated
_EXPECTED = (0.5, 0.3)  # mean and spread of the weight before any pixel is seen


@dataclass(frozen=True)
class Tweedie:
    """Mean of the network over turned copies of the image, then of similar patches.

    The variance is that of Tweedie's formula, and that of the noise which comes through.

    Attributes
    ----------
    turns : int
        Number of mirrored and turned copies to average, 1 to 8.
    similar : bool
        Whether the filter over similar patches may be used.
    laws : tuple of NoiseLaw
        Noise of each channel; empty until calibrated.
    weights : tuple of float
        Weight of the filter over similar patches for each channel, 0 to 1; none at all until
        calibrated.

    Notes
    -----
    For Gaussian noise of variance v the posterior mean m(y) and the posterior variance of a
    pixel obey var = v dm/dy (second-order Tweedie formula). The derivative of a pixel's output
    with respect to its own input is measured by nudging the pixels of a sparse grid, neighbours
    in opposite directions, for every phase of the grid.

    No network is the posterior mean. In flat places the derivative is 0 or less, though a wide blur
    of the noise is left in the result, and after a training it is too small everywhere. So the
    variance that the result has under other noise of the same law is added: the mean square change
    by a little noise of random signs, scaled up. Of a linear posterior mean it is less than the
    variance itself, which then comes out up to twice too large. Part of the true pixels within the
    90 % interval, by the derivative alone, with the larger one of both, and with their sum, 250
    steps on 256 x 256 pixels, and error as a part of the deviation:

    ============ ==== ==== ==== ============== ============== ==========
    image        own  max  sum  own, error by  max, error by  sum, error
    ============ ==== ==== ==== ============== ============== ==========
    nuclei_10    0.25 0.92 0.94 1.40           1.16           0.94
    tissue_10    0.15 0.80 0.81 3.97           1.29           1.23
    filaments_30 0.34 0.96 0.97 1.00           0.90           0.74
    hazelnut_low 0.44 0.69 0.73 2.13           1.69           1.40
    fish         0.39 0.66 0.72 1.49           1.35           1.08
    BPAE_R       0.32 0.45 0.56 1.95           1.85           1.48
    ============ ==== ==== ==== ============== ============== ==========

    The filtered image is no better than the network's everywhere: where a specimen does not
    repeat itself, it can lose 0.3 dB. Hidden pixels tell how far to follow it, whatever their
    noise: with the blind prediction b, the image with b in the hidden places filtered to f, and
    the measured y of variance v, the weight w is the mean of its posterior for residuals
    y - b - w (f - b) of variance v, and w = 0.5 +- 0.3 before.

    References
    ----------
    H. Manor and T. Michaeli, "On the Posterior Distribution in Denoising: Application to
    Uncertainty Quantification", ICLR 2024.
    """

    turns: int = 8
    similar: bool = True
    laws: tuple[NoiseLaw, ...] = ()
    weights: tuple[float, ...] = ()
    along: tuple[tuple[float, ...], tuple[float, ...]] = ((), ())

    @property
    def margin(self) -> int:
        """Pixels beyond the network's halo that a result depends on."""
        correlated = _COLOURED if any(map(any, self.along)) else 0
        return max(gaussian_radius(_BLUR) + correlated, REACH if any(self.weights) else 0)

    def moments(
        self, output: Float[Tensor, "b c *space"]
    ) -> tuple[Float[Tensor, "b c *space"], None]:
        """The output is the mean."""
        return output, None

    def draft(self) -> Tweedie:
        """This predictor without averages and similar patches: fast, for a preview."""
        return dataclasses.replace(self, turns=1, similar=False)

    def calibrated(
        self,
        sample: BlindSample,
        laws: tuple[NoiseLaw, ...],
    ) -> Tweedie:
        """This predictor with the fitted noise and the weights that hidden pixels support."""
        patches = sample.patches if self.similar else None
        weights = () if patches is None else filter_weights(patches, laws)
        return dataclasses.replace(self, laws=tuple(laws), weights=weights)

    def state(self) -> dict[str, Any]:
        """The noise laws and the weights."""
        laws = [dataclasses.asdict(law) for law in self.laws]
        return {"laws": laws, "weights": list(self.weights)}

    def restored(self, state: Mapping[str, Any]) -> Tweedie:
        """This predictor with saved noise laws and weights."""
        laws = tuple(NoiseLaw(**law) for law in state["laws"])
        return dataclasses.replace(self, laws=laws, weights=tuple(state["weights"]))

    def predict(
        self,
        network: Callable[..., Tensor],
        noisy: Float[Tensor, "b c *space"],
        chance: Chance,
        *,
        with_std: bool = True,
    ) -> Prediction:
        """Denoised batch with its posterior standard deviation."""
        y, x = self.along
        mean = averaged(network, noisy, count=self.turns, upright=y != x)
        std = self._std(network, noisy, mean, chance) if with_std else None
        if any(self.weights):
            weights = mean.new_tensor(self.weights).view(-1, *(1,) * (mean.ndim - 2))
            mean = torch.lerp(mean, similar_filtered(noisy, mean, self.laws), weights)
        return Prediction(mean, std)

    def _std(
        self,
        network: Callable[..., Tensor],
        noisy: Float[Tensor, "b c *space"],
        mean: Float[Tensor, "b c *space"],
        chance: Chance,
    ) -> Float[Tensor, "b c *space"]:
        variance = noise_variance(self.laws, mean)
        nudge = _NUDGE * variance.sqrt()
        slope = gaussian(own_slope(network, noisy, nudge, self.along), _SMOOTHING)
        passed = gaussian(noise_passed(network, noisy, nudge, chance, self.along), _BLUR)
        return (variance * slope.clamp(0, 1) + passed / _NUDGE**2).sqrt()


def filter_weights(patches: BlindPatches, laws: Sequence[NoiseLaw]) -> tuple[float, ...]:
    """Weight of the filter over similar patches for each channel, by hidden pixels."""
    hidden = patches.hidden > 0
    shown = torch.where(hidden, patches.mean, patches.noisy)
    change = torch.where(hidden, similar_filtered(shown, patches.mean, laws) - patches.mean, 0)
    missing = patches.noisy - patches.mean
    scaled = change / noise_variance(laws, patches.mean)
    axes = (0, *range(2, change.ndim))
    seen, precision = (scaled * missing).sum(axes), (scaled * change).sum(axes)
    known = 1 / _EXPECTED[1] ** 2
    best = (seen + known * _EXPECTED[0]) / (precision + known)
    return tuple(best.clamp(0, 1).tolist())


def own_slope(
    network: Callable[..., Tensor],
    noisy: Float[Tensor, "b c *space"],
    nudge: Float[Tensor, "b c *space"],
    along: tuple[tuple[float, ...], tuple[float, ...]] = ((), ()),
) -> Float[Tensor, "b c *space"]:
    """Derivative of each output pixel with respect to its own input pixel.

    Of noise that is correlated by `along`, with respect to a nudge of its own pixel that the
    neighbours follow as far as they are correlated.

    Central differences: every pixel meets the same pattern of nudged neighbours, once with
    either sign, so the result does not depend on where a tile begins.
    """
    follows = any(map(any, along))
    spacing = (_WIDE if follows else _SPACING)[noisy.ndim - 2]
    signs = _alternating(noisy.shape[2:], spacing).to(noisy)
    slope = torch.zeros_like(noisy)
    for channel in range(noisy.shape[1]):
        for phase in itertools.product(*map(range, spacing)):
            chosen: Any = (
                slice(None),
                channel,
                *(slice(p, None, s) for p, s in zip(phase, spacing, strict=True)),
            )
            steps = torch.zeros_like(noisy)
            steps[chosen] = nudge[chosen] * signs[chosen[2:]]
            shape = _followed(steps, along) if follows else steps
            change = network(noisy + shape) - network(noisy - shape)
            slope[chosen] = change[chosen] / (2 * steps[chosen])
    return slope


def noise_passed(
    network: Callable[..., Tensor],
    noisy: Float[Tensor, "b c *space"],
    deviation: Float[Tensor, "b c *space"],
    chance: Chance,
    along: tuple[tuple[float, ...], tuple[float, ...]] = ((), ()),
) -> Float[Tensor, "b c *space"]:
    """Variance of each output pixel where noise of a small deviation is added to all inputs.

    The noise is correlated by `along`.
    """
    space, channels = noisy.shape[2:], noisy.shape[1]
    found = torch.zeros_like(noisy)
    for draw in range(_DRAWS):
        numbers = range(draw * channels, (draw + 1) * channels)
        signs = 2 * (chance.uniform(space, numbers, noisy.device) < 0.5).to(noisy) - 1
        signs = signs.transpose(0, 1)
        if any(map(any, along)):
            signs = _spread(signs, _colouring(along[0]), _colouring(along[1]))
        change = network(noisy + signs * deviation) - network(noisy - signs * deviation)
        found += (change / 2) ** 2 / _DRAWS
    return found


def _colouring(lags: tuple[float, ...]) -> Float[Tensor, " w"]:
    """Filter that gives white noise the correlation at lags of 1 and 2."""
    circle = torch.zeros(8 * _COLOURED)
    for lag, value in enumerate((1.0, *lags[:2])):
        circle[[lag, -lag]] = value
    spectrum = torch.fft.rfft(circle).real.clamp_min(0)
    line: Tensor = torch.fft.irfft(spectrum.sqrt(), n=len(circle))
    line = line.roll(_COLOURED)[: 2 * _COLOURED + 1]
    return line.div(line.square().sum().sqrt())


def _followed(
    steps: Tensor, along: tuple[tuple[float, ...], tuple[float, ...]]
) -> Float[Tensor, "b c *space"]:
    """Nudges spread to the neighbours by the correlation of the noise."""
    y, x = (torch.tensor([*lags[1::-1], 1.0, *lags[:2]]) for lags in along)
    return _spread(steps, y, x)


def _spread(
    steps: Float[Tensor, "b c *space"], y: Float[Tensor, " h"], x: Float[Tensor, " w"]
) -> Float[Tensor, "b c *space"]:
    """Filtered with a line along Y and one along X, nothing beyond the ends."""
    planes = steps.reshape(-1, 1, *steps.shape[-2:])
    kernel = (y[:, None] * x)[None, None].to(steps)
    edges = tuple(n // 2 for n in kernel.shape[2:])
    return F.conv2d(planes, kernel, padding=edges).reshape(steps.shape)


def _alternating(space: torch.Size, spacing: tuple[int, ...]) -> Float[Tensor, "*space"]:
    """Checkerboard of +1 and -1 with cells of `spacing` pixels."""
    cells = [torch.arange(n) // s for n, s in zip(space, spacing, strict=True)]
    total = sum(torch.meshgrid(*cells, indexing="ij"), torch.zeros(space, dtype=torch.long))
    return 1.0 - 2.0 * (total % 2)
