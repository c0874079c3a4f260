"""Part 3: losses, `loss(network, pair) -> scalar`."""

from __future__ import annotations

from napari_blindspot.losses.base import Loss
from napari_blindspot.losses.gaussian import GaussianLikelihood
from napari_blindspot.losses.smooth import SmoothError
from napari_blindspot.losses.squared import SquaredError
from napari_blindspot.losses.weighted import WeightedSquaredError

__all__ = ["GaussianLikelihood", "Loss", "SmoothError", "SquaredError", "WeightedSquaredError"]
