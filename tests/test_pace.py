from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_blindspot.budget import Budget
from napari_blindspot.pace import MARKS, Clock, Pace, parsed
from napari_blindspot.params import InputError


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


@pytest.mark.parametrize("text", ["x", "4,3" + ",9" * 10, "4,9", "4,9@12", "1" + ",2" * len(MARKS)])
def test_a_text_that_is_no_pace_is_refused(text):
    with pytest.raises(InputError, match="pace="):
        Pace.parse(text)


def test_pace_and_budget_must_fit():
    full = ",".join(map(str, range(4, 4 + len(MARKS))))
    with pytest.raises(InputError, match="leave it out"):
        Clock(Budget(steps=9), Pace.parse(full))
    with pytest.raises(InputError, match="leave it out"):
        Clock(Budget(seconds=9), Pace.parse("@3"))
    with pytest.raises(InputError, match="2 paces were given for 3 networks"):
        parsed([full, full], 3)
    assert parsed([], 2) == [None, None]
