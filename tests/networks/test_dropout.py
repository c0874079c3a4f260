"""Dropout that is drawn from the mask of the input."""

from __future__ import annotations

import pytest
import torch

from napari_blindspot.networks.dropout import MaskCodes, MaskDropout


def masks(*shape, rate=0.3, seed=0):
    chance = torch.rand(shape, generator=torch.Generator().manual_seed(seed))
    return (chance < rate).float()


@pytest.mark.parametrize("shape", [(2, 1, 64, 64), (1, 2, 6, 40, 40)])
@pytest.mark.parametrize("rate", [0.1, 0.3, 0.7])
def test_the_given_part_is_dropped_and_the_mean_is_kept(shape, rate):
    codes = MaskCodes(len(shape) - 2)(masks(*shape))
    x = torch.ones(shape[0], 32, *shape[2:])
    dropped = MaskDropout(32, rate, 0)(x, codes)
    assert float((dropped == 0).float().mean()) == pytest.approx(rate, abs=0.01)
    assert float(dropped.mean()) == pytest.approx(1, abs=0.02)


def test_channels_layers_neighbours_and_copies_are_dropped_independently():
    mask = masks(2, 1, 128, 128)
    codes = MaskCodes(2)(mask)
    x = torch.ones(2, 4, 128, 128)
    first, second = (MaskDropout(4, 0.5, layer)(x, codes) for layer in (0, 1))
    views = {
        "channels": (first[:, 0], first[:, 1]),
        "layers": (first, second),
        "copies": (first[0], first[1]),
        "neighbours along X": (first[..., 1:], first[..., :-1]),
        "neighbours along Y": (first[..., 1:, :], first[..., :-1, :]),
        "the mask itself": (first[:, 0], mask[:, 0]),
    }
    for name, (a, b) in views.items():
        correlation = torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1]
        assert abs(float(correlation)) < 4 / a.numel() ** 0.5, name


def test_the_same_mask_drops_the_same_in_a_tile():
    mask = masks(1, 1, 64, 80)
    x = torch.randn(1, 8, 64, 80)
    codes, drop = MaskCodes(2), MaskDropout(8, 0.3, 3)
    whole = drop(x, codes(mask))
    tile = drop(x[..., 10:50, 20:70], codes(mask[..., 10:50, 20:70]))
    assert torch.equal(tile[..., 3:-3, 3:-3], whole[..., 13:47, 23:67])


def test_half_precision_drops_the_same():
    mask = masks(4, 1, 32, 32)
    codes = MaskCodes(2)
    exact = codes(mask)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(codes(mask), exact)


def test_without_a_mask_nothing_is_dropped():
    x = torch.randn(1, 3, 8, 8)
    assert MaskDropout(3, 0.5, 0)(x, None) is x
