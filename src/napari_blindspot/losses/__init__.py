"""Part 3: losses, `loss(network, pair) -> scalar`."""

from __future__ import annotations

from napari_blindspot.losses.absolute import AbsoluteError
from napari_blindspot.losses.base import Loss
from napari_blindspot.losses.diagonal import DiagonalPair
from napari_blindspot.losses.gaussian import GaussianLikelihood
from napari_blindspot.losses.halves import HalvesError
from napari_blindspot.losses.neighbours import NeighbourError
from napari_blindspot.losses.revisible import RevisibleError
from napari_blindspot.losses.smooth import SmoothError
from napari_blindspot.losses.squared import SquaredError
from napari_blindspot.losses.weighted import WeightedSquaredError

__all__ = [
    "AbsoluteError",
    "DiagonalPair",
    "GaussianLikelihood",
    "HalvesError",
    "Loss",
    "NeighbourError",
    "RevisibleError",
    "SmoothError",
    "SquaredError",
    "WeightedSquaredError",
]
