"""How far a network looks."""

from __future__ import annotations

import torch


def reach(network, space):
    """Distance per axis over which the central output depends on the input."""
    torch.manual_seed(0)
    x = torch.rand(1, 1, *space, requires_grad=True)
    centre = tuple(n // 2 for n in space)
    network.double()(x.double())[(0, 0, *centre)].backward()
    used = x.grad[0, 0].nonzero()
    return (used - torch.tensor(centre)).abs().amax(0).tolist()
