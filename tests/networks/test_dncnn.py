from __future__ import annotations

import pytest
import torch

from napari_blindspot.networks import DnCNN
from receptive import reach


@pytest.mark.parametrize("layers", [2, 5, 8])
def test_halo_is_exact(layers):
    network = DnCNN(2, 1, 1, width=8, layers=layers)
    side = 2 * layers + 5
    assert reach(network, (side, side)) == list(network.halo) == [layers, layers]


@pytest.mark.parametrize("space", [(7, 9), (3, 5, 6)])
def test_shapes(space):
    network = DnCNN(len(space), 2, 3, width=4, layers=3)
    assert network(torch.rand(2, 2, *space)).shape == (2, 3, *space)
    assert network.divisor == (1,) * len(space)
    assert not network.is_blind
