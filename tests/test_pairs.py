"""The training pair."""

from __future__ import annotations

import torch

from napari_blindspot.losses import SquaredError
from napari_blindspot.masking import Bernoulli


def test_a_network_is_told_of_hidden_pixels_that_do_not_count():
    noisy = torch.rand(1, 1, 32, 32) + 1
    counted = (torch.rand(1, 1, 32, 32) < 0.5).float()
    pair = Bernoulli(0.5).sample(noisy, torch.Generator().manual_seed(0))
    some = pair.counting(counted).counting(torch.ones(1, 1, 32, 32))
    assert torch.equal(some.mask, pair.mask * counted)
    told = []

    def network(x, mask):
        told.append(mask)
        return x

    loss = SquaredError()(network, some)
    assert torch.equal(told[0], pair.mask)
    assert torch.equal(told[0] == 1, some.input == 0)
    wanted = noisy[(pair.mask * counted) == 1].square().mean()
    assert torch.allclose(loss, wanted)
