from __future__ import annotations

import json

import numpy as np
import pytest

from napari_blindspot.settling import Marks, Settling, Verdict


def test_the_mean_counts_pixels():
    assert Marks((1.0, 4.0), (30.0, 10.0)).mean == pytest.approx(1.75)


def test_a_gain_that_chance_explains_is_none():
    before = Marks((1.0,) * 4, (100.0,) * 4)
    evenly = Marks((0.97, 0.98, 0.98, 0.97), (100.0,) * 4)
    by_chance = Marks((0.6, 1.2, 0.9, 1.2), (100.0,) * 4)
    assert evenly.mean == pytest.approx(by_chance.mean)
    assert evenly.is_better_than(before)
    assert not by_chance.is_better_than(before)
    assert not before.is_better_than(before)
    assert not before.is_better_than(evenly)


def test_small_gains_add_up():
    """Each is hidden by chance, all of them are not: what is compared is the best one."""
    chance = np.random.default_rng(0).normal(0, 0.05, (200, 8))
    settling = Settling(fewest=10_000)
    for step, noise in enumerate(chance, 1):
        settling.judged(step, Marks(tuple(1 - 0.002 * step + noise), (1.0,) * 8))
    assert settling.best_step > 170
    assert settling.best.mean < 0.7


def test_a_lucky_look_is_not_the_best():
    """The loss falls slowly and once, after 300 steps, by chance far below its course."""
    looks = [100, 120, 150, 180, 210, 250, 300, 350, 420, 500, 600, 700, 850, 1000]
    single, together = Settling(fewest=10), Settling(fewest=10)
    chance = np.random.default_rng(0).normal(0, 0.003, (len(looks), 8))
    for step, noise in zip(looks, chance, strict=True):
        loss = 1 - 0.02 * np.log(step / 100) - 0.04 * (step == 300)
        marks = Marks(tuple(loss + noise), (1.0,) * 8)
        together.judged(step, marks)
        single.recent = ()
        single.judged(step, marks)
    assert single.best_step == 300
    assert together.best_step == 1000


def test_of_equal_ones_the_first_is_kept():
    """Losses that only scatter: the smallest of them is no better than the first."""
    chance = np.random.default_rng(1).normal(0, 0.05, (100, 8))
    settling = Settling(fewest=300)
    verdicts = [
        settling.judged(200 + step, Marks(tuple(1 + noise), (1.0,) * 8))
        for step, noise in enumerate(chance)
    ]
    assert verdicts.count(Verdict.BEST) < 8


@pytest.mark.parametrize(
    ("later", "eager", "ends_at"), [(1.1, False, 150), (1.0, False, 300), (1.0, True, 150)]
)
def test_a_loss_that_does_not_rise_is_given_more_time(later, eager, ends_at):
    settling = Settling(fewest=10, is_eager=eager)
    settling.judged(100, Marks((1.0, 1.0), (1.0, 1.0)))
    marks = Marks((later, later), (1.0, 1.0))
    verdicts = {step: settling.judged(step, marks) for step in range(101, 301)}
    assert min(s for s, verdict in verdicts.items() if verdict is Verdict.LEAVE) == ends_at


def test_what_is_no_number_is_never_the_best():
    settling = Settling(fewest=3)
    lost = Marks((float("nan"), 1.0), (1.0, 1.0))
    assert {settling.judged(step, lost) for step in range(1, 1000)} == {Verdict.WAIT}
    assert settling.best is None
    assert settling.judged(1000, Marks((1.0, 1.0), (1.0, 1.0))) is Verdict.BEST
    assert settling.judged(1001, lost) is not Verdict.BEST


def test_a_state_survives_json():
    settling = Settling()
    settling.judged(6, Marks((0.75, 0.25), (10.0, 30.0)))
    settling.judged(7, Marks((0.5, 0.25), (10.0, 30.0)))
    again = Settling()
    again.restore(json.loads(json.dumps(settling.state())))
    assert again == settling
    assert len(again.recent) == 2
    empty = Settling()
    empty.restore(json.loads(json.dumps(Settling().state())))
    assert empty.best is None
