from __future__ import annotations

import pytest
import torch

from napari_blindspot.masking import Checkerboard


@pytest.mark.parametrize("space", [(8, 10), (3, 7, 5), (2, 2)])
def test_odd_pixels_are_hidden_behind_pixels_that_are_not(space):
    noisy = torch.rand(2, 2, *space)
    pair = Checkerboard().sample(noisy, torch.Generator())
    y, x = torch.meshgrid(*(torch.arange(n) for n in space[-2:]), indexing="ij")
    assert torch.equal(pair.mask, ((y + x) % 2).float().expand_as(noisy))
    even = pair.mask == 0
    assert torch.equal(pair.input[even], noisy[even])
    changed = torch.where(even, noisy, 50.0)
    assert torch.equal(Checkerboard().sample(changed, torch.Generator()).input, pair.input)
    assert torch.equal(pair.target, noisy)
