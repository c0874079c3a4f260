"""Several networks as one."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from napari_blindspot.networks.base import Network


class Ensemble(Network):
    """Mean of members of one architecture that were trained on different patches.

    In training each member sees its own part of the batch, so that one step trains all of them
    and they stay different; afterwards each sees everything.

    Parameters
    ----------
    members : sequence of Network
        At least one. The batch must be a multiple of their number in training.
    """

    def __init__(self, members: Sequence[Network]) -> None:
        first = members[0]
        super().__init__(divisor=first.divisor, halo=first.halo, is_blind=first.is_blind)
        self.bytes_per_value = first.bytes_per_value
        self.members = nn.ModuleList(members)

    def forward(
        self, x: Float[Tensor, "b c *space"], mask: Float[Tensor, "b c *space"] | None = None
    ) -> Float[Tensor, "b k *space"]:
        """Mean output, or in training the members' outputs for their parts of the batch."""
        if not self.training:
            return torch.stack([member(x, mask) for member in self.members]).mean(0)
        count = len(self.members)
        masks = [None] * count if mask is None else mask.chunk(count)
        parts = zip(self.members, x.chunk(count), masks, strict=True)
        return torch.cat([member(part, part_mask) for member, part, part_mask in parts])
