"""Complementary masks, and refinement on mixtures."""

from __future__ import annotations

import pytest
import torch

from napari_blindspot.chance import Chance
from napari_blindspot.inference import Complementary

PLAIN = Complementary(2, 1, 1, 0, 0.16, 0)


@pytest.mark.parametrize("branches", [2, 3, 8])
def test_masks_cover_every_pixel_once(branches):
    predictor = Complementary(branches, 1, 1, 0, 0.16, 0)
    image = torch.zeros(1, 2, 60, 70)
    hidden = list(predictor.deal(image, Chance(0, (0, 0)), 0))
    assert len(hidden) == branches
    assert (sum(h.int() for h in hidden) == 1).all()
    for each in hidden:
        assert float(each.float().mean()) == pytest.approx(1 / branches, abs=0.03)


def test_every_pixel_comes_from_the_pass_in_which_it_was_hidden():
    seen = []

    def network(x, mask, factor):
        seen.append(factor)
        assert torch.equal(x == 0, mask == 1)
        return 10 * mask + x

    noisy = torch.rand(2, 2, 16, 16) + 1
    result = Complementary(3, 4, 2, 0, 0.16, 0).predict(network, noisy, Chance(0, (0, 0)))
    assert result.std is None
    assert torch.equal(result.mean, torch.full_like(noisy, 10.0))
    assert seen == [4] * 6


def test_deals_and_mixtures_are_turned_one_after_another():
    shown = {1: [], 2: []}

    def network(x, mask, factor):
        shown[factor].append(tuple(x.shape[-2:]))
        assert torch.equal(x == 0, mask == 1)
        return torch.ones_like(x)

    noisy = torch.rand(1, 1, 8, 10) + 1
    Complementary(2, 2, 8, 16, 0.2, 0, turns=8).predict(network, noisy, Chance(0, (0, 0)))
    for factor, deals in ((2, 8), (1, 16)):
        assert shown[factor].count((8, 10)) == shown[factor].count((10, 8)) == deals


def test_turned_passes_hide_the_same_pixels():
    noisy = torch.rand(1, 1, 12, 10) + 1
    upright, turned = (
        Complementary(2, 1, 4, 3, 0.2, 0, turns).predict(
            lambda x, mask, factor: 3 * x + 5, noisy, Chance(0, (0, 0))
        )
        for turns in (1, 8)
    )
    torch.testing.assert_close(turned.mean, upright.mean)


def test_refinement_keeps_the_mean():
    """A network that predicts a hidden pixel by the mean of the visible ones."""

    def network(x, mask, factor):
        visible = 1 - mask
        mean = (x * visible).sum((-2, -1), keepdim=True) / visible.sum((-2, -1), keepdim=True)
        return mean.expand_as(x)

    noisy = torch.randn(1, 1, 128, 128, generator=torch.Generator().manual_seed(0)) + 5
    for refinements in (0, 1, 8):
        predictor = Complementary(2, 2, 1, refinements, 0.16, 0)
        result = predictor.predict(network, noisy, Chance(0, (0, 0))).mean
        assert float(result.mean()) == pytest.approx(float(noisy.mean()), abs=0.02)


def test_refinement_sees_the_denoised_image_with_some_noisy_pixels():
    shown = []

    def network(x, mask, factor):
        if factor == 1:
            shown.append(x[mask == 0])
        return torch.full_like(x, 7.0)

    noisy = torch.zeros(1, 1, 100, 100)
    Complementary(2, 3, 1, 2, 0.2, 0).predict(network, noisy, Chance(0, (0, 0)))
    assert len(shown) == 4
    for each in shown:
        assert set(each.unique().tolist()) == {0.0, 7.0}
        assert float((each == 0).float().mean()) == pytest.approx(0.2, abs=0.03)


def test_a_tile_is_dealt_out_like_the_whole():
    image = torch.zeros(1, 1, 40, 50)
    whole = list(PLAIN.deal(image, Chance(3, (0, 0)), 1))
    tile = list(PLAIN.deal(image[..., 6:20, 10:], Chance(3, (6, 10)), 1))
    for a, b in zip(whole, tile, strict=True):
        assert torch.equal(a[..., 6:20, 10:], b)


def test_a_draft_is_short():
    draft = Complementary(2, 1, 8, 8, 0.16, 0).draft()
    assert (draft.deals, draft.refinements) == (1, 1)
    assert PLAIN.draft().refinements == 0
