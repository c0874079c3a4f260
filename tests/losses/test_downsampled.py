"""Losses that take patches apart, against their formulas written out."""

from __future__ import annotations

import pytest
import torch

from napari_blindspot.losses import DiagonalPair, HalvesError, NeighbourError, RevisibleError
from napari_blindspot.losses.halves import pushed
from napari_blindspot.masking import Checkerboard, Exchanged, Grid, RandomNeighbours
from napari_blindspot.pairs import TrainingPair

SPACES = [(6, 8), (2, 4, 6)]


def network(x, mask=None):
    """Depends on the neighbour to the left, so that a shift or a turn shows."""
    return 0.7 * x + 0.2 * x.roll(1, -1) + 0.1 * x**2


def pair_of(scheme, space):
    generator = torch.Generator().manual_seed(0)
    noisy = torch.rand(2, 3, *space, generator=generator)
    return noisy, scheme.sample(noisy, generator)


def mean_squares(*differences):
    return sum((d**2).mean() for d in differences)


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("weight", [0.0, 1.0, 2.5])
def test_diagonal_pair(space, weight):
    y, pair = pair_of(Exchanged(), space)

    def thinned(x):
        a, b = x[..., ::2, ::2], x[..., ::2, 1::2]
        c, d = x[..., 1::2, ::2], x[..., 1::2, 1::2]
        return (a + d) / 2, (b + c) / 2

    d1, d2 = thinned(y)
    f1, f2 = network(d1), network(d2)
    residual = mean_squares(f1 - d2, f2 - d1) / 2
    whole1, whole2 = thinned(network(y))
    consistency = mean_squares(f1 - whole1, f2 - whole2) / 2
    loss = DiagonalPair(weight)(network, pair)
    torch.testing.assert_close(loss, residual + weight * consistency)


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_neighbour_error(space, gamma):
    y, pair = pair_of(RandomNeighbours(), space)
    *lead, height, width = y.shape
    half = (*lead, height // 2, width // 2)

    def thinned(x, value):
        result = torch.empty(half)
        for place in (pair.mask == value).nonzero():
            *front, row, column = place.tolist()
            result[(*front, row // 2, column // 2)] = x[tuple(place)]
        return result

    difference = network(thinned(y, 1)) - thinned(y, -1)
    true = thinned(network(y), 1) - thinned(network(y), -1)
    expected = mean_squares(difference) + gamma * mean_squares(difference - true)
    torch.testing.assert_close(NeighbourError(gamma)(network, pair), expected)


@pytest.mark.parametrize("odd", [False, True])
def test_pushed_pixels_are_those_of_one_colour(odd):
    x = torch.arange(24.0).reshape(1, 1, 4, 6)
    rows = [[j for j in range(6) if (i + j) % 2 == odd] for i in range(4)]
    expected = torch.stack([x[0, 0, i, row] for i, row in enumerate(rows)])
    assert torch.equal(pushed(x, odd=odd)[0, 0], expected)


@pytest.mark.parametrize("space", SPACES)
def test_halves_error(space):
    y, pair = pair_of(Checkerboard(), space)
    left = network(pushed(y, odd=False)) - pushed(y, odd=True)
    shown, wanted = (pushed(y.mT, odd=odd).mT for odd in (False, True))
    assert shown.shape[-2:] == (space[-2] // 2, space[-1])
    up = network(shown) - wanted
    expected = mean_squares(left, up) / 2
    torch.testing.assert_close(HalvesError()(network, pair), expected)


@pytest.mark.parametrize("space", SPACES)
def test_revisible_error(space):
    y, pair = pair_of(Grid(2), space)
    hidden = pair.mask == 1
    blind, seen = (network(pair.input) - y)[hidden], (network(y) - y)[hidden]
    expected = (mean_squares(blind + 5 * seen) + 0.5 * mean_squares(blind)) / (6**2 + 0.5)
    torch.testing.assert_close(RevisibleError(5.0, 0.5)(network, pair), expected)


class Scaled(torch.nn.Module):
    """One weight, and how often its gradient was asked for."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor(0.5))

    def forward(self, x, mask=None):
        return self.weight * x


def test_no_gradient_is_followed_through_the_visible_prediction():
    y, pair = pair_of(RandomNeighbours(), (4, 4))
    scaled = Scaled()
    NeighbourError(3.0)(scaled, pair).backward()
    first, second = y[pair.mask == 1].double(), pair.target[pair.mask == 1].double()
    difference = 0.5 * first - second
    partners = torch.where(pair.mask == 1, pair.target, 0).double()[pair.mask == 1]
    true = 0.5 * (first - partners)
    expected = 2 * (first * difference + 3 * first * (difference - true)).mean()
    assert float(scaled.weight.grad) == pytest.approx(float(expected), rel=1e-5)

    y, pair = pair_of(Grid(2), (4, 4))
    scaled = Scaled()
    RevisibleError(4.0)(scaled, pair).backward()
    hidden = pair.mask == 1
    x, y = pair.input[hidden], y[hidden]
    blind, seen = 0.5 * x - y, -0.5 * y
    expected = 2 * (x * (blind + 4 * seen) + x * blind).mean() / 26
    assert float(scaled.weight.grad) == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize(
    ("scheme", "loss"),
    [
        (Exchanged(), DiagonalPair()),
        (RandomNeighbours(), NeighbourError(2.0)),
        (Checkerboard(), HalvesError()),
        (Grid(2), RevisibleError(2.0)),
    ],
    ids=lambda part: type(part).__name__,
)
def test_pixels_that_are_held_out_do_not_count(scheme, loss):
    _, pair = pair_of(scheme, (8, 8))
    counted = torch.ones_like(pair.mask)
    counted[..., 2:5, 3:6] = 0

    def blind_to_place(x, mask=None):
        return 0.3 * x + 0.1

    def value(target):
        return loss(blind_to_place, TrainingPair(pair.input, target, pair.mask * counted))

    changed = torch.where(counted == 1, pair.target, pair.target + 10)
    assert torch.equal(value(changed), value(pair.target))
    assert value(pair.target + 1) != value(pair.target)
