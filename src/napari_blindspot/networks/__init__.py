"""Part 2: networks; each declares its divisor, its halo and whether it is blind."""

from __future__ import annotations

from napari_blindspot.networks.base import Network
from napari_blindspot.networks.ensemble import Ensemble
from napari_blindspot.networks.halved import Halvable
from napari_blindspot.networks.masked_unet import MaskedUNet
from napari_blindspot.networks.stabilised import StabilisedUNet
from napari_blindspot.networks.stack import Stack
from napari_blindspot.networks.unet import UNet

__all__ = ["Ensemble", "Halvable", "MaskedUNet", "Network", "StabilisedUNet", "Stack", "UNet"]
