"""Part 4: from a trained network to the denoised image."""

from __future__ import annotations

from napari_blindspot.inference.base import Prediction, Predictor
from napari_blindspot.inference.complementary import Complementary
from napari_blindspot.inference.instances import Instances
from napari_blindspot.inference.phases import GridPhases
from napari_blindspot.inference.plain import PlainPass
from napari_blindspot.inference.tweedie import Tweedie

__all__ = [
    "Complementary",
    "GridPhases",
    "Instances",
    "PlainPass",
    "Prediction",
    "Predictor",
    "Tweedie",
]
