"""Optimisers of the training loop."""

from __future__ import annotations

from napari_blindspot.optimizer.adamw import AdamW
from napari_blindspot.optimizer.base import Optimizer
from napari_blindspot.optimizer.muon import Muon

# By the names that methods give to their parameter `optimizer`.
OPTIMIZERS: dict[str, type[AdamW] | type[Muon]] = {"muon": Muon, "adam": AdamW}

__all__ = ["OPTIMIZERS", "AdamW", "Muon", "Optimizer"]
