from __future__ import annotations

import pytest
import torch

from napari_blindspot.networks import Halvable, Stack, UNet


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("residual", [False, True])
def test_output_reaches_as_far_as_the_halo(ndim, residual):
    torch.manual_seed(0)
    network = Stack(ndim, 2, width=4, layers=3, slope=0.2, residual=residual)
    x = torch.rand(1, 2, *(12,) * ndim, requires_grad=True)
    centre = (6,) * ndim
    output = network(x)
    assert output.shape == x.shape
    (gradient,) = torch.autograd.grad(output[(0, slice(None), *centre)].sum(), x)
    seen = gradient[0].abs().sum(0).nonzero()
    assert seen.min(0).values.tolist() == [6 - h for h in network.halo]
    assert seen.max(0).values.tolist() == [6 + h for h in network.halo]


def test_residual_is_taken_from_the_input():
    torch.manual_seed(0)
    plain, residual = (Stack(2, 1, width=4, layers=2, residual=r) for r in (False, True))
    residual.load_state_dict(plain.state_dict())
    x = torch.rand(1, 1, 6, 6)
    assert torch.equal(residual(x), x - plain(x))


def test_network_of_the_paper_has_about_22_thousand_parameters():
    network = Stack(2, 1, width=48, layers=2)
    assert sum(p.numel() for p in network.parameters()) == 21_313


@pytest.mark.parametrize("ndim", [2, 3])
def test_halvable_patches_fit_when_they_are_thinned_out(ndim):
    network = Halvable(UNet(ndim, 1, 1, width=4, depth=2))
    assert network.divisor == ((8, 8) if ndim == 2 else (1, 8, 8))
    x = torch.rand(1, 1, *network.divisor)
    assert network(x).shape == x.shape
    thin = x[..., ::2, ::2]
    assert network(thin).shape == thin.shape
