from __future__ import annotations

import pytest
import torch

from napari_blindspot.networks import Restormer
from napari_blindspot.networks.layers import WINDOW
from napari_blindspot.networks.restormer import _Attention
from receptive import reach


@pytest.mark.parametrize("depth", [1, 2])
def test_halo_covers_the_receptive_field_and_is_tight(depth):
    torch.manual_seed(0)
    network = Restormer(1, 1, width=4, depth=depth)
    side = (2 * network.halo[0] // 2**depth + 4) * 2**depth
    found = max(reach(network, (side, side)))
    assert network.halo[0] - 2 ** (depth + 1) <= found <= network.halo[0]


def test_shapes():
    network = Restormer(2, 3, width=16, depth=2)
    assert network(torch.rand(2, 2, 16, 24)).shape == (2, 3, 16, 24)
    assert not network.is_blind


def test_attention_within_one_window_is_that_of_the_paper():
    """At the middle of an image as large as a window: cosine of channels over all pixels."""
    torch.manual_seed(0)
    attention = _Attention(8).double()
    x = torch.randn(1, 8, WINDOW, WINDOW, dtype=torch.float64)
    query, key, value = (p[0].flatten(1) for p in attention.spread(x).chunk(3, 1))
    cosine = torch.nn.functional.normalize(query) @ torch.nn.functional.normalize(key).T
    expected = (cosine.softmax(1) @ value).reshape(1, 8, WINDOW, WINDOW)
    middle = (..., WINDOW // 2, WINDOW // 2)
    torch.testing.assert_close(
        attention(x)[middle], attention.join(expected)[middle], rtol=1e-4, atol=1e-6
    )
