"""Self2Self."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from napari_blindspot.methods import fields
from napari_blindspot.methods.base import Method, Parts, Recipe, Spec


@dataclass(frozen=True)
class Self2Self(Method):
    """Self2Self: a network fills in pixels that are hidden at random, again and again.

    References
    ----------
    Y. Quan, M. Chen, T. Pang and H. Ji, "Self2Self With Dropout: Learning Self-Supervised
    Denoising From Single Image", CVPR 2020.
    """

    name: ClassVar[str] = "self2self"
    title: ClassVar[str] = "Self2Self"
    reference: ClassVar[str] = "Quan et al., CVPR 2020"
    assumption: ClassVar[str] = "The noise of each pixel is independent of its neighbours."
    gain_floor_db: ClassVar[float] = 2.0
    steps_per_s: ClassVar[float] = 10.0
    paper: ClassVar[Mapping[str, Any]] = {
        "dropout": 0.3,
        "width": 48,
        "depth": 5,
        "patch": 256,
        "batch": 1,
        "learning_rate": 1e-5,
        "copies": 100,
    }

    mask_rate: float = fields.mask_rate(0.3)
    dropout: float = fields.dropout(0.1)
    copies: int = fields.copies(8)
    width: int = fields.width(16)
    depth: int = fields.depth(3)
    patch: int = fields.patch(32)
    batch: int = fields.batch(16)
    learning_rate: float = fields.learning_rate(0.004)

    def build(self, spec: Spec) -> Parts:
        """Bernoulli masking, partial convolutions, squared error, mean over masked copies."""
        from napari_blindspot.inference import Instances
        from napari_blindspot.losses import SquaredError
        from napari_blindspot.masking import Bernoulli
        from napari_blindspot.networks import MaskedUNet

        network = MaskedUNet(
            spec.ndim,
            spec.channels,
            spec.channels,
            width=self.width,
            depth=self.depth,
            kind="partial",
            dropout=self.dropout,
        )
        return Parts(
            masking=Bernoulli(self.mask_rate),
            network=network,
            loss=SquaredError(),
            predictor=Instances(self.mask_rate, self.copies),
            recipe=Recipe(self.learning_rate, self.patch, self.batch),
        )
