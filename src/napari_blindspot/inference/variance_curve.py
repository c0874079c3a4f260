"""Predicted variances held against what blind residuals show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

_BINS = 16
_LARGEST_FACTOR = 4.0
_SMALLEST = 1e-8


@dataclass(frozen=True)
class VarianceCurve:
    """Factor by which a predicted total variance is corrected, as a function of itself.

    Attributes
    ----------
    knots, factors : tuple of float
        Logarithms of predicted variance and of the factor there; linear in between, constant
        beyond. Empty for no correction.

    Notes
    -----
    A network that has trained briefly misjudges its variance, mostly where few pixels are.
    Because a blind residual is independent of its pixel's noise, its mean square in a group of
    pixels of alike prediction is an unbiased measure of the total variance there.
    """

    knots: tuple[float, ...] = ()
    factors: tuple[float, ...] = ()

    @classmethod
    def fit(
        cls,
        residual: Float[Tensor, "p"],
        variance: Float[Tensor, "p"],
    ) -> VarianceCurve:
        """Curve through groups of equally many pixels, by predicted variance."""
        order = variance.argsort()
        squared, predicted = residual[order].double() ** 2, variance[order].double()
        groups = [
            (float(v.mean().clamp_min(_SMALLEST)), float(s.mean().clamp_min(_SMALLEST)))
            for s, v in zip(squared.tensor_split(_BINS), predicted.tensor_split(_BINS), strict=True)
            if len(v)
        ]
        values = torch.tensor(groups, dtype=torch.float64).log()
        limit = torch.tensor(_LARGEST_FACTOR).log().item()
        factors = (values[:, 1] - values[:, 0]).clamp(-limit, limit)
        return cls(tuple(values[:, 0].tolist()), tuple(factors.tolist()))

    def apply(self, variance: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
        """Corrected variance."""
        if len(self.knots) < 2:
            return variance
        knots, factors = variance.new_tensor(self.knots), variance.new_tensor(self.factors)
        place = variance.clamp_min(_SMALLEST).log()
        right = torch.bucketize(place.contiguous(), knots).clamp(1, len(knots) - 1)
        width = (knots[right] - knots[right - 1]).clamp_min(_SMALLEST)
        share = ((place - knots[right - 1]) / width).clamp(0, 1)
        return variance * torch.lerp(factors[right - 1], factors[right], share).exp()

    def state(self) -> list[list[float]]:
        """Knots and factors, ready for JSON."""
        return [list(self.knots), list(self.factors)]

    @classmethod
    def restored(cls, state: Sequence[Sequence[float]]) -> VarianceCurve:
        """Curve with a saved `state`."""
        knots, factors = state
        return cls(tuple(map(float, knots)), tuple(map(float, factors)))
