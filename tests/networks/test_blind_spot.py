from __future__ import annotations

import itertools

import pytest
import torch

from napari_blindspot.networks.blind_spot import BlindSpot
from napari_blindspot.networks.half_space import HalfSpaceUNet
from napari_blindspot.networks.links import PhotonLink, WithScalars
from napari_blindspot.photons import PhotonScale
from napari_blindspot.tiling import tiles


def network(ndim=2, channels=1, depth=2, directions="all", width=3):
    torch.manual_seed(1)
    net = BlindSpot(ndim, channels, 2, width=width, depth=depth, directions=directions)
    # The last layer starts at 0, where every gradient vanishes.
    torch.nn.init.normal_(net.join[-1].weight)
    return net.eval()


def reaches(net, x, positions):
    """Size of the gradient of all outputs at one position per sample, summed over channels."""
    x = x.clone().requires_grad_()
    at = (torch.arange(len(x)), slice(None), *torch.tensor(positions).T)
    net(x)[at].abs().sum().backward()
    return x.grad.abs().sum(1)


def summed_reach(net, shape, position, channels=1, draws=6):
    """Where the output can look; maxima let through only some paths for each input."""
    x = torch.randn(draws, channels, *shape)
    return reaches(net, x, [position] * draws).sum(0)


@pytest.mark.parametrize("directions", ["all", "two"])
@pytest.mark.parametrize(
    ("shape", "channels", "depth"),
    [((13, 18), 1, 2), ((16, 16), 2, 2), ((9, 7), 3, 1), ((3, 8, 6), 1, 1), ((2, 5, 7), 2, 1)],
)
def test_no_output_depends_on_its_own_pixel_in_any_channel(directions, shape, channels, depth):
    net = network(len(shape), channels, depth, directions)
    positions = list(itertools.product(*map(range, shape)))
    x = torch.randn(1, channels, *shape).expand(len(positions), channels, *shape)
    seen = reaches(net, x, positions)
    assert (seen > 0).flatten(1).any(1).all()
    assert (seen[(torch.arange(len(x)), *torch.tensor(positions).T)] == 0.0).all()


@pytest.mark.parametrize("directions", ["all", "two"])
@pytest.mark.parametrize("shape", [(17, 18), (5, 9, 10)])
def test_every_neighbour_is_seen(directions, shape):
    centre = tuple(n // 2 for n in shape)
    seen = summed_reach(network(len(shape), 2, 1, directions), shape, centre, channels=2)
    for offset in itertools.product((-1, 0, 1), repeat=len(shape)):
        place = tuple(c + o for c, o in zip(centre, offset, strict=True))
        assert bool(seen[place] > 0) == any(offset)


@pytest.mark.parametrize("axis", [-2, -3])
def test_half_space_sees_only_what_lies_before(axis):
    net = HalfSpaceUNet(3, 1, width=3, depth=1, axis=axis)
    position = (4, 8, 8)
    seen = summed_reach(net, (7, 16, 16), position).movedim(axis, 0)
    own = position[axis]
    assert (seen[own:] == 0).all()
    assert (seen[own - 1] > 0).any()


@pytest.mark.parametrize(
    ("ndim", "shape", "depth", "directions"),
    [
        (2, (36, 34), 1, "all"),
        (2, (78, 76), 2, "all"),
        (2, (36, 34), 1, "two"),
        (3, (21, 36, 34), 1, "all"),
    ],
)
def test_halo_is_the_radius_of_the_receptive_field(ndim, shape, depth, directions):
    net = network(ndim, 1, depth, directions)
    widest = [0] * ndim
    centre = [n // 2 for n in shape]
    # The reach depends on the place within a block of pooled pixels.
    for step in (0, 2**depth - 1):
        position = (*centre[:-2], centre[-2] + step, centre[-1] + step)
        found = summed_reach(net, shape, position).nonzero()
        distance = (found - torch.tensor(position)).abs().amax(0).tolist()
        widest = [max(a, b) for a, b in zip(widest, distance, strict=True)]
    assert all(w <= h for w, h in zip(widest, net.halo, strict=True))
    assert widest[-2] >= net.halo[-2] - 2


@pytest.mark.parametrize("shape", [(64, 96), (4, 48, 48)])
def test_tiled_output_equals_untiled(shape):
    net = network(len(shape), 1, 1)
    x = torch.randn(1, 1, *shape)
    size = (*shape[:-2], 40, 40)
    pieces = tiles(shape, size, net.halo, net.divisor)
    assert len(pieces) > 1
    with torch.no_grad():
        whole = net(x)
        for tile in pieces:
            core = net(x[(..., *tile.read)])[(..., *tile.crop)]
            torch.testing.assert_close(core, whole[(..., *tile.core)], atol=1e-5, rtol=1e-5)


def test_oblong_and_square_images_are_treated_alike():
    net = network(2, 1, 1)
    x = torch.randn(1, 1, 48, 64)
    core = (slice(None), slice(None), slice(16, 32), slice(16, 32))
    torch.testing.assert_close(net(x)[core], net(x[..., :48])[core], atol=1e-5, rtol=1e-5)


def test_directions_share_their_weights_in_the_plane():
    net = network()
    x = torch.randn(1, 1, 16, 16)
    names = [name for name, _ in net.named_parameters()]
    assert not any(name.startswith("planes") for name in names)
    first = net.join[0]
    with torch.no_grad():
        # With equal weights for all directions in the join, a turned input gives a turned output.
        first.weight.copy_(first.weight[:, :3].repeat(1, 4, 1, 1))
        torch.testing.assert_close(net(x.rot90(1, (-2, -1))), net(x).rot90(1, (-2, -1)))


def test_output_starts_at_zero_whatever_the_input():
    net = BlindSpot(2, 1, 2, width=3, depth=1)
    assert (net(torch.randn(2, 1, 8, 8)) == 0).all()


def test_unknown_directions_are_named():
    with pytest.raises(ValueError, match="use all or two"):
        BlindSpot(2, 1, 2, directions="three")


def test_photon_link_keeps_the_variance_above_the_mean():
    scale = PhotonScale((0.5,), (-1.0,))
    net = PhotonLink(network(), scale)
    mean, log_variance = net(5 * torch.randn(1, 1, 16, 16)).chunk(2, 1)
    photons = scale.photons(mean)
    assert (photons > 0).all()
    assert (scale.squared(log_variance.exp()) > photons).all()
    assert (net.divisor, net.halo, net.is_blind) == ((4, 4), net.network.halo, True)


def test_photon_link_starts_at_the_mean_of_the_data():
    scale = PhotonScale((0.5,), (-1.0,))
    net = PhotonLink(BlindSpot(2, 1, 2, width=3, depth=1), scale)
    mean, _ = net(torch.randn(1, 1, 8, 8)).chunk(2, 1)
    torch.testing.assert_close(mean, torch.zeros_like(mean), atol=1e-3, rtol=0)


@pytest.mark.parametrize("learned", [True, False])
def test_scalars_follow_the_output_as_constant_channels(learned):
    net = WithScalars(network(), (-2.0, 3.0), learned=learned)
    output = net(torch.randn(2, 1, 8, 8))
    assert output.shape == (2, 4, 8, 8)
    torch.testing.assert_close(output[:, 2], torch.full((2, 8, 8), -2.0))
    torch.testing.assert_close(output[:, 3], torch.full((2, 8, 8), 3.0))
    trained = [name for name, p in net.named_parameters() if p.numel() == 2 and name == "values"]
    assert bool(trained) is learned
    assert "values" in net.state_dict()
