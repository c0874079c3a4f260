from __future__ import annotations

import pytest
import torch

from napari_blindspot.masking import Exchanged, RandomNeighbours
from napari_blindspot.masking.neighbours import exchanged

SPACES = [(8, 10), (3, 6, 4)]


def numbered(space, batch=2, channels=2):
    """Patches in which every pixel has a number of its own, the same in all channels."""
    count = torch.tensor(space).prod()
    pixels = torch.arange(int(batch * count)).float().reshape(batch, 1, *space)
    return pixels.expand(-1, channels, *space).clone()


def places(numbers, space):
    """Cell, row and column of each numbered pixel."""
    row, column = numbers.long() // space[-1] % space[-2], numbers.long() % space[-1]
    plane = numbers.long() // (space[-1] * space[-2])
    return (plane, row // 2, column // 2), row, column


@pytest.mark.parametrize("space", SPACES)
def test_exchanged_pixels_are_neighbours_in_the_row_of_their_cell(space):
    noisy = numbered(space)
    pair = Exchanged().sample(noisy, torch.Generator())
    cell, row, column = places(pair.input, space)
    other_cell, other_row, other_column = places(pair.target, space)
    assert all(map(torch.equal, cell, other_cell))
    assert torch.equal(row, other_row)
    assert ((column - other_column).abs() == 1).all()
    assert torch.equal(exchanged(pair.target, -1), noisy)


@pytest.mark.parametrize("space", SPACES)
def test_random_pairs_are_neighbours_and_never_the_same_pixel(space):
    noisy = numbered(space)
    pair = RandomNeighbours().sample(noisy, torch.Generator().manual_seed(0))
    shown = pair.mask == 1
    cell, row, column = places(pair.input[shown], space)
    other_cell, other_row, other_column = places(pair.target[shown], space)
    assert all(map(torch.equal, cell, other_cell))
    assert ((row - other_row).abs() + (column - other_column).abs() == 1).all()
    assert (pair.target != pair.input).all()


@pytest.mark.parametrize("space", SPACES)
def test_the_mask_names_one_pixel_and_its_partner_in_every_cell(space):
    noisy = numbered(space)
    pair = RandomNeighbours().sample(noisy, torch.Generator().manual_seed(0))
    cells = pair.mask.unflatten(-1, (-1, 2)).unflatten(-3, (-1, 2))
    for value in (1, -1):
        assert ((cells == value).sum((-1, -3)) == 1).all()
    targets = pair.target[pair.mask == 1].sort().values
    assert torch.equal(targets, noisy[pair.mask == -1].sort().values)


def test_every_choice_of_pixel_and_partner_is_as_likely():
    noisy = numbered((200, 200), batch=1, channels=1)
    pair = RandomNeighbours().sample(noisy, torch.Generator().manual_seed(0))
    shown = pair.mask == 1
    _, row, column = places(pair.input[shown], (200, 200))
    _, other_row, other_column = places(pair.target[shown], (200, 200))
    kinds = 8 * (row % 2) + 4 * (column % 2) + 2 * (other_row % 2) + other_column % 2
    counts = torch.bincount(kinds)
    counts = counts[counts > 0].float()
    assert len(counts) == 8
    assert ((counts / counts.sum() - 1 / 8).abs() < 0.02).all()


@pytest.mark.parametrize("scheme", [Exchanged(), RandomNeighbours()])
def test_same_generator_same_pair_and_the_patches_are_left_alone(scheme):
    noisy = torch.rand(2, 1, 6, 8)
    kept = noisy.clone()
    first, second = (scheme.sample(noisy, torch.Generator().manual_seed(4)) for _ in range(2))
    assert torch.equal(first.target, second.target)
    assert torch.equal(first.mask, second.mask)
    assert torch.equal(noisy, kept)
