from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the usual name

from napari_blindspot.networks.layers import convolution
from napari_blindspot.networks.merging import Merging, edges_of, merged

CASES = {
    "2D": ((5, 6), (3, 3), (2, 2), (1, 1)),
    "3D": ((3, 4, 5), (3, 3, 3), (1, 2, 2), (1, 1, 1)),
    "flat": ((3, 4, 5), (1, 3, 3), (1, 2, 2), (0, 1, 1)),
    "upwards": ((4, 5), (3, 3), (2, 2), (2, 1)),
    "from planes above": ((4, 5, 3), (3, 3, 3), (1, 2, 2), (2, 1, 1)),
    "as it is": ((4, 5), (3, 3), (1, 1), (1, 1)),
    "by three": ((4, 2), (3, 5), (3, 2), (1, 2)),
}


def step_by_step(x, skip, weight, bias, factors, before):
    """Enlarged, laid on the skip, padded, convolved."""
    large = F.interpolate(x, scale_factor=tuple(map(float, factors)), mode="nearest")
    both = large if skip is None else torch.cat([large, skip], 1)
    convolve = F.conv2d if x.ndim == 4 else F.conv3d
    return convolve(F.pad(both, edges_of(weight.shape[2:], before)), weight, bias)


@pytest.mark.parametrize("skipped", [3, 0])
@pytest.mark.parametrize("case", CASES)
def test_the_same_as_step_by_step(case, skipped):
    space, kernel, factors, before = CASES[case]
    torch.manual_seed(0)
    x = torch.randn(2, 4, *space, dtype=torch.float64, requires_grad=True)
    large = [n * f for n, f in zip(space, factors, strict=True)]
    skip = torch.randn(2, skipped, *large, dtype=torch.float64) if skipped else None
    weight = torch.randn(5, 4 + skipped, *kernel, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(5, dtype=torch.float64, requires_grad=True)
    results = []
    for way in (merged, step_by_step):
        out = way(x, skip, weight, bias, factors, before)
        towards = torch.arange(math.prod(out.shape), dtype=out.dtype).reshape(out.shape).cos()
        results.append((out, *torch.autograd.grad((out * towards).sum(), (x, weight, bias))))
    for mine, expected in zip(*results, strict=True):
        torch.testing.assert_close(mine, expected)


def test_the_layers_behind_the_first_follow():
    layers = [convolution(2, 3, 4, 3, padding=1), torch.nn.ReLU(), convolution(2, 4, 2, 1)]
    x = torch.randn(1, 3, 6, 6)
    torch.testing.assert_close(Merging(*layers)(x), torch.nn.Sequential(*layers)(x))
    small = torch.randn(1, 2, 3, 3)
    both = torch.cat([F.interpolate(small, scale_factor=2.0), x[:, :1]], 1)
    expected = torch.nn.Sequential(*layers)(both)
    torch.testing.assert_close(Merging(*layers)(small, x[:, :1], (2, 2)), expected)
