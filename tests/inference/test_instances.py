"""Averages over randomly masked copies."""

from __future__ import annotations

import pytest
import torch

from napari_blindspot.chance import Chance
from napari_blindspot.inference import Instances
from napari_blindspot.inference import instances as module


def test_the_mean_of_many_copies_is_that_of_all_masks():
    """A network that gives back what it sees: a pixel is seen in 1 - rate of the copies."""
    noisy = torch.rand(2, 1, 20, 24) + 1
    result = Instances(0.3, 2000).predict(lambda x, mask: x, noisy, Chance(0, (0, 0)))
    assert result.std is None
    assert torch.allclose(result.mean, 0.7 * noisy, rtol=0.08)
    draft = Instances(0.3, 2000).draft()
    assert draft.count < 10


def test_the_network_is_shown_the_mask_and_no_hidden_pixel():
    seen = []

    def network(x, mask):
        seen.append((x, mask))
        return x

    noisy = torch.rand(1, 2, 16, 16) + 1
    Instances(0.5, 3).predict(network, noisy, Chance(0, (0, 0)))
    for x, mask in seen:
        assert torch.equal(x == 0, mask == 1)


@pytest.mark.parametrize("at_once", [1, 16 * 16 * 2, 10**6])
def test_how_many_copies_are_shown_at_once_changes_nothing(monkeypatch, at_once):
    noisy = torch.rand(1, 1, 16, 16)
    expected = Instances(0.4, 5).predict(lambda x, mask: x**2, noisy, Chance(1, (3, 4))).mean
    monkeypatch.setattr(module, "_AT_ONCE", at_once)
    result = Instances(0.4, 5).predict(lambda x, mask: x**2, noisy, Chance(1, (3, 4))).mean
    assert torch.allclose(result, expected, atol=1e-6)
