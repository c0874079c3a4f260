from __future__ import annotations

import pytest
import torch

from napari_blindspot.filters import gaussian
from napari_blindspot.networks import MaskedUNet
from napari_blindspot.networks.inpainting import CONVOLUTIONS


def masks(*shape, rate=0.3, seed=0):
    chance = torch.rand(shape, generator=torch.Generator().manual_seed(seed))
    return (chance < rate).float()


def reach(network, space, mask=None):
    """Distance per axis over which the central output depends on the input."""
    torch.manual_seed(0)
    x = torch.rand(1, 1, *space, dtype=torch.float64, requires_grad=True)
    centre = tuple(n // 2 for n in space)
    network.double()(x, mask)[(0, 0, *centre)].backward()
    used = x.grad[0, 0].nonzero()
    return (used - torch.tensor(centre)).abs().amax(0).tolist()


@pytest.mark.parametrize("kind", ["plain", "mgr"])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_halo_covers_the_receptive_field_and_is_tight(depth, kind):
    network = MaskedUNet(2, 1, 1, width=4, depth=depth, kind=kind)
    side = (2 * network.halo[0]) // 2**depth * 2**depth + 2**depth * 4
    found = max(reach(network, (side, side)))
    assert found <= network.halo[0]
    assert found >= network.halo[0] - 2 ** (depth + 1)


@pytest.mark.parametrize("depth", [1, 2])
def test_what_is_hidden_farther_away_than_the_halo_decides_nothing(depth):
    """The mask is an input as well: it decides which features are dropped."""
    torch.manual_seed(0)
    network = MaskedUNet(2, 1, 1, width=4, depth=depth, shows_mask=True)
    radius = network.halo[0]
    side = (2 * radius) // 2**depth * 2**depth + 2**depth * 4
    centre = side // 2
    x, mask = torch.randn(1, 1, side, side), masks(1, 1, side, side)
    far, near = mask.clone(), mask.clone()
    far[..., centre - radius : centre + radius + 1, centre - radius : centre + radius + 1] = 2
    other = torch.where(far == 2, mask, masks(1, 1, side, side, seed=1))
    near[..., centre, centre + 3] = 1 - near[..., centre, centre + 3]
    with torch.no_grad():
        before, after, changed = (network(x, m)[0, 0, centre, centre] for m in (mask, other, near))
    torch.testing.assert_close(before, after)
    assert abs(float(before - changed)) > 1e-4


def test_halo_in_3d():
    network = MaskedUNet(3, 1, 1, width=4, depth=2)
    side = (2 * network.halo[1] + 8) // 4 * 4
    found = reach(network, (2 * network.halo[0] + 5, side, side))
    assert all(f <= h for f, h in zip(found, network.halo, strict=True))
    assert found[0] == network.halo[0]


@pytest.mark.parametrize("kind", CONVOLUTIONS)
@pytest.mark.parametrize(("ndim", "space"), [(2, (16, 24)), (3, (5, 16, 8))])
def test_shapes(ndim, space, kind):
    network = MaskedUNet(ndim, 2, 3, width=6, depth=2, kind=kind, shows_mask=kind == "gated")
    x, mask = torch.rand(2, 2, *space), masks(2, 1, *space).expand(2, 2, *space)
    assert network(x, mask).shape == (2, 3, *space)
    assert network(x).shape == (2, 3, *space)
    assert not network.is_blind


def test_architecture_is_that_of_the_paper():
    network = MaskedUNet(2, 3, 3)
    encoder = [layer.features.out_channels for layer in network.down]
    decoder = [c.out_channels for block in network.up for c in block.convolutions]
    assert encoder == [48] * 7
    assert decoder == [96] * 8
    assert [c.out_channels for c in network.last.convolutions] == [64, 32]
    assert network.last.convolutions[0].in_channels == 96 + 3
    assert network.divisor == (32, 32)


@torch.no_grad()
@pytest.mark.parametrize("kind", CONVOLUTIONS)
def test_signal_keeps_its_size_through_a_deep_network(kind):
    torch.manual_seed(0)
    network = MaskedUNet(2, 1, 1, width=16, depth=4, kind=kind)
    mask = masks(2, 1, 64, 64)
    output = network(torch.randn(2, 1, 64, 64) * (1 - mask), mask)
    assert 0.03 < float(output.std()) < 30


def test_features_are_dropped_only_where_there_is_a_mask():
    torch.manual_seed(0)
    with_dropout, without = (MaskedUNet(2, 1, 1, width=6, depth=2, dropout=d) for d in (0.5, 0.0))
    without.load_state_dict(with_dropout.state_dict())
    x, mask = torch.randn(1, 1, 32, 32), masks(1, 1, 32, 32)
    assert torch.equal(with_dropout(x), without(x))
    assert not torch.allclose(with_dropout(x, mask), without(x, mask))
    assert torch.equal(with_dropout(x, mask), with_dropout(x, mask))


@pytest.mark.parametrize("kind", ["partial", "mgr", "learnable-attention"])
def test_partial_does_not_see_what_is_hidden_and_the_others_see_the_mask(kind):
    torch.manual_seed(0)
    network = MaskedUNet(2, 1, 1, width=6, depth=2, kind=kind, dropout=0.0)
    x, mask = torch.randn(1, 1, 32, 32), masks(1, 1, 32, 32)
    encoded, _ = network.encoded(x, 1 - mask)
    unmasked, _ = network.encoded(x, torch.ones_like(mask))
    assert not torch.allclose(encoded, unmasked)
    if kind == "partial":
        hidden = torch.where(mask == 1, x + 10, x)
        assert torch.equal(network.encoded(hidden, 1 - mask)[0], encoded)


@torch.no_grad()
def test_training_begins_from_the_blur_of_what_is_visible():
    network = MaskedUNet(2, 2, 2, width=4, depth=2, start_blur=2.0)
    image = torch.rand(1, 2, 16, 24)
    torch.testing.assert_close(network(image), gaussian(image, 2.0))
    half = torch.zeros_like(image)
    half[..., 12:] = 1
    constant = torch.where(half == 1, -50.0, 3.0)
    left = network(constant, half)[..., :14]
    torch.testing.assert_close(left, torch.full_like(left, 3.0))


def test_halo_reaches_as_far_as_the_blur():
    network = MaskedUNet(2, 1, 1, width=4, depth=1, start_blur=5.0)
    assert reach(network, (48, 48)) == list(network.halo) == [13, 13]


@torch.no_grad()
@pytest.mark.parametrize("kind", CONVOLUTIONS)
@pytest.mark.parametrize("apart", [True, False])
@pytest.mark.parametrize(("ndim", "space"), [(2, (16, 24)), (3, (5, 16, 8))])
def test_the_mask_of_the_second_channel_counts_only_apart(kind, apart, ndim, space):
    """The same pixels are shown; plain convolutions do not look at any mask."""
    torch.manual_seed(0)
    size = {"width": 6, "depth": 2, "kind": kind, "dropout": 0.0}
    network = MaskedUNet(ndim, 2, 2, apart=apart, shows_mask=kind == "gated", **size)
    place = (0, slice(None), *(n // 2 for n in space))
    image, seen = torch.randn(1, 2, *space), torch.zeros(1, 2, *space)
    image[place] = 0
    hidden = seen.clone()
    hidden[place] = torch.tensor([0.0, 1.0])
    same = torch.equal(network(image, seen), network(image, hidden))
    assert same == (kind == "plain" or not apart)


@torch.no_grad()
def test_the_blur_of_each_channel_is_that_of_its_own_visible_pixels():
    network = MaskedUNet(2, 2, 2, width=4, depth=2, apart=True, start_blur=2.0)
    half = torch.zeros(1, 2, 16, 24)
    half[:, 0, :, 12:] = 1
    image = torch.where(half == 1, -50.0, 3.0)
    left = network(image, half)[..., :14]
    torch.testing.assert_close(left, torch.full_like(left, 3.0))
