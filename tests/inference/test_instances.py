"""Averages over randomly masked copies."""

from __future__ import annotations

import math

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
    assert torch.allclose(result.mean, 0.7 * noisy, rtol=0.001)
    draft = Instances(0.3, 2000).draft()
    assert draft.count < 10


@pytest.mark.parametrize(("rate", "count"), [(0.3, 8), (0.25, 40), (0.4, 3)])
def test_every_pixel_is_hidden_in_as_many_copies(rate, count):
    """Where that is no whole number, in one copy more or less."""
    noisy = torch.ones(1, 1, 64, 64)
    result = Instances(rate, count).predict(lambda x, mask: mask, noisy, Chance(0, (0, 0)))
    hidden = (result.mean * count).round().long()
    assert set(hidden.unique().tolist()) == {math.floor(rate * count), math.ceil(rate * count)}
    assert float(result.mean.mean()) == pytest.approx(rate, abs=0.01)


def test_pixels_have_rates_of_their_own():
    rate = torch.full((1, 1, 8, 8), 0.5)
    rate[..., :4] = 0.125
    result = Instances(rate, 8).predict(
        lambda x, mask: mask, torch.ones(1, 1, 8, 8), Chance(0, (0, 0))
    )
    assert torch.equal(result.mean, rate)


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


@pytest.mark.parametrize("at_once", [1, 10**6])
def test_each_turn_has_copies_of_its_own(monkeypatch, at_once):
    """A network that gives back the pixel to the left, which each turn has elsewhere."""
    monkeypatch.setattr(module, "_AT_ONCE", at_once)
    noisy = torch.rand(1, 2, 6, 9)
    straight, turned = (
        Instances(0.0, 16, turns=turns)
        .predict(lambda x, mask: x.roll(1, -1), noisy, Chance(0, (0, 0)))
        .mean
        for turns in (1, 8)
    )
    around = [noisy.roll(shift, axis) for shift in (1, -1) for axis in (-1, -2)]
    torch.testing.assert_close(straight, noisy.roll(1, -1))
    torch.testing.assert_close(turned, torch.stack(around).mean(0))


@pytest.mark.parametrize("apart", [False, True])
def test_turned_copies_have_the_masks_of_upright_ones(apart):
    noisy = torch.rand(1, 2, 12, 10) + 1
    chance = Chance(0, (0, 0))
    found = [
        Instances(0.4, 11, apart, turns).predict(lambda x, mask: x + mask, noisy, chance).mean
        for turns in (1, 3, 8)
    ]
    torch.testing.assert_close(found[1], found[0])
    torch.testing.assert_close(found[2], found[0])


def test_channels_apart_have_hidden_pixels_of_their_own():
    seen = []

    def network(x, mask):
        seen.append(mask)
        return x

    noisy = torch.rand(1, 3, 32, 32)
    Instances(0.3, 4, apart=True).predict(network, noisy, Chance(0, (0, 0)))
    masks = torch.cat(seen)
    assert masks.shape == (4, 3, 32, 32)
    codes = masks.flatten(0, 1).flatten(1)
    different = {tuple(code.tolist()) for code in codes}
    assert len(different) == 12
    assert float(masks.mean()) == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize("at_once", [1, 2 * 32 * 32, 10**6])
def test_channels_apart_are_the_same_in_every_tile(monkeypatch, at_once):
    monkeypatch.setattr(module, "_AT_ONCE", at_once)
    noisy = torch.rand(1, 2, 32, 32)
    copies = Instances(0.3, 3, apart=True)
    whole = copies.predict(lambda x, mask: x, noisy, Chance(0, (0, 0))).mean
    tile = copies.predict(lambda x, mask: x, noisy[..., 8:24, 4:20], Chance(0, (8, 4))).mean
    assert torch.allclose(tile, whole[..., 8:24, 4:20])
