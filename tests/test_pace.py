from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_blindspot.budget import Budget
from napari_blindspot.pace import MARKS, Clock, Pace, parsed
from napari_blindspot.params import InputError
from napari_blindspot.settling import Marks, Settling, Verdict


def fractions(clock, durations):
    """Parts of the budget after each step, until it is used up or there are no more durations."""
    found, elapsed_s = [clock.fraction(0)], 0.0
    for step, duration in enumerate(durations, 1):
        if found[-1] >= 1:
            break
        elapsed_s += duration
        clock.tick(step, elapsed_s)
        found.append(clock.fraction(step))
    return found, elapsed_s


def test_steps_of_one_length_use_up_the_seconds_evenly():
    found, elapsed_s = fractions(Clock(Budget(seconds=10)), [0.05] * 1000)
    assert elapsed_s == pytest.approx(10, rel=0.02)
    late = [(i, f) for i, f in enumerate(found) if f > 0.05]
    assert all(f == pytest.approx(i / (len(found) - 1), abs=0.012) for i, f in late)


def test_the_plan_follows_a_change_of_speed():
    found, elapsed_s = fractions(Clock(Budget(seconds=10)), [0.01] * 400 + [0.03] * 1000)
    assert found[-1] == 1
    assert elapsed_s == pytest.approx(10, rel=0.1)


def test_a_slow_first_step_does_not_count_for_the_speed():
    found, elapsed_s = fractions(Clock(Budget(seconds=10)), [2.0] + [0.02] * 1000)
    assert elapsed_s == pytest.approx(10, rel=0.02)
    assert len(found) > 300


@given(
    st.lists(st.floats(1e-3, 5), min_size=400, max_size=400), st.floats(0.1, 30), st.integers(0, 50)
)
def test_any_pace_can_be_repeated_from_its_text(durations, seconds, stop_at):
    clock = Clock(Budget(seconds=seconds))
    found, elapsed_s = fractions(clock, durations[:stop_at] if stop_at else durations)
    assert found == sorted(found)
    assert elapsed_s <= 1.1 * seconds + max(durations)
    text = str(clock.pace)
    again, _ = fractions(Clock(Budget(seconds=seconds), Pace.parse(text)), durations)
    assert len(again) == len(found)
    assert again[:-1] == found[:-1]
    assert again[-1] == 1


def test_steps_are_what_they_are():
    clock = Clock(Budget(steps=8))
    found, _ = fractions(clock, [1.0] * 20)
    assert found == [k / 8 for k in range(9)]
    assert clock.pace == Pace()
    stopped = Clock(Budget(steps=8))
    fractions(stopped, [1.0] * 3)
    assert str(stopped.pace) == "@3"
    again, _ = fractions(Clock(Budget(steps=8), Pace.parse("@3")), [1.0] * 20)
    assert again == [0, 1 / 8, 2 / 8, 1]


def test_a_clock_goes_on_from_a_saved_state():
    whole, first = Clock(Budget(seconds=10)), Clock(Budget(seconds=10))
    expected, _ = fractions(whole, [0.1] * 300)
    for step in range(1, 31):
        first.tick(step, 0.1 * step)
    second = Clock(Budget(seconds=10))
    second.restore(first.state())
    found = []
    for step in range(31, len(expected)):
        second.tick(step, 0.1 * step)
        found.append(second.fraction(step))
    assert found == pytest.approx(expected[31:])


def marks(loss):
    return Marks((loss,), (1.0,))


def left(clock, losses):
    """Parts of the budget when the loss on held-out pixels is told after every step."""
    found = []
    for step, loss in enumerate(losses, start=1):
        clock.tick(step, 0.01 * step)
        clock.examined(marks(loss))
        found.append(clock.fraction(step))
        if found[-1] == 1:
            break
    return found


# The mean of the last four falls until 400. Below 0, as the loss of a likelihood can be.
FALLING_UNTIL_400 = [1 / min(step, 397) - 1 for step in range(1, 5000)]


@pytest.mark.parametrize("budget", [Budget(steps=4000), Budget(seconds=40)])
def test_a_training_whose_loss_has_settled_is_brought_to_its_end(budget):
    clock = Clock(budget, settling=Settling(is_eager=True))
    found = left(clock, FALLING_UNTIL_400)
    assert len(found) == 800
    assert found[599] == pytest.approx(0.15, rel=0.1)
    steps = np.diff(found[600:])
    assert steps == pytest.approx(np.full(199, (1 - found[599]) / 200))
    again = Clock(budget, Pace.parse(str(clock.pace)), settling=Settling(is_eager=True))
    assert left(again, FALLING_UNTIL_400) == found


@pytest.mark.parametrize("budget", [Budget(steps=4000), Budget(seconds=40), Budget(steps=900)])
def test_a_repeated_training_leaves_where_the_first_did_whatever_its_marks(budget):
    """On another processor marks are not the same to the last bit."""
    first = Clock(budget, settling=Settling(is_eager=True))
    expected = left(first, FALLING_UNTIL_400)
    assert str(first.pace).endswith(":600:400")
    pace = Pace.parse(str(first.pace))
    for marks_seen in ([1.0] * 4000, [-step for step in range(4000)]):
        again = Clock(budget, pace, settling=Settling(is_eager=True))
        assert left(again, marks_seen) == expected
        assert str(again.pace) == str(pace)


def test_what_slows_down_on_its_way_out_ends_with_the_seconds():
    clock = Clock(Budget(seconds=40), settling=Settling(is_eager=True))
    elapsed_s = 0.0
    for step, loss in enumerate(FALLING_UNTIL_400, start=1):
        elapsed_s += 0.01 if step < 605 else 10.0
        clock.tick(step, elapsed_s)
        if clock.fraction(step) == 1:
            break
        clock.examined(marks(loss))
    assert 604 < step < 612


def test_a_training_is_not_settled_before_its_fewest_steps():
    clock = Clock(Budget(steps=4000), settling=Settling(1000, is_eager=True))
    assert len(left(clock, FALLING_UNTIL_400)) == 1200


@pytest.mark.parametrize("at", [500, 700])
def test_a_training_goes_on_to_the_end_that_it_was_to_have(at):
    whole, first = (Clock(Budget(steps=4000), settling=Settling(is_eager=True)) for _ in range(2))
    expected = left(whole, FALLING_UNTIL_400)
    left(first, FALLING_UNTIL_400[:at])
    second = Clock(Budget(steps=4000), settling=Settling(is_eager=True))
    second.restore(json.loads(json.dumps(first.state())))
    for step in range(at + 1, 801):
        second.tick(step, 0.0)
        second.examined(marks(FALLING_UNTIL_400[step]))
        assert second.fraction(step) == expected[step - 1]


def test_a_budget_that_is_nearly_used_is_used():
    clock = Clock(Budget(steps=700), settling=Settling(is_eager=True))
    assert len(left(clock, FALLING_UNTIL_400)) == 700


def test_where_to_go_back_to_is_said_once():
    clock, said = Clock(Budget(steps=4000), settling=Settling(is_eager=True)), {}
    for step, loss in enumerate(FALLING_UNTIL_400[:700], start=1):
        clock.tick(step, 0.0)
        said[step] = clock.examined(marks(loss))
    best = [step for step, verdict in said.items() if verdict is Verdict.BEST]
    assert best == list(range(1, 401))
    assert [step for step, verdict in said.items() if verdict is Verdict.LEAVE] == [600]


@pytest.mark.parametrize(("steps", "leaves"), [(640, False), (799, False), (800, True)])
def test_a_way_out_that_would_outlast_the_budget_is_not_taken(steps, leaves):
    """From step 600 it takes 200: half as many as there were up to the best ones."""
    clock = Clock(Budget(steps=steps), settling=Settling(is_eager=True))
    found = left(clock, FALLING_UNTIL_400)
    assert len(found) == steps
    assert (clock.left is not None) == leaves
    if not leaves:
        assert found == pytest.approx([step / steps for step in range(1, steps + 1)])


def test_an_exam_is_due_ever_more_seldom_and_only_where_it_can_end_the_training():
    clock = Clock(Budget(steps=4000), settling=Settling(400))
    due = []
    for step in range(1, 1601):
        clock.tick(step, 0.0)
        due += [step] * clock.is_exam_due
    assert due[0] >= 200
    assert len(due) == pytest.approx(24, abs=1)
    assert np.diff(due)[-1] == pytest.approx(7 * np.diff(due)[0], rel=0.2)
    assert not Clock(Budget(steps=4000)).is_exam_due


def test_another_kind_of_loss_is_a_new_beginning():
    clock = Clock(Budget(steps=4000), settling=Settling(is_eager=True))
    left(clock, FALLING_UNTIL_400[:500])
    clock.renewed()
    for step in range(501, 700):
        clock.tick(step, 0.0)
        clock.examined(marks(1.0))
    assert clock.fraction(699) == 699 / 4000


def test_without_leave_the_budget_is_used():
    assert len(left(Clock(Budget(steps=900)), FALLING_UNTIL_400)) == 900


@pytest.mark.parametrize("text", ["x", "4,3" + ",9" * 10, "4,9", "4,9@", "1" + ",2" * len(MARKS)])
def test_a_text_that_is_no_pace_is_refused(text):
    with pytest.raises(InputError, match="pace="):
        Pace.parse(text)


def test_a_network_without_a_pace_stands_among_others_with_one():
    assert parsed(["", "@3", ""], 3) == [None, Pace(done=3), None]


def test_pace_and_budget_must_fit():
    full = ",".join(map(str, range(4, 4 + len(MARKS))))
    with pytest.raises(InputError, match="leave it out"):
        Clock(Budget(steps=9), Pace.parse(full))
    with pytest.raises(InputError, match="leave it out"):
        Clock(Budget(seconds=9), Pace.parse("@3"))
    with pytest.raises(InputError, match="2 paces were given for 3 networks"):
        parsed([full, full], 3)
    assert parsed([], 2) == [None, None]
