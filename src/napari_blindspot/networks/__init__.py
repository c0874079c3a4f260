"""Part 2: networks; each declares its divisor, its halo and whether it is blind."""

from __future__ import annotations

from napari_blindspot.networks.base import Network
from napari_blindspot.networks.completing import Completing
from napari_blindspot.networks.deamnet import DeamNet
from napari_blindspot.networks.dncnn import DnCNN
from napari_blindspot.networks.ensemble import Ensemble
from napari_blindspot.networks.halved import Halvable
from napari_blindspot.networks.masked_unet import MaskedUNet
from napari_blindspot.networks.nafnet import NAFNet
from napari_blindspot.networks.prior import PriorUNet
from napari_blindspot.networks.restormer import Restormer
from napari_blindspot.networks.shipped import pretrained
from napari_blindspot.networks.shuffled import Shuffled
from napari_blindspot.networks.stabilised import StabilisedUNet
from napari_blindspot.networks.stack import Stack
from napari_blindspot.networks.unet import UNet

__all__ = [
    "Completing",
    "DeamNet",
    "DnCNN",
    "Ensemble",
    "Halvable",
    "MaskedUNet",
    "NAFNet",
    "Network",
    "PriorUNet",
    "Restormer",
    "Shuffled",
    "StabilisedUNet",
    "Stack",
    "UNet",
    "pretrained",
]
