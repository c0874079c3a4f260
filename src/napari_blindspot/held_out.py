"""Pixels from which a network does not learn, to see what it has learned."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SHARE, MOST = 0.02, 0.15  # of the pixels
ENOUGH = 5000  # pixels that tell when a training is over
_SIDES = {2: (8, 8), 3: (2, 8, 8)}
_FEWEST = 200  # blocks from which on some can be spared


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Blocks of a series that are held out, 2 % of its pixels or some more.

    Blocks and not single pixels, so that a mask of few pixels still finds some of them in one
    patch; small ones, so that they are found in all parts of an image. They are shown to the
    network like all others, but count in no loss.

    Attributes
    ----------
    blocks : ndarray of bool
        `(N, *blocks)`, true where a block is held out.
    side : tuple of int
        Spatial shape of a block.
    """

    blocks: NDArray[np.bool_]
    side: tuple[int, ...]

    @classmethod
    def of(
        cls, n_samples: int, space: Sequence[int], seed: int, share: float = SHARE
    ) -> HeldOut | None:
        """Blocks drawn at random; None where there are too few to spare one."""
        side = tuple(min(s, n) for s, n in zip(_SIDES[len(space)], space, strict=True))
        counts = [math.ceil(n / s) for n, s in zip(space, side, strict=True)]
        total = n_samples * math.prod(counts)
        if total < _FEWEST:
            return None
        chosen = np.random.default_rng(seed).choice(total, math.ceil(share * total), replace=False)
        blocks = np.zeros(total, bool)
        blocks[chosen] = True
        return cls(blocks.reshape(n_samples, *counts), side)

    def window(self, sample: int, window: Sequence[slice]) -> NDArray[np.bool_]:
        """Whether each pixel of a window of one sample is held out."""
        spans = zip(window, self.side, strict=True)
        places = np.ix_(*(np.arange(w.start, w.stop) // s for w, s in spans))
        chosen: NDArray[np.bool_] = self.blocks[sample][places]
        return chosen

    def centres(self) -> list[tuple[int, ...]]:
        """Number of the sample and central pixel of each block."""
        return [
            (
                int(place[0]),
                *(int(p * s + s // 2) for p, s in zip(place[1:], self.side, strict=True)),
            )
            for place in np.argwhere(self.blocks)
        ]
