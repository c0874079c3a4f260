from __future__ import annotations

import pytest
import torch

from napari_blindspot.masking import Everything, Grid
from napari_blindspot.masking.grid import neighbour_mean


@pytest.mark.parametrize("space", [(16, 16), (13, 17), (5, 9, 8), (1, 12)])
@pytest.mark.parametrize("spacing", [2, 3, 4])
def test_phases_hide_every_pixel_once(space, spacing):
    noisy = torch.rand(2, 1, *space)
    grid = Grid(spacing)
    total = sum(grid.at(noisy, phase).mask for phase in grid.phases(len(space)))
    assert (total == 1).all()


@pytest.mark.parametrize("space", [(16, 16), (13, 17), (5, 9, 8), (1, 9, 8), (1, 12), (2, 2)])
@pytest.mark.parametrize("spacing", [2, 4])
def test_hidden_values_do_not_matter(space, spacing):
    noisy = torch.rand(1, 2, *space)
    grid = Grid(spacing)
    for phase in grid.phases(len(space)):
        pair = grid.at(noisy, phase)
        other = grid.at(torch.where(pair.mask == 1, 100.0, noisy), phase)
        assert torch.equal(pair.input, other.input)


def test_sample_is_deterministic_and_leaves_its_input():
    noisy = torch.rand(2, 1, 12, 12)
    kept = noisy.clone()
    pairs = [Grid(4).sample(noisy, torch.Generator().manual_seed(1)) for _ in range(2)]
    assert torch.equal(pairs[0].input, pairs[1].input)
    assert torch.equal(noisy, kept)


def test_neighbour_mean_of_a_plane_is_the_plane():
    y, x = torch.meshgrid(torch.arange(8.0), torch.arange(9.0), indexing="ij")
    plane = (2 * y + 3 * x)[None, None]
    torch.testing.assert_close(neighbour_mean(plane)[..., 1:-1, 1:-1], plane[..., 1:-1, 1:-1])


def test_spacing_below_two_is_refused():
    with pytest.raises(ValueError, match="spacing=1"):
        Grid(1)


def test_everything_counts_everything():
    noisy = torch.rand(1, 1, 4, 4)
    pair = Everything().sample(noisy, torch.Generator())
    assert (pair.mask == 1).all()
    assert torch.equal(pair.input, noisy)
