from __future__ import annotations

import pytest
import torch

from napari_blindspot.filters import gaussian
from napari_blindspot.networks import Ensemble, StabilisedUNet
from napari_blindspot.networks.folded import fold, unfold
from napari_blindspot.noise import NoiseLaw

ONE_LAW = (NoiseLaw(0.4, 0.3, 0.01),)


def network(ndim=2, laws=ONE_LAW, **options):
    torch.manual_seed(0)
    return StabilisedUNet(ndim, laws, width=8, **options)


def stirred(net):
    """The network with a last layer that no longer is zero."""
    with torch.no_grad():
        net.head.weight.normal_()
    return net


@pytest.mark.parametrize("ndim", [2, 3])
def test_starts_as_a_gaussian_blur(ndim):
    x = torch.rand(2, 1, *(4, 16, 24)[-ndim:])
    torch.testing.assert_close(network(ndim)(x), gaussian(x, 1.3))
    torch.testing.assert_close(network(ndim, base_sigma=2.0)(x), gaussian(x, 2.0))


def test_halo_covers_a_wide_blur():
    assert network(depth=1, base_sigma=30.0).halo == (75, 75)


@pytest.mark.parametrize(("ndim", "depth"), [(2, 1), (2, 2), (3, 1)])
def test_halo_covers_the_receptive_field_and_is_tight(ndim, depth):
    net = stirred(network(ndim, depth=depth)).double()
    block = net.divisor[-1]
    side = (2 * net.halo[-1] // block + 4) * block
    space = (2 * net.halo[0] + 5, side, side)[-ndim:]
    x = torch.rand(1, 1, *space, dtype=torch.float64, requires_grad=True)
    centre = tuple(n // 2 for n in space)
    net(x)[(0, 0, *centre)].backward()
    reach = (x.grad[0, 0].nonzero() - torch.tensor(centre)).abs().amax(0).tolist()
    assert all(r <= h for r, h in zip(reach, net.halo, strict=True))
    assert reach[-1] >= net.halo[-1] - 3 * block


def test_stabilised_noise_has_the_same_spread_at_all_signals():
    net = network(laws=(NoiseLaw(0.5, 0.4, 1e-4),))
    signal = torch.tensor([-0.5, 0.0, 2.0, 8.0])
    noise = (0.5 * signal + 0.4).sqrt()
    generator = torch.Generator().manual_seed(0)
    drawn = signal + noise * torch.randn(200_000, 4, generator=generator)
    spread = net._stabilise(drawn.T[None, :, :, None].movedim(1, 0))[:, 0, :, 0].std(1)
    assert float(spread[1:].max() / spread[1:].min()) < 1.1


def test_stabilisation_of_additive_noise_is_the_identity():
    x = torch.linspace(-5, 5, 11).reshape(1, 1, 1, 11)
    torch.testing.assert_close(network(laws=(NoiseLaw(0.0, 0.3, 0.01),))._stabilise(x), x)


@pytest.mark.parametrize("space", [(8, 12), (3, 8, 12)])
def test_fold_undoes(space):
    x = torch.rand(2, 3, *space)
    assert fold(x).shape == (2, 12, *space[:-2], 4, 6)
    assert torch.equal(unfold(fold(x)), x)


def test_channels_have_their_own_law():
    net = stirred(network(laws=(NoiseLaw(0.1, 0.2, 0.01), NoiseLaw(0.9, 0.5, 0.02))))
    assert net(torch.rand(1, 2, 16, 16)).shape == (1, 2, 16, 16)


def test_ensemble_trains_each_member_on_its_part_and_predicts_the_mean():
    members = [stirred(network()), stirred(network())]
    with torch.no_grad():
        members[1].head.weight.mul_(-1)
    ensemble = Ensemble(members)
    x = torch.rand(4, 1, 16, 16)
    ensemble.train()
    expected = torch.cat([members[0](x[:2]), members[1](x[2:])])
    torch.testing.assert_close(ensemble(x, torch.ones_like(x)), expected)
    ensemble.eval()
    torch.testing.assert_close(ensemble(x), (members[0](x) + members[1](x)) / 2)
