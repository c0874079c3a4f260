from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from napari_blindspot.networks import UNet
from receptive import reach


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("blur_pool", [False, True])
def test_halo_covers_the_receptive_field_and_is_tight(depth, blur_pool):
    network = UNet(2, 1, 1, width=4, depth=depth, blur_pool=blur_pool)
    side = (2 * network.halo[0]) // 2**depth * 2**depth + 2**depth * 4
    found = max(reach(network, (side, side)))
    assert found <= network.halo[0]
    assert found >= network.halo[0] - 2 ** (depth + 1)


def test_halo_in_3d():
    network = UNet(3, 1, 1, width=2, depth=2)
    side = (2 * network.halo[1] + 8) // 4 * 4
    found = reach(network, (2 * network.halo[0] + 5, side, side))
    assert all(f <= h for f, h in zip(found, network.halo, strict=True))
    assert found[0] == network.halo[0]


@pytest.mark.parametrize("top_skip", [False, True])
@pytest.mark.parametrize(("ndim", "space"), [(2, (16, 24)), (3, (5, 16, 8))])
def test_shapes(ndim, space, top_skip):
    network = UNet(ndim, 2, 3, width=4, depth=2, top_skip=top_skip)
    assert network(torch.rand(2, 2, *space)).shape == (2, 3, *space)
    assert not network.is_blind


def test_without_top_skip_the_first_level_is_not_copied():
    with_skip, without = (UNet(2, 1, 1, width=4, depth=2, top_skip=t) for t in (True, False))
    assert with_skip.up[-1][0].in_channels == without.up[-1][0].in_channels + 4


def test_blur_pool_keeps_constants():
    network = UNet(3, 1, 1, width=2, depth=1, blur_pool=True)
    torch.testing.assert_close(network.pool(torch.ones(1, 2, 3, 8, 8)), torch.ones(1, 2, 3, 4, 4))


PARTS = {
    "few pixels": (2, (24, 32), 0.02, {}),
    "few voxels": (3, (5, 24, 24), 0.02, {}),
    "very few voxels": (3, (5, 24, 24), 0.003, {}),
    "more than are worth while": (2, (24, 32), 0.3, {}),
    "none": (2, (24, 32), 0.0, {}),
    "without the top skip": (2, (24, 32), 0.02, {"top_skip": False, "blur_pool": True}),
}


@pytest.mark.parametrize("case", PARTS)
def test_few_pixels_come_out_as_with_all_others(case):
    ndim, space, fraction, options = PARTS[case]
    torch.manual_seed(0)
    network = UNet(ndim, 2, 2, width=4, depth=2, **options).double()
    x = torch.randn(3, 2, *space, dtype=torch.float64)
    mask = (torch.rand(3, 1, *space) < fraction).double().repeat(1, 2, *[1] * ndim)
    if fraction:
        mask[0, :, 0, 0], mask[1, :, -1, -1] = 1, 1  # edges and corners
    results = []
    for output in (network.partly(x, mask), network(x)):
        counted = output * mask
        gradients = torch.autograd.grad((counted * x).sum(), list(network.parameters()))
        results.append([counted, *gradients])
    for mine, expected in zip(*results, strict=True):
        torch.testing.assert_close(mine, expected)


def test_few_pixels_take_fewer_products():
    network = UNet(2, 1, 1, width=8, depth=2)
    x, mask = torch.randn(1, 1, 64, 64), torch.zeros(1, 1, 64, 64)
    mask[..., ::8, ::8] = 1
    counted = []
    for work in (lambda: network(x), lambda: network.partly(x, mask)):
        with FlopCounterMode(display=False) as counter:
            work()
        counted.append(counter.get_total_flops())
    assert counted[1] < 0.8 * counted[0]
