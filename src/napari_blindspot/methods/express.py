"""Express: our own composition for a laptop, and the default."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from napari_blindspot.methods import fields
from napari_blindspot.methods.base import Method, Parts, Recipe, Spec
from napari_blindspot.params import param

if TYPE_CHECKING:
    from napari_blindspot.noise import NoiseLaw

_SECONDS_PER_MEMBER = 12.0
_MOST_MEMBERS = 16


@dataclass(frozen=True)
class Express(Method):
    """Recorrupted pairs, a small network in stabilised coordinates, several of them averaged.

    References
    ----------
    T. Pang et al., "Recorrupted-to-Recorrupted", CVPR 2021 (pairs).
    J. Batson and L. Royer, "Noise2Self", ICML 2019 (blind predictions for the noise law).
    """

    name: ClassVar[str] = "express"
    title: ClassVar[str] = "Express"
    reference: ClassVar[str] = "Our own, after Pang et al., CVPR 2021"
    assumption: ClassVar[str] = (
        "The noise of each pixel is independent of its neighbours, with variance = gain * signal "
        "+ offset."
    )
    gain_floor_db: ClassVar[float] = 5.0
    has_std: ClassVar[bool] = True
    steps_per_s: ClassVar[float] = 34.0

    alpha: float = param(
        0.8,
        label="Recorruption",
        help="Strength of the noise added in training; lower for little noise.",
        limits=(0.2, 3.0),
        step=0.1,
    )
    members: int | None = param(
        None,
        label="Networks",
        help="Networks that are trained side by side and averaged; auto grows with the budget.",
        limits=(1, 32),
        step=1,
    )
    width: int = fields.width(32)
    depth: int = fields.depth(2, most=4)
    patch: int = fields.patch(64)
    batch: int = fields.batch(4)
    learning_rate: float = fields.learning_rate(0.004)
    turns: int = param(
        8,
        label="Turns",
        help="Mirrored and turned copies that are averaged in the prediction.",
        limits=(1, 8),
        step=1,
    )

    def build(self, spec: Spec) -> Parts:
        """Recorrupted pairs, ensemble of stabilised U-Nets, weighted error, Tweedie."""
        import torch

        from napari_blindspot.inference import Tweedie
        from napari_blindspot.losses import WeightedSquaredError
        from napari_blindspot.masking import Grid, Recorrupted
        from napari_blindspot.networks import Ensemble, StabilisedUNet
        from napari_blindspot.noise import NoiseLaw

        laws = spec.noise or (NoiseLaw(0.0, 0.1),) * spec.channels
        level = [float(law.variance(torch.zeros(()))) for law in laws]
        floor = tuple(max(law.floor, _FLOOR * v) for law, v in zip(laws, level, strict=True))
        gain, offset = tuple(law.gain for law in laws), tuple(law.offset for law in laws)
        count = self.members or _members(spec.budget_s)
        members = [
            StabilisedUNet(spec.ndim, gain, offset, floor, width=self.width, depth=self.depth)
            for _ in range(count)
        ]
        return Parts(
            masking=Recorrupted(gain, offset, floor, self.alpha),
            network=Ensemble(members),
            loss=WeightedSquaredError(laws, _WEIGHT_POWER),
            predictor=Tweedie(self.turns),
            recipe=Recipe(
                self.learning_rate,
                self.patch,
                self.batch * count,
                averaging=0.98,
                noise_updates=_NOISE_UPDATES,
            ),
            blind=Grid(_SPACING),
        )

    def renoised(self, parts: Parts, laws: tuple[NoiseLaw, ...]) -> Parts:
        """Recorruption with the fitted noise."""
        from napari_blindspot.masking import Recorrupted

        floor = tuple(max(law.floor, _FLOOR * law.offset) for law in laws)
        gain = tuple(_SHRINK * law.gain for law in laws)
        offset = tuple(_SHRINK * law.offset for law in laws)
        return dataclasses.replace(parts, masking=Recorrupted(gain, offset, floor, self.alpha))


_SHRINK = 0.95  # a blind residual holds some error of the prediction besides the noise
_FLOOR = 0.02
_WEIGHT_POWER = 0.25
_SPACING = 4
_NOISE_UPDATES = (0.15, 0.4)


def _members(budget_s: float) -> int:
    return min(max(round(budget_s / _SECONDS_PER_MEMBER), 1), _MOST_MEMBERS)
