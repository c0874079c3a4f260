"""Training patches from a series too large for memory."""

from __future__ import annotations

import math
from collections import deque
from concurrent.futures import Future, wait
from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from napari_blindspot.halting import check
from napari_blindspot.patches import Draw, PatchSampler, patch_shape
from napari_blindspot.series import PIECE
from napari_blindspot.tiling import widened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_blindspot.held_out import HeldOut
    from napari_blindspot.normalization import Normalization
    from napari_blindspot.series import Series

HELD = 2**26  # values
MOST_BLOCKS = 1024
BATCHES_PER_BLOCK = 8
_POLL_S = 0.1


@dataclass(frozen=True)
class Blocks:
    """The blocks of some series, in normalised units.

    Attributes
    ----------
    series : tuple of Series
        What to read from.
    normalization : Normalization
        Intensity scale.
    divisor : tuple of int
        Block size of the network per axis; shorter axes are padded by reflection.
    device : torch.device
        Where blocks are put.
    held_out : tuple of HeldOut
        Pixels of each series that do not count; empty where all count.
    """

    series: tuple[Series, ...]
    normalization: Normalization
    divisor: tuple[int, ...]
    device: torch.device
    held_out: tuple[HeldOut, ...] = ()

    @property
    def n_pixels(self) -> int:
        """Pixels of all series."""
        return sum(each.n_samples * math.prod(each.space) for each in self.series)

    def sides(self, index: int) -> tuple[int, ...]:
        """Spatial shape of the blocks of one series, as they are read."""
        space = self.series[index].space
        return tuple(map(min, PIECE[len(space)], space))

    @property
    def count(self) -> int:
        """Number of blocks to hold at once."""
        largest = max(
            math.prod(self.sides(i)) * len(each.channels) for i, each in enumerate(self.series)
        )
        return min(max(HELD // largest, 2), MOST_BLOCKS)

    def draw(self, generator: torch.Generator) -> list[int]:
        """A random place: number of the series, of the sample, and the first pixel."""
        sizes = torch.tensor([float(each.n_values) for each in self.series])
        index = int(torch.multinomial(sizes, 1, generator=generator))
        space, sides = self.series[index].space, self.sides(index)
        limits = [self.series[index].n_samples]
        limits += [length - side + 1 for length, side in zip(space, sides, strict=True)]
        return [index, *(int(torch.randint(n, (), generator=generator)) for n in limits)]

    def read(self, place: Sequence[int]) -> Draw:
        """The block at a place, `(1, C, *block)`, and which of its pixels count."""
        index, sample, *start = place
        window = [slice(s, s + n) for s, n in zip(start, self.sides(index), strict=True)]
        values = self.normalization.apply(self.series[index].read(sample, window)[None])
        noisy = self._placed(values)
        if not self.held_out:
            return Draw(noisy)
        counted = ~self.held_out[index].window(sample, window)
        return Draw(noisy, self._placed(counted[None, None].astype(np.float32)))

    def _placed(self, values: NDArray[np.float32]) -> Tensor:
        return torch.from_numpy(widened(values, self.divisor)).to(self.device)


class Ring:
    """Blocks drawn at random, the oldest of which is replaced every few batches.

    What is drawn depends on the generator alone; the next block is read meanwhile.

    Parameters
    ----------
    blocks : Blocks
        Where blocks come from.
    patch, batch : int
        Wanted side of the patches, and patches per batch.
    generator : torch.Generator
        Draws the first blocks.
    upright : bool
        Whether patches are mirrored only, not turned.
    """

    def __init__(
        self,
        blocks: Blocks,
        patch: int,
        batch: int,
        generator: torch.Generator,
        *,
        upright: bool = False,
    ) -> None:
        self.batch = batch
        self._upright = upright
        self._blocks = blocks
        self._fill([blocks.draw(generator) for _ in range(blocks.count + 1)], 0)
        shapes = (block.noisy.shape[2:] for block in self._held)
        shortest = [min(sides) for sides in zip(*shapes, strict=True)]
        self.patch = patch_shape(shortest, patch, blocks.divisor, batch)

    @property
    def pixels(self) -> int:
        """Pixels of all series, over which the patches are drawn."""
        return self._blocks.n_pixels

    def draw(self, generator: torch.Generator) -> Draw:
        """One batch; the same generator state and number of the batch give the same batch."""
        if self._drawn and self._drawn % BATCHES_PER_BLOCK == 0:
            self._advance(generator)
        self._drawn += 1
        noisy = tuple(block.noisy for block in self._held)
        counted = tuple(block.counted for block in self._held if block.counted is not None)
        sampler = PatchSampler(noisy, self.patch, self.batch, self._upright, counted)
        return sampler.draw(generator)

    def state(self) -> dict[str, Any]:
        """Where the blocks lie, ready for JSON."""
        return {"places": list(self._places), "drawn": self._drawn}

    def restore(self, state: dict[str, Any]) -> None:
        """Read the blocks of a saved `state` again."""
        self._fill(state["places"], state["drawn"])

    def _fill(self, places: Sequence[list[int]], drawn: int) -> None:
        """Hold the blocks at all places but the last, which is read meanwhile."""
        self._places = deque(places)
        self._drawn = drawn
        self._held = deque(self._blocks.read(place) for place in places[:-1])
        self._next = self._read_meanwhile(places[-1])

    def _advance(self, generator: torch.Generator) -> None:
        while not self._next.done():
            check()
            wait([self._next], _POLL_S)
        self._held.popleft()
        self._held.append(self._next.result())
        self._places.popleft()
        self._places.append(self._blocks.draw(generator))
        self._next = self._read_meanwhile(self._places[-1])

    def _read_meanwhile(self, place: Sequence[int]) -> Future[Draw]:
        future: Future[Draw] = Future()

        def read() -> None:
            try:
                future.set_result(self._blocks.read(place))
            except Exception as error:
                future.set_exception(error)

        Thread(target=read, daemon=True).start()
        return future
