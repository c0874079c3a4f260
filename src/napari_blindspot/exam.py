"""The loss on pixels from which a network does not learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from napari_blindspot.held_out import HeldOut
from napari_blindspot.tiling import pad_reflected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_blindspot.methods import Parts
    from napari_blindspot.normalization import Normalization
    from napari_blindspot.pairs import TrainingPair
    from napari_blindspot.series import Series

_INTERVAL = 0.02  # of the budget
_MOST_PATCHES = 16


def held_out(series: Sequence[Series], seed: int) -> tuple[HeldOut, ...]:
    """Pixels to hold out of each series; empty if one of them has too few."""
    found = (HeldOut.of(each.n_samples, each.space, seed + i) for i, each in enumerate(series))
    kept = tuple(each for each in found if each is not None)
    return kept if len(kept) == len(series) else ()


@dataclass
class Exam:
    """Patches around pixels that are held out, always the same.

    Attributes
    ----------
    noisy, held : Tensor
        Patches `(B, C, *patch)`, and `(B, 1, *patch)` with 1 where a pixel is held out.
    """

    noisy: Tensor
    held: Tensor

    @classmethod
    def of(
        cls,
        series: Sequence[Series],
        held: Sequence[HeldOut],
        normalization: Normalization,
        patch: Sequence[int],
        device: torch.device,
        most: int = _MOST_PATCHES,
    ) -> Exam:
        """At most so many patches of a given shape around the blocks that are held out."""
        places = [(i, place) for i, each in enumerate(held) for place in each.centres()]
        chosen = [places[k] for k in np.linspace(0, len(places) - 1, most).astype(int)]
        noisy, masks = [], []
        for index, (sample, *centre) in dict.fromkeys(chosen):
            window = _around(centre, patch, series[index].space)
            values = normalization.apply(series[index].read(sample, window)[None])
            mask = held[index].window(sample, window)[None, None].astype(np.float32)
            noisy.append(_padded(values, patch))
            masks.append(_padded(mask, patch))
        return cls(torch.cat(noisy).to(device), torch.cat(masks).to(device))

    @staticmethod
    def is_due(before: float, after: float) -> bool:
        """Whether it is time for one after a step that led from one part of the budget to another.

        Nothing is remembered: a training that is taken up again has it after the same steps.
        """
        return before == 0 or before // _INTERVAL != after // _INTERVAL

    def loss(self, parts: Parts) -> float:
        """Loss of the network as it is, on the same pixels and with the same masks each time."""
        parts.network.eval()
        with torch.no_grad():
            return float(parts.loss(parts.network, self.pair(parts)))

    def pair(self, parts: Parts) -> TrainingPair:
        """The pair that is asked about, the same each time."""
        generator = torch.Generator().manual_seed(0)
        return parts.masking.sample(self.noisy, generator).counting(self.held)


def _around(centre: Sequence[int], patch: Sequence[int], space: Sequence[int]) -> list[slice]:
    """Window of the shape of a patch around a pixel, moved so that it lies inside."""
    starts = [
        min(max(c - side // 2, 0), max(n - side, 0))
        for c, side, n in zip(centre, patch, space, strict=True)
    ]
    rows = zip(starts, patch, space, strict=True)
    return [slice(start, min(start + side, n)) for start, side, n in rows]


def _padded(
    values: np.ndarray[tuple[int, ...], np.dtype[np.float32]], patch: Sequence[int]
) -> Tensor:
    """Values with the shape of a patch, which can be wider than a short axis of the image."""
    return torch.from_numpy(pad_reflected(values, patch))
