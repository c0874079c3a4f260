"""Part 1: what the network may see and what it must predict."""

from __future__ import annotations

from napari_blindspot.masking.base import MaskingScheme
from napari_blindspot.masking.bernoulli import Bernoulli
from napari_blindspot.masking.checkerboard import Checkerboard
from napari_blindspot.masking.everything import Everything
from napari_blindspot.masking.grid import Grid
from napari_blindspot.masking.neighbours import Exchanged, RandomNeighbours
from napari_blindspot.masking.patterns import pattern_offsets
from napari_blindspot.masking.recorrupted import Recorrupted
from napari_blindspot.masking.stratified import Stratified

__all__ = [
    "Bernoulli",
    "Checkerboard",
    "Everything",
    "Exchanged",
    "Grid",
    "MaskingScheme",
    "RandomNeighbours",
    "Recorrupted",
    "Stratified",
    "pattern_offsets",
]
