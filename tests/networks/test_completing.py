"""Networks that begin from a blur of the visible pixels."""

from __future__ import annotations

import torch

from napari_blindspot.filters import gaussian
from napari_blindspot.networks import Completing, DnCNN
from napari_blindspot.networks.layers import started
from receptive import reach


def completing(sigma=1.5, channels=1):
    return Completing(DnCNN(2, 2 * channels + 1, channels, width=4, layers=3), sigma)


def test_halo_is_exact():
    network = completing()
    assert reach(network, (41, 41)) == list(network.halo) == [7, 7]


def test_hidden_values_are_not_looked_at():
    network, mask = completing(channels=2), torch.zeros(1, 2, 16, 16)
    mask[..., ::2, 1::3] = 1
    image = torch.rand(1, 2, 16, 16)
    other = torch.where(mask == 1, 100.0, image)
    assert torch.equal(network(image, mask), network(other, mask))


def test_training_begins_from_the_blur_of_what_is_visible():
    network = completing(2.0)
    started(network.network.head, slope=None)
    image = torch.rand(1, 1, 20, 20)
    torch.testing.assert_close(network(image), gaussian(image, 2.0))
    half = torch.zeros_like(image)
    half[..., 10:] = 1
    constant = torch.where(half == 1, -50.0, 3.0)
    torch.testing.assert_close(network(constant, half)[..., :12], torch.full((1, 1, 20, 12), 3.0))
