"""What a network learns from: series held in memory, or a ring of their blocks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch

from napari_blindspot.normalization import Normalization
from napari_blindspot.patches import PatchSampler, patch_shape
from napari_blindspot.ring import Blocks, Ring
from napari_blindspot.series import PIECE, WHOLE
from napari_blindspot.tiling import widened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_blindspot.held_out import HeldOut
    from napari_blindspot.methods import Parts
    from napari_blindspot.patches import Patches
    from napari_blindspot.series import Series

_PROBE = 2**22


class Source(Protocol):
    """Series to learn from."""

    @property
    def normalization(self) -> Normalization:
        """One intensity scale per channel for all of them."""
        ...

    @property
    def probe(self) -> NDArray[np.generic]:
        """Samples `(N, C, *space)` by which to judge the noise, as stored; about 4 million."""
        ...

    @property
    def series(self) -> tuple[Series, ...]:
        """The series."""
        ...

    def patches(
        self,
        parts: Parts,
        device: torch.device,
        generator: torch.Generator,
        held_out: tuple[HeldOut, ...] = (),
    ) -> Patches:
        """Training patches as the recipe in `parts` wants them; pixels held out do not count."""
        ...


def source_of(series: Sequence[Series]) -> Source:
    """Series as a source, in memory where they are small enough."""
    if sum(each.n_values for each in series) > WHOLE:
        return _Streamed.of(tuple(series))
    return _Held.of(tuple(series))


@dataclass(frozen=True)
class _Held:
    series: tuple[Series, ...]
    samples: list[NDArray[np.generic]]
    normalization: Normalization

    @classmethod
    def of(cls, series: tuple[Series, ...]) -> _Held:
        samples = [each.whole() for each in series]
        flat = [np.moveaxis(each, 1, 0).reshape(each.shape[1], -1) for each in samples]
        return cls(series, samples, Normalization.of(np.concatenate(flat, 1)[None]))

    @property
    def probe(self) -> NDArray[np.generic]:
        return self.samples[0] if self.samples[0].size <= _PROBE else _spread(self.series[0])

    def patches(
        self,
        parts: Parts,
        device: torch.device,
        generator: torch.Generator,  # noqa: ARG002 - nothing is drawn beforehand
        held_out: tuple[HeldOut, ...] = (),
    ) -> Patches:
        divisor, recipe = parts.network.divisor, parts.recipe
        padded = tuple(
            torch.from_numpy(widened(self.normalization.apply(each), divisor)).to(device)
            for each in self.samples
        )
        space = [min(sides) for sides in zip(*(p.shape[2:] for p in padded), strict=True)]
        shape = patch_shape(space, recipe.patch, divisor, recipe.batch)
        counted = tuple(
            torch.from_numpy(widened(_counted(each, samples.shape), divisor)).to(device)
            for each, samples in zip(held_out, self.samples, strict=bool(held_out))
        )
        return PatchSampler(padded, shape, recipe.batch, recipe.upright, counted)


@dataclass(frozen=True)
class _Streamed:
    series: tuple[Series, ...]
    normalization: Normalization

    @classmethod
    def of(cls, series: tuple[Series, ...]) -> _Streamed:
        pieces = (piece for each in series for piece in each.pieces())
        return cls(series, Normalization.of_pieces(pieces))

    @property
    def probe(self) -> NDArray[np.generic]:
        return _spread(self.series[0])

    def patches(
        self,
        parts: Parts,
        device: torch.device,
        generator: torch.Generator,
        held_out: tuple[HeldOut, ...] = (),
    ) -> Patches:
        blocks = Blocks(self.series, self.normalization, parts.network.divisor, device, held_out)
        recipe = parts.recipe
        return Ring(blocks, recipe.patch, recipe.batch, generator, upright=recipe.upright)


def _counted(held_out: HeldOut, shape: Sequence[int]) -> NDArray[np.float32]:
    """Which pixels of samples `(N, C, *space)` count, `(N, 1, *space)`."""
    everywhere = [slice(0, n) for n in shape[2:]]
    windows = [~held_out.window(n, everywhere) for n in range(shape[0])]
    return np.stack(windows)[:, None].astype(np.float32)


def _spread(series: Series) -> NDArray[np.generic]:
    """Blocks at equal distances through a series, `(N, C, *block)`."""
    space = series.space
    sides = tuple(map(min, PIECE[len(space)], space))
    wanted = math.ceil(_PROBE / len(series.channels) / math.prod(sides))
    there = series.n_samples * math.prod(-(-n // s) for n, s in zip(space, sides, strict=True))
    blocks = []
    for part in np.linspace(0, 1, min(max(wanted, 2), there)):
        starts = [round(part * (n - side)) for n, side in zip(space, sides, strict=True)]
        window = [slice(s, s + side) for s, side in zip(starts, sides, strict=True)]
        blocks.append(series.read(round(part * (series.n_samples - 1)), window))
    return np.stack(blocks)
