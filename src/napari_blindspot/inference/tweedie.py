"""Posterior mean by a visible pass, posterior variance by the derivative of the denoiser."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from napari_blindspot.filters import gaussian, gaussian_radius
from napari_blindspot.inference.base import Prediction
from napari_blindspot.inference.turned import averaged
from napari_blindspot.noise import BlindSample, NoiseLaw

_SPACING = {2: (3, 3), 3: (2, 3, 3)}
_NUDGE = 0.3
_SMOOTHING = 1.0


@dataclass(frozen=True)
class Tweedie:
    """Mean of the network over turned copies of the image; variance by Tweedie's formula.

    Attributes
    ----------
    turns : int
        Number of mirrored and turned copies to average, 1 to 8.
    laws : tuple of NoiseLaw
        Noise of each channel; empty until calibrated.

    Notes
    -----
    For Gaussian noise of variance v the posterior mean m(y) and the posterior variance of a
    pixel obey var = v dm/dy (second-order Tweedie formula). The derivative of a pixel's output
    with respect to its own input is measured by nudging the pixels of a sparse grid, neighbours
    in opposite directions, for every phase of the grid.

    References
    ----------
    H. Manor and T. Michaeli, "On the Posterior Distribution in Denoising: Application to
    Uncertainty Quantification", ICLR 2024.
    """

    turns: int = 8
    laws: tuple[NoiseLaw, ...] = ()

    @property
    def margin(self) -> int:
        """Pixels beyond the network's halo that a result depends on."""
        return gaussian_radius(_SMOOTHING)

    def moments(
        self, output: Float[Tensor, "b c *space"]
    ) -> tuple[Float[Tensor, "b c *space"], None]:
        """The output is the mean."""
        return output, None

    def calibrated(
        self,
        sample: BlindSample,  # noqa: ARG002 - part of the contract
        laws: tuple[NoiseLaw, ...],
    ) -> Tweedie:
        """This predictor with the fitted noise."""
        return dataclasses.replace(self, laws=tuple(laws))

    def state(self) -> dict[str, Any]:
        """The noise laws."""
        return {"laws": [dataclasses.asdict(law) for law in self.laws]}

    def restored(self, state: Mapping[str, Any]) -> Tweedie:
        """This predictor with saved noise laws."""
        return dataclasses.replace(self, laws=tuple(NoiseLaw(**law) for law in state["laws"]))

    def predict(
        self,
        network: Callable[..., Tensor],
        noisy: Float[Tensor, "b c *space"],
        generator: torch.Generator,  # noqa: ARG002 - part of the contract
        *,
        with_std: bool = True,
    ) -> Prediction:
        """Denoised batch with its posterior standard deviation."""
        mean = averaged(network, noisy, self.turns)
        if not with_std:
            return Prediction(mean)
        variance = torch.stack(
            [law.variance(mean[:, channel]) for channel, law in enumerate(self.laws)], 1
        )
        slope = gaussian(own_slope(network, noisy, _NUDGE * variance.sqrt()), _SMOOTHING)
        return Prediction(mean, (variance * slope.clamp(0, 1)).sqrt())


def own_slope(
    network: Callable[..., Tensor],
    noisy: Float[Tensor, "b c *space"],
    nudge: Float[Tensor, "b c *space"],
) -> Float[Tensor, "b c *space"]:
    """Derivative of each output pixel with respect to its own input pixel.

    Central differences: every pixel meets the same pattern of nudged neighbours, once with
    either sign, so the result does not depend on where a tile begins.
    """
    spacing = _SPACING[noisy.ndim - 2]
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
            change = network(noisy + steps) - network(noisy - steps)
            slope[chosen] = change[chosen] / (2 * steps[chosen])
    return slope


def _alternating(space: torch.Size, spacing: tuple[int, ...]) -> Float[Tensor, "*space"]:
    """Checkerboard of +1 and -1 with cells of `spacing` pixels."""
    cells = [torch.arange(n) // s for n, s in zip(space, spacing, strict=True)]
    total = sum(torch.meshgrid(*cells, indexing="ij"), torch.zeros(space, dtype=torch.long))
    return 1.0 - 2.0 * (total % 2)
