"""The loss on pixels from which a network does not learn."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from napari_blindspot.held_out import ENOUGH, MOST, SHARE, HeldOut
from napari_blindspot.settling import Marks
from napari_blindspot.tiling import widened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_blindspot.masking import MaskingScheme
    from napari_blindspot.methods import Parts
    from napari_blindspot.normalization import Normalization
    from napari_blindspot.pairs import TrainingPair
    from napari_blindspot.series import Series

_INTERVAL = 0.02  # of the budget
_MOST_TILES = 32
_MOST_MASKS, _ENOUGH = 16, 2000  # masks, until so many pixels were hidden
_GROUPS, _BLOCK = 8, 16  # of pixels, whose errors are told apart, and side of their blocks


def held_out(series: Sequence[Series], seed: int, *, decide: bool = False) -> tuple[HeldOut, ...]:
    """Pixels to hold out of each series; empty if one of them has too few.

    More than usual of small series, if they are to decide on the end of the training: 2 % of
    192 x 192 pixels are too few to tell it from chance.
    """
    pixels = sum(each.n_samples * math.prod(each.space) for each in series)
    share = min(max(ENOUGH / pixels, SHARE), MOST) if decide else SHARE
    found = (
        HeldOut.of(each.n_samples, each.space, seed + i, share) for i, each in enumerate(series)
    )
    kept = tuple(each for each in found if each is not None)
    return kept if len(kept) == len(series) else ()


@dataclass
class Exam:
    """Tiles with pixels that are held out, always the same.

    Attributes
    ----------
    noisy, held : Tensor
        Tiles `(B, C, *patch)`, and `(B, 1, *patch)` with 1 where a pixel is held out.
    is_told : bool
        Whether its loss is wanted all along.
    """

    noisy: Tensor
    held: Tensor
    is_told: bool = False

    @classmethod
    def of(
        cls,
        series: Sequence[Series],
        held: Sequence[HeldOut],
        normalization: Normalization,
        patch: Sequence[int],
        device: torch.device,
        *,
        is_told: bool = False,
    ) -> Exam:
        """Tiles of a given shape, those with most pixels that are held out."""
        noisy, masks = [], []
        for index, sample, *tile in _fullest(held, patch):
            window = _window(tile, patch, series[index].space)
            values = normalization.apply(series[index].read(sample, window)[None])
            mask = held[index].window(sample, window)[None, None].astype(np.float32)
            noisy.append(_padded(values, patch))
            masks.append(_padded(mask, patch))
        return cls(torch.cat(noisy).to(device), torch.cat(masks).to(device), is_told)

    def is_due(self, before: float, after: float) -> bool:
        """Whether its loss is told after a step that led from one part of the budget to another.

        Nothing is remembered: a training that is taken up again has it after the same steps.
        """
        return self.is_told and (before == 0 or before // _INTERVAL != after // _INTERVAL)

    def loss(self, parts: Parts) -> float:
        """Loss of the network as it is, on the same pixels and with the same mask each time."""
        parts.network.eval()
        with torch.no_grad():
            return float(parts.loss(parts.network, self.pair(parts)))

    def marks(self, parts: Parts) -> Marks:
        """Squared errors of blind predictions, on the same pixels with the same masks each time.

        Not the loss, which for a likelihood also asks how sure the network is, and for halves of an
        image is not that of the whole. Masks that hide few pixels are drawn several times.
        """
        network, masking = parts.network.eval(), parts.blind or parts.masking
        masks = min(math.ceil(_ENOUGH / max(_counted(self._pair(masking)), 1)), _MOST_MASKS)
        groups = math.ceil(_GROUPS / masks)
        found = []
        with torch.no_grad():
            for seed in range(masks):
                pair = self._pair(masking, seed)
                mean, _ = parts.predictor.moments(network(pair.input, pair.unseen))
                error, group = (mean - pair.target) ** 2, self._groups(pair, groups)
                for number in range(groups):
                    chosen = error[(pair.mask != 0) & (group == number)]
                    found.append((float(chosen.mean()), chosen.numel()))
        # The same masks leave out the same groups each time.
        return Marks(*zip(*(row for row in found if row[1]), strict=True))

    def hidden_share(self, parts: Parts) -> float:
        """Part of the pixels that one step asks for; above 1 where a mask has several rows.

        0 where no mask asks for any that is held out.
        """
        counted, asked = 0, 0.0
        for seed in range(_MOST_MASKS):
            pair = self._pair(parts.masking, seed)
            counted, asked = counted + _counted(pair), asked + float(self.held.sum())
            if counted > _ENOUGH / _GROUPS:
                break
        return counted / (asked * pair.mask.shape[1])

    def _groups(self, pair: TrainingPair, count: int) -> Tensor:
        """Number of the group of each pixel: blocks in turn, and other ones in each tile."""
        axes = (len(self.noisy), *self.noisy.shape[2:])
        places = torch.meshgrid(*(torch.arange(n) for n in axes), indexing="ij")
        number = places[0] + sum(place // _BLOCK * (3**k) for k, place in enumerate(places[1:]))
        number = (number % count).unsqueeze(1).to(pair.mask.device)
        return torch.cat([number] * (len(pair.mask) // len(number))).expand_as(pair.mask)

    def pair(self, parts: Parts) -> TrainingPair:
        """The pair that is asked about, the same each time."""
        return self._pair(parts.masking)

    def _pair(self, masking: MaskingScheme, seed: int = 0) -> TrainingPair:
        generator = torch.Generator().manual_seed(seed)
        return masking.sample(self.noisy, generator).counting(self.held)


def _counted(pair: TrainingPair) -> int:
    """Pixels that count in the loss; neighbours are told apart by the sign of a mask."""
    return int(pair.mask.count_nonzero())


def _fullest(held: Sequence[HeldOut], patch: Sequence[int]) -> list[tuple[int, ...]]:
    """Series, sample and place in the grid of the tiles with most blocks that are held out."""
    count = Counter(
        (index, sample, *(c // side for c, side in zip(centre, patch, strict=True)))
        for index, each in enumerate(held)
        for sample, *centre in each.centres()
    )
    least = sorted(count.values(), reverse=True)[:_MOST_TILES][-1]
    tiles = [tile for tile, blocks in count.items() if blocks >= least]
    chosen = np.linspace(0, len(tiles) - 1, min(_MOST_TILES, len(tiles))).astype(int)
    return [tiles[k] for k in chosen]


def _window(tile: Sequence[int], patch: Sequence[int], space: Sequence[int]) -> list[slice]:
    """Window of a tile; the last ones along an axis are moved so that they lie inside."""
    starts = [
        min(number * side, max(n - side, 0))
        for number, side, n in zip(tile, patch, space, strict=True)
    ]
    rows = zip(starts, patch, space, strict=True)
    return [slice(start, min(start + side, n)) for start, side, n in rows]


def _padded(
    values: np.ndarray[tuple[int, ...], np.dtype[np.float32]], patch: Sequence[int]
) -> Tensor:
    """Values with the shape of a patch, which can be wider than a short axis of the image."""
    return torch.from_numpy(widened(values, patch))
