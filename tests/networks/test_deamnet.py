from __future__ import annotations

import pytest
import torch

from napari_blindspot.networks import DeamNet
from napari_blindspot.networks.deamnet import _Mix
from receptive import reach


@pytest.mark.parametrize(("depth", "stages"), [(1, 1), (1, 2), (2, 1)])
def test_halo_covers_the_receptive_field_and_is_tight(depth, stages):
    torch.manual_seed(0)
    network = DeamNet(1, 1, width=8, depth=depth, stages=stages)
    side = (2 * network.halo[0] // 2**depth + 4) * 2**depth
    found = max(reach(network, (side, side)))
    assert network.halo[0] - stages * 2 ** (depth + 1) <= found <= network.halo[0]


def test_shapes():
    network = DeamNet(2, 3, width=8, depth=2)
    assert network(torch.rand(2, 2, 16, 24)).shape == (2, 3, 16, 24)
    assert not network.is_blind


def test_a_mixture_lies_between_both():
    first, second = torch.rand(2, 1, 8, 6, 6)
    mixed = _Mix(8)(first, second)
    assert (mixed >= torch.minimum(first, second) - 1e-6).all()
    assert (mixed <= torch.maximum(first, second) + 1e-6).all()
