"""Numbers as short as they can be written, and back."""

from __future__ import annotations

import pytest
from qtpy.QtGui import QValidator

from napari_blindspot._gui.number_box import NumberBox, written

pytestmark = pytest.mark.gui


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.004, "0.004"), (1e-6, "1e-06"), (60.0, "60"), (0.1 + 0.2, "0.30000000000000004")],
)
def test_a_number_is_written_so_that_it_comes_back(value, text):
    assert written(value) == text
    assert float(text) == value


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("2.5 s", QValidator.State.Acceptable),
        ("1e2", QValidator.State.Acceptable),
        ("2,5", QValidator.State.Acceptable),
        ("1e", QValidator.State.Intermediate),
        ("", QValidator.State.Intermediate),
        ("2000", QValidator.State.Intermediate),
        ("inf", QValidator.State.Invalid),
        ("12 hours", QValidator.State.Invalid),
    ],
)
def test_what_may_be_typed(qtbot, text, state):
    box = NumberBox(0.5, 1000.0, 1.0)
    box.setSuffix(" s")
    qtbot.addWidget(box)
    assert box.validate(text, 0)[0] == state


def test_without_limits_it_takes_large_numbers_of_either_sign(qtbot):
    box = NumberBox()
    qtbot.addWidget(box)
    for value in (-123456789.125, 9.75e14):
        box.setValue(value)
        assert box.value() == value


@pytest.mark.parametrize(
    ("value", "steps", "then"),
    [(0.8, 3, 1.1), (0.0, 1, 0.1), (5000.0, -1, 4900.0), (-5000.0, 1, -4900.0), (9.9, 1, 10.0)],
)
def test_arrows_leave_no_dust(qtbot, value, steps, then):
    box = NumberBox(-1e9, 1e9, 0.1)
    qtbot.addWidget(box)
    box.setValue(value)
    box.stepBy(steps)
    assert box.value() == then
