"""Features around few pixels, for layers whose output matters nowhere else."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from jaxtyping import Bool, Float
from torch import Tensor


class Points:
    """Pixels of a batch of patches.

    Parameters
    ----------
    wanted : Tensor
        `(B, C, *space)`, not 0 at these pixels in any channel.
    """

    def __init__(self, wanted: Float[Tensor, "b c *space"]) -> None:
        self._where = wanted.amax(1).nonzero()
        self._batch, _, *self._space = wanted.shape

    def share(self, reach: int) -> float:
        """Number of values that windows hold over that of all pixels."""
        window = (2 * reach + 1) ** len(self._space)
        pixels: int = self._batch * math.prod(self._space)
        return float(len(self._where) * window / pixels)

    def inside(self, reach: int) -> Bool[Tensor, "p 1 *window"]:
        """Which pixels of the windows lie in the patch."""
        places = self._places(reach)
        limits = places.new_tensor(self._space)
        return self._shaped(((places >= 0) & (places < limits)).all(-1, keepdim=True), reach)

    def around(
        self,
        features: Float[Tensor, "b c *small"],
        reach: int,
        factors: Sequence[int] | None = None,
    ) -> Float[Tensor, "p c *window"]:
        """Windows of features, 0 beyond the patch.

        Parameters
        ----------
        features : Tensor
            `(B, C, *small)`.
        reach : int
            Pixels that a window reaches from its middle, along every axis.
        factors : sequence of int, optional
            By how much features are smaller than the patches, per axis; each stands for a block.
        """
        places = self._places(reach)
        places = places.clamp_min(0).minimum(places.new_tensor(self._space) - 1)
        index = self._where[:, :1].expand(places.shape[:2])
        for axis, length in enumerate(features.shape[2:]):
            at = places[..., axis]
            index = index * length + (at // factors[axis] if factors else at)
        rows = features.movedim(1, -1).flatten(0, -2)
        windows = rows.index_select(0, index.flatten()).reshape(*index.shape, rows.shape[1])
        return self._shaped(windows, reach) * self.inside(reach)

    def scattered(self, values: Float[Tensor, "p k *one"]) -> Float[Tensor, "b k *space"]:
        """The values at their pixels, 0 elsewhere."""
        made = values.new_zeros((self._batch, *self._space, values.shape[1]))
        made[tuple(self._where.T)] = values.flatten(1)
        return made.movedim(-1, 1)

    def _places(self, reach: int) -> Tensor:
        """Positions `(P, N, D)` of the pixels of all windows."""
        steps = itertools.product(range(-reach, reach + 1), repeat=len(self._space))
        return self._where[:, None, 1:] + self._where.new_tensor(list(steps))

    def _shaped(self, values: Tensor, reach: int) -> Tensor:
        """Windows `(P, C, *window)`, in memory with the channels last."""
        sides = [2 * reach + 1] * len(self._space)
        return values.reshape(len(values), *sides, values.shape[-1]).movedim(-1, 1)
