"""Masks that hide details less often."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from napari_blindspot.details import DualMask, thinned

DUAL = DualMask(rate=0.25, thresholds=(1.0, 2.0), share=0.5, most=0.5)


def test_a_pixel_is_a_detail_where_one_channel_differs_enough():
    noisy = torch.zeros(1, 2, 1, 4)
    noisy[0, 0, 0, 1] = -1.0
    noisy[0, 1, 0, 2] = 1.9
    noisy[0, 1, 0, 3] = 2.0
    found = DUAL.details(noisy, torch.zeros(1, 2, 1, 4))
    assert found.flatten().tolist() == [False, True, False, True]


@pytest.mark.parametrize("part", [0.0, 0.1, 0.4])
def test_the_rate_of_all_pixels_is_kept(part):
    details = torch.rand(1, 1, 400, 400, generator=torch.Generator().manual_seed(0)) < part
    rates = DUAL.probability(details)
    assert float(rates.mean()) == pytest.approx(0.25, abs=1e-6)
    if part:
        assert float(rates[details].max()) == 0.125
        assert float(rates[~details].min()) > 0.25


def test_flat_pixels_are_never_hidden_more_often_than_there_are_candidates():
    details = torch.ones(1, 1, 10, 10, dtype=torch.bool)
    details[..., 0, 0] = False
    assert float(DUAL.probability(details).max()) == 0.5


def test_thinning_keeps_the_given_part_and_follows_from_the_mask():
    mask = (torch.rand(2, 1, 200, 200, generator=torch.Generator().manual_seed(1)) < 0.5).float()
    mask = mask.expand(-1, 2, -1, -1)
    kept = torch.full((2, 1, 200, 200), 0.8)
    kept[..., :100] = 0.25
    first, again = thinned(mask, kept), thinned(mask, kept)
    assert torch.equal(first, again)
    assert torch.equal(first[:, 0], first[:, 1])
    assert (first <= mask).all()
    for columns, share in ((slice(100), 0.25), (slice(100, None), 0.8)):
        part = first[..., columns].sum() / mask[..., columns].sum()
        assert float(part) == pytest.approx(share, abs=0.02)
    other = thinned(mask.flip(-1), kept.flip(-1)).flip(-1)
    assert not torch.equal(first, other)


def test_channels_apart_have_details_of_their_own():
    noisy = torch.zeros(1, 2, 1, 4)
    noisy[0, 0, 0, 1] = -1.0
    noisy[0, 1, 0, 2] = 1.9
    noisy[0, 1, 0, 3] = 2.0
    apart = dataclasses.replace(DUAL, apart=True)
    found = apart.details(noisy, torch.zeros(1, 2, 1, 4))
    assert found[0, :, 0].tolist() == [[False, True, False, False], [False, False, False, True]]
    assert float(apart.probability(found).mean()) == pytest.approx(0.25)


def test_thinning_of_channels_apart_chooses_in_each_by_itself():
    mask = torch.ones(1, 2, 200, 200)
    kept = torch.full((1, 2, 200, 200), 0.5)
    kept[:, 1] = 0.2
    first = thinned(mask, kept)
    assert torch.allclose(first.mean((0, 2, 3)), torch.tensor([0.5, 0.2]), atol=0.02)
    both = float((first[:, 0] * first[:, 1]).mean())
    assert both == pytest.approx(0.1, abs=0.02)
