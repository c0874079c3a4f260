"""A budget as a Job has it comes back."""

from __future__ import annotations

import pytest
from qtpy.QtWidgets import QComboBox

from napari_blindspot._gui.budget_row import BudgetRow
from napari_blindspot._gui.number_box import NumberBox
from napari_blindspot.budget import INSTANT, PRESETS, Budget
from napari_blindspot.params import InputError

pytestmark = pytest.mark.gui


@pytest.fixture
def row(qtbot):
    made = BudgetRow()
    qtbot.addWidget(made)
    return made


@pytest.mark.parametrize("text", [INSTANT, *PRESETS, "45s", "0.5s", "2.25s", "200steps", "1steps"])
def test_a_budget_comes_back(row, text):
    row.text = text
    assert row.text == text


@pytest.mark.parametrize("text", ["2m", "60 s", "1step", "1000000s"])
def test_a_budget_written_otherwise_means_the_same(row, text):
    row.text = text
    assert Budget.parse(row.text) == Budget.parse(text)


def test_presets_say_their_seconds_and_own_numbers_begin_there(row):
    choice = row.findChild(QComboBox)
    number = row.findChild(NumberBox)
    assert [choice.itemText(k) for k in range(choice.count())] == [
        "Instant (no training)",
        "Quick (10 s)",
        "Balanced (60 s)",
        "Best (300 s)",
        "Seconds...",
        "Steps...",
    ]
    row.text = "best"
    assert number.isHidden()
    choice.setCurrentIndex(4)
    assert not number.isHidden()
    assert row.text == "300s"


@pytest.mark.parametrize("text", ["soon", "0s", "-5s", "2000000s", "2000000000steps"])
def test_other_budgets_are_refused_and_nothing_changes(row, text):
    row.text = "45s"
    with pytest.raises(InputError, match=r"; use"):
        row.text = text
    assert row.text == "45s"


def test_change_is_told_once(row):
    told = []
    row.changed.connect(lambda: told.append(row.text))
    row.text = "45s"
    row.text = "45s"
    row.text = "200steps"
    assert told == ["45s", "200steps"]


def test_instant_is_left_where_it_is_not_offered(row, qtbot):
    assert row.offers_instant
    row.text = INSTANT
    with qtbot.waitSignal(row.changed):
        row.offers_instant = False
    assert row.text == "balanced"
    row.text = "45s"
    row.offers_instant = True
    assert row.text == "45s"
