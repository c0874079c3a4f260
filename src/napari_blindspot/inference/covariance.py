"""Posterior mean for channels that are denoised together."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from napari_blindspot.chance import Chance
from napari_blindspot.inference.base import Prediction
from napari_blindspot.inference.posterior import PosteriorMean, noise_variance
from napari_blindspot.inference.turned import averaged
from napari_blindspot.noise import BlindSample, NoiseLaw
from napari_blindspot.triangular import factor, variances

_PIXELS_AT_ONCE = 2**15  # eigenvalues of all pixels of a tile would take seconds


@dataclass(frozen=True)
class CovariancePosterior:
    """Gaussian posterior of all channels of a pixel together (eq. 3).

    The network gives `C + C (C + 1) / 2` channels: means, then the raw triangular factor A of
    the inverse of the total covariance. The noise is independent between the channels.

    Attributes
    ----------
    channels : int
        C.
    noise : PosteriorMean
        Holds the noise law and the variance curve of each channel.
    margin : int
        Each pixel needs no more than the network's halo.

    Notes
    -----
    With the noise N and W = N^(1/2) A^T A N^(1/2), the share of the residual that is signal is
    N^(1/2) (1 - W) N^(-1/2), and the posterior covariance N^(1/2) (1 - W) N^(1/2). The
    eigenvalues of W are those of noise over total, at most 1 in theory; they are limited so
    that the signal keeps up to 0.1 of the noise, as for single channels. The paper clamps the
    diagonal of the signal's covariance instead, which does not keep it positive.
    """

    channels: int
    noise: PosteriorMean
    margin: int = 0

    def moments(
        self, output: Float[Tensor, "b k *space"]
    ) -> tuple[Float[Tensor, "b c *space"], Float[Tensor, "b c *space"]]:
        """Mean and the diagonal of the total covariance."""
        matrix = factor(output[:, self.channels :], self.channels)
        return output[:, : self.channels], variances(matrix)

    def draft(self) -> CovariancePosterior:
        """This predictor without averages: fast, for a preview."""
        return replace(self, noise=self.noise.draft())

    def calibrated(self, sample: BlindSample, laws: tuple[NoiseLaw, ...]) -> CovariancePosterior:
        """Copy with a noise law and a variance curve per channel."""
        return replace(self, noise=self.noise.calibrated(sample, laws))

    def state(self) -> dict[str, Any]:
        """Laws and curves."""
        return self.noise.state()

    def restored(self, state: Mapping[str, Any]) -> CovariancePosterior:
        """Copy with saved laws and curves."""
        return replace(self, noise=self.noise.restored(state))

    def predict(
        self,
        network: Callable[..., Tensor],
        noisy: Float[Tensor, "b c *space"],
        chance: Chance,  # noqa: ARG002 - part of the contract
        *,
        with_std: bool = True,  # noqa: ARG002 - free here
    ) -> Prediction:
        """Posterior mean and standard deviations."""
        output = averaged(network, noisy, count=self.noise.turns)
        rows = max(_PIXELS_AT_ONCE // math.prod(noisy.shape[3:]), 1)
        slabs = zip(*(torch.split(x, rows, 2) for x in (noisy, output)), strict=True)
        means, stds = zip(*(self._posterior(*slab) for slab in slabs), strict=True)
        return Prediction(torch.cat(means, 2), torch.cat(stds, 2))

    def _posterior(
        self, noisy: Float[Tensor, "b c *space"], output: Float[Tensor, "b k *space"]
    ) -> tuple[Float[Tensor, "b c *space"], Float[Tensor, "b c *space"]]:
        """Posterior mean and standard deviation of some rows."""
        mean, total = self.moments(output)
        spread = self._stretched(total)
        share, variance = self._share(output, mean, mean, spread)
        first = mean + _applied(share, noisy - mean)
        share, variance = self._share(output, mean, first, spread)
        return mean + _applied(share, noisy - mean), variance.sqrt()

    def _stretched(self, total: Float[Tensor, "b c *space"]) -> Float[Tensor, "b c *space"]:
        """Factor on the standard deviation of each channel by its variance curve."""
        channels = zip(self.noise.curves, total.unbind(1), strict=True)
        after = torch.stack([curve.apply(values) for curve, values in channels], 1)
        return (after / total).sqrt()

    def _share(
        self,
        output: Float[Tensor, "b k *space"],
        mean: Float[Tensor, "b c *space"],
        signal: Float[Tensor, "b c *space"],
        spread: Float[Tensor, "b c *space"],
    ) -> tuple[Float[Tensor, "b *space c c"], Float[Tensor, "b c *space"]]:
        """Share of the residual that is signal, and the posterior variances.

        The signal's covariance is limited with the noise at `mean`; the measurement is weighed
        with the noise at `signal`.
        """
        matrix = factor(output[:, self.channels :], self.channels)
        at_mean = noise_variance(self.noise.laws, mean).sqrt()
        scaled = matrix * (at_mean / spread).movedim(1, -1)[..., None, :]
        values, vectors = torch.linalg.eigh(scaled.mT @ scaled)
        prior = (1 / values.clamp_min(1e-9) - 1).clamp_min(min(self.noise.least))
        root = at_mean.movedim(1, -1)[..., None] * vectors * prior.sqrt()[..., None, :]
        noise = noise_variance(self.noise.laws, signal).movedim(1, -1)
        covariance = root @ root.mT
        total = covariance + torch.diag_embed(noise)
        share = torch.linalg.solve(total, covariance).mT
        left = (share * noise[..., None, :]).diagonal(dim1=-2, dim2=-1)
        return share, left.clamp_min(0).movedim(-1, 1)


def _applied(
    matrix: Float[Tensor, "b *space c c"], values: Float[Tensor, "b c *space"]
) -> Float[Tensor, "b c *space"]:
    return (matrix @ values.movedim(1, -1)[..., None])[..., 0].movedim(-1, 1)
