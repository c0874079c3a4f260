from __future__ import annotations

import pytest
import torch

from napari_blindspot.chance import Chance
from napari_blindspot.inference import GridPhases
from napari_blindspot.masking import Grid


@pytest.mark.parametrize("space", [(9, 13), (5, 8, 7)])
@pytest.mark.parametrize("spacing", [2, 3, 4])
def test_every_pixel_is_the_prediction_of_the_copy_that_hides_it(space, spacing):
    noisy = torch.rand(2, 1, *space)
    scheme = Grid(spacing, planar=True)

    def network(x, mask):
        return 0.6 * x + 0.4 * x.roll(1, -1) + 10 * mask

    expected, times = torch.zeros_like(noisy), torch.zeros_like(noisy)
    for phase in scheme.phases(len(space)):
        pair = scheme.at(noisy, phase)
        times += pair.mask
        expected = torch.where(pair.mask == 1, network(pair.input, pair.mask), expected)
    assert (times == 1).all()
    chance = Chance(0, (0,) * len(space))
    found = GridPhases(spacing).predict(network, noisy, chance)
    torch.testing.assert_close(found.mean, expected)
    assert (found.mean > 9).all()
    assert found.std is None


def test_a_pixel_does_not_depend_on_its_own_value():
    noisy = torch.rand(1, 1, 12, 12, requires_grad=True)
    mean = GridPhases(4).predict(lambda x, _: 2 * x, noisy, Chance(0, (0, 0))).mean
    for place in ((0, 0), (5, 6), (11, 11)):
        (gradient,) = torch.autograd.grad(mean[0, 0][place], noisy, retain_graph=True)
        assert gradient[0, 0][place] == 0
        assert gradient.abs().sum() > 0


@pytest.mark.parametrize("start", [(1, 2, 3), (2, 4, 1)])
def test_tiles_agree_wherever_they_begin(start):
    noisy = torch.rand(1, 1, 8, 16, 16)
    predictor = GridPhases(4)

    def of(x):
        return predictor.predict(lambda x, _: x + x**2, x, Chance(0, (0, 0, 0))).mean

    z, y, x = start
    tile = of(noisy[:, :, z:, y:, x:])
    m = predictor.margin
    whole = of(noisy)[:, :, z:, y:, x:]
    torch.testing.assert_close(tile[..., m:, m:], whole[..., m:, m:])


def test_preview_is_one_pass():
    calls = []

    def network(x):
        calls.append(x)
        return x

    GridPhases(4).draft().predict(network, torch.rand(1, 1, 8, 8), Chance(0, (0, 0)))
    assert len(calls) == 1
