from __future__ import annotations

import pytest
import torch

from napari_blindspot.losses import AbsoluteError, SquaredError
from napari_blindspot.masking import Bernoulli


@pytest.mark.parametrize("loss", [SquaredError(), AbsoluteError()])
def test_pixels_that_do_not_count_are_as_hidden_as_they_were(loss):
    noisy = torch.randn(1, 1, 16, 16) + 5
    pair = Bernoulli(0.4).sample(noisy, torch.Generator().manual_seed(0))
    counted = torch.zeros(1, 1, 16, 16)
    counted[..., :8] = 1
    fewer = pair.counting(counted).counting(counted)
    told = []

    def network(x, mask):
        told.append((x, mask))
        return x

    loss(network, fewer)
    ((shown, hidden),) = told
    assert torch.equal(hidden == 1, shown == 0)
    assert torch.equal(fewer.mask, pair.mask * counted)
    assert torch.equal(pair.hidden, pair.mask)
