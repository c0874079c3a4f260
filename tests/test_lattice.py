from __future__ import annotations

import pytest
import torch

from napari_blindspot import lattice


@pytest.mark.parametrize("space", [(13, 17), (5, 9, 8), (3, 2, 2)])
@pytest.mark.parametrize("spacing", [2, 3, 4])
def test_phases_in_planes_hold_every_pixel_once(space, spacing):
    noisy = torch.rand(2, 1, *space)
    found = list(lattice.phases(spacing, 2))
    assert len(found) == spacing**2
    assert (sum(lattice.grid(noisy, spacing, phase) for phase in found) == 1).all()


@pytest.mark.parametrize("spacing", [2, 3, 4, 5])
def test_what_lies_above_and_below_belongs_to_another_phase(spacing):
    noisy = torch.rand(1, 1, 6, 12, 12)
    mask = lattice.grid(noisy, spacing, (1, 0))
    assert (mask[:, :, 1:] * mask[:, :, :-1]).sum() == 0


@pytest.mark.parametrize("start", [1, 2, 3])
@pytest.mark.parametrize("spacing", [3, 4])
def test_pixels_that_share_a_phase_share_it_wherever_a_tile_begins(spacing, start):
    whole = lattice.grid(torch.rand(1, 1, 8, 12, 12), spacing, (0, 2))
    tile = torch.rand(1, 1, 8 - start, 12, 12)
    phases = [lattice.grid(tile, spacing, phase) for phase in lattice.phases(spacing, 2)]
    assert any(torch.equal(phase, whole[:, :, start:]) for phase in phases)


def test_planar_mean_does_not_see_other_planes():
    noisy = torch.rand(1, 1, 3, 6, 6)
    other = noisy.clone()
    other[:, :, 1] = 9.0
    first, second = (lattice.neighbour_mean(x, planar=True) for x in (noisy, other))
    assert torch.equal(first[:, :, [0, 2]], second[:, :, [0, 2]])
    assert not torch.equal(lattice.neighbour_mean(noisy), lattice.neighbour_mean(other))
    flat = lattice.neighbour_mean(noisy[:, :, 0])
    torch.testing.assert_close(first[:, :, 0], flat)


def test_mean_of_the_four_neighbours():
    noisy = torch.rand(2, 3, 5, 6)
    y, x = 2, 3
    expected = (
        noisy[..., y - 1, x] + noisy[..., y + 1, x] + noisy[..., y, x - 1] + noisy[..., y, x + 1]
    ) / 4
    mean = lattice.cross_mean(noisy)
    torch.testing.assert_close(mean[..., y, x], expected)
    corner = (noisy[..., 0, 1] + noisy[..., 1, 0]) / 2
    torch.testing.assert_close(mean[..., 0, 0], corner)
