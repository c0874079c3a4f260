"""Bernoulli sampling."""

from __future__ import annotations

import pytest
import torch

from napari_blindspot.masking import Bernoulli


@pytest.mark.parametrize("rate", [0.1, 0.3])
def test_the_given_part_is_hidden_in_all_channels_alike(rate):
    noisy = torch.randn(3, 2, 100, 100)
    kept = noisy.clone()
    pair = Bernoulli(rate).sample(noisy, torch.Generator().manual_seed(0))
    assert torch.equal(noisy, kept)
    assert torch.equal(pair.target, noisy)
    assert torch.equal(pair.mask[:, 0], pair.mask[:, 1])
    assert float(pair.mask.mean()) == pytest.approx(rate, abs=0.01)
    assert (pair.input[pair.mask == 1] == 0).all()
    assert torch.equal(pair.input[pair.mask == 0], noisy[pair.mask == 0])


def test_samples_of_a_batch_differ():
    pair = Bernoulli(0.5).sample(torch.ones(2, 1, 32, 32), torch.Generator().manual_seed(0))
    assert not torch.equal(pair.mask[0], pair.mask[1])


def test_channels_apart_have_hidden_pixels_of_their_own():
    noisy = torch.randn(2, 3, 100, 100)
    pair = Bernoulli(0.3, apart=True).sample(noisy, torch.Generator().manual_seed(0))
    rates = pair.mask.mean((0, 2, 3))
    assert torch.allclose(rates, torch.full((3,), 0.3), atol=0.01)
    both = (pair.mask[:, 0] * pair.mask[:, 1]).mean()
    assert float(both) == pytest.approx(0.09, abs=0.01)
    assert (pair.input[pair.mask == 1] == 0).all()
    assert torch.equal(pair.input[pair.mask == 0], noisy[pair.mask == 0])


def test_a_single_channel_is_hidden_the_same_way_apart_or_together():
    noisy = torch.randn(2, 1, 32, 32)
    pairs = [Bernoulli(0.3, a).sample(noisy, torch.Generator().manual_seed(0)) for a in (0, 1)]
    assert torch.equal(pairs[0].mask, pairs[1].mask)
