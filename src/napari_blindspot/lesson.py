"""All that a training needs, and when it may end."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_blindspot.settling import FEWEST, Settling

if TYPE_CHECKING:
    from napari_blindspot.exam import Exam
    from napari_blindspot.methods import Parts, Spec
    from napari_blindspot.normalization import Normalization
    from napari_blindspot.patches import Patches
    from napari_blindspot.sources import Source


@dataclass(frozen=True)
class Lesson:
    """All that a training needs.

    Attributes
    ----------
    source : Source
        What is learned from.
    spec : Spec
        What the method is told.
    parts : Parts
        What it made of that.
    sampler : Patches
        Source of patches.
    exam : Exam or None
        Pixels that are held out.
    """

    source: Source
    spec: Spec
    parts: Parts
    sampler: Patches
    exam: Exam | None

    @property
    def normalization(self) -> Normalization:
        """One scale per channel; that of the source has one for each of its repeats."""
        return self.source.normalization.pooled(self.spec.channels)

    def settling(self, *, eager: bool) -> Settling | None:
        """What can end the training before its budget is used; `eager`: because a user wants it."""
        wanted = views(self.parts, self.spec)
        share = self.exam.hidden_share(self.parts) if self.exam and (eager or wanted) else 0.0
        if not share:
            return None
        if eager:
            return Settling(is_eager=True)
        asked = share * self.sampler.batch * math.prod(self.sampler.patch)
        return Settling(max(math.ceil(wanted * self.spec.pixels / asked), FEWEST))


def views(parts: Parts, spec: Spec) -> int:
    """Views of each pixel after which a training may end unasked; 0: never.

    Not in volumes: in one of 12 x 128 x 128 voxels `laine19` had 37.80 dB in place of 38.16.
    """
    return parts.recipe.settles if spec.ndim == 2 else 0
