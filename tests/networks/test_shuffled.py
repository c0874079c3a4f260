"""Networks that are shown every f-th pixel."""

from __future__ import annotations

import pytest
import torch

from napari_blindspot.networks import DnCNN, Shuffled, UNet
from napari_blindspot.networks.shuffled import pixel_down, pixel_up
from receptive import reach


@pytest.mark.parametrize("factor", [1, 2, 3, 5])
def test_down_and_up_is_the_identity(factor):
    image = torch.rand(2, 3, 4 * factor, 2 * factor)
    torch.testing.assert_close(pixel_up(pixel_down(image, factor), factor), image, rtol=0, atol=0)


def test_a_sub_image_holds_every_third_pixel():
    image = torch.rand(2, 2, 9, 12)
    parts = pixel_down(image, 3)
    assert parts.shape == (18, 2, 3, 4)
    assert torch.equal(parts[9 + 3 * 1 + 2], image[1, :, 1::3, 2::3])


def test_pixels_of_another_phase_are_not_seen():
    network = Shuffled(UNet(2, 1, 1, width=4, depth=1), 3, 3)
    image = torch.rand(1, 1, 24, 24, requires_grad=True)
    network(image)[0, 0, 13, 10].backward()
    seen = image.grad[0, 0] != 0
    assert seen[1::3, 1::3].any()
    seen[1::3, 1::3] = False
    assert not seen.any()


@pytest.mark.parametrize(("factor", "prediction"), [(1, 1), (3, 2), (5, 2), (2, 3)])
def test_halo_is_the_reach_of_the_prediction(factor, prediction):
    network = Shuffled(DnCNN(2, 1, 1, width=4, layers=3), factor, prediction)
    side = 2 * network.divisor[0] * (network.halo[0] // network.divisor[0] + 1)
    assert side % factor == side % prediction == 0

    class InPrediction(torch.nn.Module):
        def forward(self, x):
            return network.double()(x, None, prediction)

    assert reach(InPrediction(), (side, side)) == list(network.halo)


def test_divisor_suits_both_factors():
    network = Shuffled(UNet(2, 1, 1, width=4, depth=2), 5, 2)
    assert network.divisor == (40, 40)
    image = torch.rand(1, 1, 40, 80)
    for factor in (None, 2, 5):
        assert network(image, torch.zeros_like(image), factor).shape == image.shape


def test_a_mask_goes_the_way_of_the_image():
    class Sees(DnCNN):
        def forward(self, x, mask=None):
            assert torch.equal(x == 0, mask == 1)
            return x

    image = torch.rand(1, 1, 12, 12) + 1
    mask = (torch.rand(1, 1, 12, 12) < 0.5).float()
    hidden = image * (1 - mask)
    assert torch.equal(Shuffled(Sees(2, 1, 1), 3, 2)(hidden, mask), hidden)
