"""Random numbers that belong to places."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from napari_blindspot.chance import Chance

CPU = torch.device("cpu")


def uniform(chance, space, draws=(0,)):
    return chance.uniform(space, draws, CPU).numpy()


def test_a_tile_has_the_numbers_of_the_whole():
    whole = uniform(Chance(3, (0, 0, 0)), (5, 40, 50), (7, 8))
    tile = uniform(Chance(3, (2, 11, 17)), (3, 9, 20), (7, 8))
    np.testing.assert_array_equal(tile, whole[:, :, 2:5, 11:20, 17:37])


def test_numbers_are_spread_evenly_from_0_to_1():
    values = uniform(Chance(0, (0, 0)), (300, 300)).ravel()
    assert values.min() >= 0
    assert values.max() < 1
    assert stats.kstest(values, "uniform").pvalue > 1e-3


@pytest.mark.parametrize("step", [(1, 0), (0, 1), (1, 1), (0, 32), (64, 64)])
def test_neighbours_know_nothing_of_each_other(step):
    values = uniform(Chance(1, (1000, 0)), (400, 400))[0, 0]
    other = np.roll(values, step, (0, 1))
    assert abs(np.corrcoef(values.ravel(), other.ravel())[0, 1]) < 4 / 400


@pytest.mark.parametrize("change", [{"seed": 1}, {"seed": 2**40}, {"draw": 1}])
def test_other_seeds_and_draws_have_other_numbers(change):
    first = uniform(Chance(0, (0, 0)), (200, 200)).ravel()
    other = Chance(change.get("seed", 0), (0, 0))
    second = uniform(other, (200, 200), (change.get("draw", 0),)).ravel()
    assert abs(np.corrcoef(first, second)[0, 1]) < 4 / 200


def shared_out(chance, space, some, count, deal=0):
    return chance.shared_out(space, some, count, CPU, deal=deal).numpy()


@pytest.mark.parametrize("count", [1, 2, 7, 8, 12, 500])
def test_every_pixel_has_one_number_in_each_part_of_the_range(count):
    values = shared_out(Chance(0, (0, 0)), (12, 9), range(count), count)
    parts = np.sort((values * count).astype(int), axis=0)
    np.testing.assert_array_equal(
        parts, np.broadcast_to(np.arange(count).reshape(-1, 1, 1, 1), parts.shape)
    )


@pytest.mark.parametrize("copy", [0, 3, 7])
def test_numbers_of_a_copy_that_shares_are_as_good_as_any(copy):
    values = shared_out(Chance(1, (0, 500)), (400, 400), [copy], 8)[0, 0]
    assert values.min() >= 0
    assert values.max() <= 1
    assert stats.kstest(values.ravel(), "uniform").pvalue > 1e-3
    for step in ((1, 0), (0, 1), (1, 1), (0, 32)):
        other = np.roll(values, step, (0, 1))
        assert abs(np.corrcoef(values.ravel(), other.ravel())[0, 1]) < 4 / 400


def test_copies_that_share_are_the_same_in_whatever_tile_and_company():
    whole = shared_out(Chance(3, (0, 0, 0)), (5, 40, 50), range(6), 6)
    tile = shared_out(Chance(3, (2, 11, 17)), (3, 9, 20), [1, 4], 6)
    np.testing.assert_array_equal(tile, whole[[1, 4], :, 2:5, 11:20, 17:37])


def test_other_deals_share_otherwise():
    first, second = (shared_out(Chance(0, (0, 0)), (200, 200), [2], 8, deal) for deal in (0, 1))
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 4 / 200
