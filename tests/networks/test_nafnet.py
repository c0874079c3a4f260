from __future__ import annotations

import pytest
import torch

from napari_blindspot.networks import NAFNet
from receptive import reach


def awake(**size):
    """A network whose blocks do something, as after a training."""
    torch.manual_seed(0)
    network = NAFNet(1, 1, **size)
    for name, parameter in network.named_parameters():
        if name.endswith("scales"):
            torch.nn.init.ones_(parameter)
    return network


@pytest.mark.parametrize("depth", [1, 2])
def test_halo_covers_the_receptive_field_and_is_tight(depth):
    network = awake(width=4, depth=depth)
    side = (2 * network.halo[0] // 2**depth + 4) * 2**depth
    found = max(reach(network, (side, side)))
    assert network.halo[0] - 2 ** (depth + 1) <= found <= network.halo[0]


def test_shapes():
    network = NAFNet(2, 3, width=4, depth=2)
    assert network(torch.rand(2, 2, 16, 24)).shape == (2, 3, 16, 24)
    assert not network.is_blind


def test_a_window_at_the_border_leaves_out_what_is_not_there():
    from napari_blindspot.networks.layers import window_mean

    torch.testing.assert_close(window_mean(torch.ones(1, 2, 12, 5)), torch.ones(1, 2, 12, 5))


def test_normalised_features_of_each_pixel():
    from napari_blindspot.networks.layers import ChannelNorm

    y = ChannelNorm(2, 6)(10 * torch.rand(2, 6, 4, 4) + 3)
    torch.testing.assert_close(y.mean(1), torch.zeros(2, 4, 4), atol=1e-5, rtol=0)
    torch.testing.assert_close((y**2).mean(1), torch.ones(2, 4, 4), atol=1e-3, rtol=0)
