"""Noise2Void masking: few pixels, spread evenly, replaced from their neighbourhood."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from napari_blindspot.pairs import TrainingPair

_DRAWS = 8


@dataclass(frozen=True)
class Stratified:
    """One random pixel per block is hidden.

    Attributes
    ----------
    fraction : float
        Part of the pixels whose value must be predicted, more than 0 and at most 0.25.
    neighbourhood : int
        Side of the square (cube) from which replacements come, odd.
    replacement : {"uniform", "median"}
        A neighbour drawn at random, or the median of the neighbours.
    pattern : tuple of offsets
        Pixels that are hidden together with each selected one (structured noise); only the
        selected ones count in the loss.
    apart : bool
        Whether each channel has pixels of its own that are hidden; else all have the same.

    Notes
    -----
    A replacement never comes from a hidden pixel. The published selection allows it, and then
    the value of a masked pixel can be seen in the place of a masked neighbour.

    References
    ----------
    A. Krull et al., "Noise2Void: Learning Denoising from Single Noisy Images", CVPR 2019.
    E. Höck et al., "N2V2: Fixing Noise2Void Checkerboard Artifacts", ECCV workshops 2022.
    C. Broaddus et al., "Removing Structured Noise with Self-Supervised Blind-Spot Networks",
    ISBI 2020.
    """

    fraction: float
    neighbourhood: int
    replacement: Literal["uniform", "median"] = "uniform"
    pattern: tuple[tuple[int, ...], ...] = ()
    apart: bool = False

    hides: ClassVar[bool] = True

    def sample(
        self, noisy: Float[Tensor, "b c *space"], generator: torch.Generator
    ) -> TrainingPair:
        """Pair with freshly selected pixels."""
        if not self.apart:
            return self._alike(noisy, generator)
        pair = self._alike(noisy.flatten(0, 1).unsqueeze(1), generator)
        return TrainingPair(pair.input.view_as(noisy), noisy, pair.mask.view_as(noisy))

    def _alike(
        self, noisy: Float[Tensor, "b c *space"], generator: torch.Generator
    ) -> TrainingPair:
        """Pair with pixels that are the same in all channels."""
        # All but the values is chosen on the host: nothing waits for a device to tell of it.
        selected = self._select(len(noisy), noisy.shape[2:], generator)
        hidden = self._spread(selected)
        points = hidden.nonzero()
        fill, usable = self._replace(noisy, hidden, points, generator)
        points = points[usable]
        fill = fill if bool(usable.all()) else fill[usable.to(noisy.device)]
        covered = torch.zeros_like(hidden)
        covered[tuple(points.T)] = True
        source = noisy.clone()
        source.movedim(1, -1)[tuple(points.T.to(noisy.device))] = fill
        counted = (selected & self._complete(hidden, covered)).to(noisy.device)
        mask = counted.unsqueeze(1).expand_as(noisy).to(noisy.dtype)
        return TrainingPair(source, noisy, mask)

    def _select(
        self, batch: int, space: Sequence[int], generator: torch.Generator
    ) -> Bool[Tensor, "b *space"]:
        """One pixel per block of 1 / fraction pixels."""
        blocks = self._blocks(space)
        counts = [math.ceil(n / b) for n, b in zip(space, blocks, strict=True)]
        corners = torch.tensor(list(itertools.product(*map(range, counts))))
        inside = torch.rand((batch, *corners.shape), generator=generator)
        position = ((corners + inside) * torch.tensor(blocks)).long()
        samples = torch.arange(batch)[:, None, None].expand(*position.shape[:2], 1)
        points = torch.cat([samples, position], -1).flatten(0, 1)
        points = points[(points[:, 1:] < torch.tensor(space)).all(1)]
        selected = torch.zeros((batch, *space), dtype=torch.bool)
        selected[tuple(points.T)] = True
        return selected

    def _blocks(self, space: Sequence[int]) -> list[float]:
        """Sides of a block of 1 / fraction pixels, as equal as thin axes allow."""
        sides, volume = dict.fromkeys(range(len(space)), 1.0), 1 / self.fraction
        for done, axis in enumerate(sorted(sides, key=lambda axis: space[axis])):
            sides[axis] = max(min(volume ** (1 / (len(space) - done)), space[axis]), 1.0)
            volume /= sides[axis]
        return list(sides.values())

    def _spread(self, selected: Bool[Tensor, "b *space"]) -> Bool[Tensor, "b *space"]:
        """All pixels hidden by the pattern around the selected ones."""
        if not self.pattern:
            return selected
        limits = selected.new_tensor(selected.shape[1:], dtype=torch.long)
        offsets = limits.new_tensor(self.pattern)
        points = selected.nonzero()
        places = points[:, None, 1:] + offsets
        samples = points[:, None, :1].expand(-1, len(offsets), 1)
        spread = torch.cat([samples, places], -1).flatten(0, 1)
        inside = ((spread[:, 1:] >= 0) & (spread[:, 1:] < limits)).all(1)
        hidden = selected.clone()
        hidden[tuple(spread[inside].T)] = True
        return hidden

    def _complete(
        self, hidden: Bool[Tensor, "b *space"], covered: Bool[Tensor, "b *space"]
    ) -> Bool[Tensor, "b *space"]:
        """Pixels none of whose hidden companions is left with its own value."""
        left_over = hidden & ~covered
        if not bool(left_over.any()):
            return torch.ones_like(hidden)
        return ~self._spread(left_over) if self.pattern else ~left_over

    def _replace(
        self,
        noisy: Float[Tensor, "b c *space"],
        hidden: Bool[Tensor, "b *space"],
        points: Int[Tensor, "p d1"],
        generator: torch.Generator,
    ) -> tuple[Float[Tensor, "p c"], Bool[Tensor, "p"]]:
        """Values for the hidden points, and which of them have one."""
        offsets = self._offsets(noisy.ndim - 2, len(points), generator)
        places = points[:, None, 1:] + offsets
        limits = places.new_tensor(noisy.shape[2:])
        samples = points[:, :1].expand(places.shape[:-1])
        inside = ((places >= 0) & (places < limits)).all(-1)
        index = (samples, *places.clamp_min(0).minimum(limits - 1).unbind(-1))
        allowed = inside & ~hidden[index]
        if self.replacement == "uniform":
            one = (torch.arange(len(points)), allowed.int().argmax(1))
            fill = _values(noisy, [axis[one] for axis in index])
        else:
            seen = torch.where(
                allowed.to(noisy.device)[..., None], _values(noisy, index), torch.nan
            )
            fill = seen.nanmedian(1).values
        return fill, allowed.any(1)

    def _offsets(self, ndim: int, points: int, generator: torch.Generator) -> Int[Tensor, "p k d"]:
        """Candidates relative to each point, the centre left out."""
        radius = self.neighbourhood // 2
        window = [range(-radius, radius + 1)] * ndim
        around = torch.tensor([o for o in itertools.product(*window) if any(o)])
        if self.replacement == "median":
            return around.expand(points, *around.shape)
        draws = torch.randint(len(around), (points, _DRAWS), generator=generator)
        return around[draws]


def _values(noisy: Tensor, index: Sequence[Tensor]) -> Tensor:
    """Values `(..., C)` at positions that are known to the host."""
    chosen: Tensor = noisy.movedim(1, -1)[tuple(axis.to(noisy.device) for axis in index)]
    return chosen
