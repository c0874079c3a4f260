"""The form keeps every value of every parameter of every method."""

from __future__ import annotations

import itertools

import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QCheckBox, QComboBox, QLineEdit, QSpinBox

from napari_blindspot import methods
from napari_blindspot._gui.form import Form
from napari_blindspot.params import InputError, Param

pytestmark = pytest.mark.gui

EVERY = pytest.mark.parametrize("name", methods.available())
MADE_UP = (
    Param("rate", "Rate", "How <fast>.", float, 0.002, minimum=1e-6, maximum=0.1, step=1e-6),
    Param("size", "Size", "How wide.", int, 64, minimum=16, maximum=512, step=16, unit="px"),
    Param("power", "Power", "How strong.", float, None, optional=True, minimum=0.0, maximum=1e9),
    Param("kind", "Kind", "Which.", str, "b", choices=("a", "b", "c")),
    Param("word", "Word", "Any text.", str, None, optional=True),
    Param("way", "Way", "Which way.", str, None, optional=True, choices=("up", "down")),
    Param("fine", "Fine", "Yes or no.", bool, True),
    Param("maybe", "Maybe", "Yes, no or auto.", bool, None, optional=True),
    Param("free", "Free", "Any number.", float, -2.5),
    Param("whole", "Whole", "Any whole number.", int, -7),
)


@pytest.fixture
def form(qtbot):
    def make(params):
        made = Form(params)
        qtbot.addWidget(made)
        return made

    return make


def samples(param):
    """Values that a parameter may have, the ends of its range among them."""
    values = [param.default, *param.choices]
    values += [value for value in (param.minimum, param.maximum) if value is not None]
    if param.kind is bool:
        values += [True, False]
    elif param.kind is str and not param.choices:
        values += ["", "00100/11111/00100", "µm, <b> & 'x'"]
    elif param.kind is float and param.maximum is not None:
        low = param.minimum
        values += [low + (param.maximum - low) * part for part in (1 / 3, 1e-6, 0.7182818284590452)]
    return [*values, *([None] if param.optional else [])]


@EVERY
def test_defaults_come_back_unchanged(form, name):
    method = methods.get(name)
    made = form(method.declared())
    assert made.values == methods.create(name).values()
    assert made.changes == {}
    assert methods.create(name, made.values) == methods.create(name)


@EVERY
def test_every_value_comes_back_unchanged(form, name):
    params = methods.get(name).declared()
    made = form(params)
    for param in params:
        for value in samples(param):
            made.values = {param.name: value}
            assert made.values[param.name] == param.check(value)
            assert type(made.values[param.name]) is type(param.check(value))
    made.reset()
    assert made.changes == {}


def test_every_value_of_every_kind_of_parameter_comes_back(form):
    made = form(MADE_UP)
    for row in itertools.zip_longest(*map(samples, MADE_UP)):
        given = {
            param.name: value if value is not None or param.optional else param.default
            for param, value in zip(MADE_UP, row, strict=True)
        }
        made.values = given
        assert made.values == given
        assert made.changes == {
            param.name: given[param.name] for param in MADE_UP if given[param.name] != param.default
        }


@pytest.mark.parametrize("value", [3.7e-5, 0.1 + 0.2, 1e-9, 12345.678901234567, 1e9, 0.0])
def test_numbers_keep_every_digit(form, value):
    made = form([Param("gain", "Gain", "", float, 1.0, minimum=0.0, maximum=1e9, step=0.01)])
    made.values = {"gain": value}
    assert made.values == {"gain": value}
    # Leaving the field reads its text anew.
    made.field("gain").editor.widget.interpretText()
    assert made.values == {"gain": value}


def test_typed_numbers_are_taken(form, qtbot):
    made = form(MADE_UP)
    box = made.field("rate").editor.widget
    for typed, value in (("0.003", 0.003), ("2e-5", 2e-5), ("0,05", 0.05)):
        box.selectAll()
        QTest.keyClicks(box, typed)
        assert made.values["rate"] == value
    box.selectAll()
    QTest.keyClicks(box, "x7")
    box.interpretText()
    assert made.values["rate"] == 0.05


def test_arrows_step_by_what_can_be_seen(form):
    made = form(MADE_UP)
    rate, size = (made.field(name).editor.widget for name in ("rate", "size"))
    rate.stepBy(1)
    size.stepBy(1)
    assert made.values["rate"] == 0.0021
    assert made.values["size"] == 80
    rate.stepBy(-1000)
    assert made.values["rate"] == 1e-6


def test_a_value_out_of_range_is_refused_and_nothing_changes(form):
    made = form(MADE_UP)
    before = made.values
    with pytest.raises(InputError, match=r"size=8 is not allowed; use 16 to 512"):
        made.values = {"rate": 0.01, "size": 8}
    with pytest.raises(InputError, match=r"Unknown parameter 'sise'; allowed are: rate, size"):
        made.values = {"sise": 32}
    assert made.values == before


def test_auto_is_none_and_closes_the_field(form):
    made = form(MADE_UP)
    field = made.field("power")
    assert field.auto.isChecked()
    assert not field.editor.widget.isEnabled()
    field.auto.setChecked(False)
    assert field.editor.widget.isEnabled()
    made.values = {"power": 2.5}
    field.auto.setChecked(True)
    assert made.values["power"] is None
    field.auto.setChecked(False)
    assert made.values["power"] == 2.5
    assert made.field("rate").auto is None


def test_change_is_told_once_and_only_if_there_is_one(form):
    made = form(MADE_UP)
    told = []
    made.changed.connect(lambda: told.append(made.values))
    made.values = {"rate": 0.01, "size": 32, "kind": "c"}
    assert len(told) == 1
    made.values = {"rate": 0.01}
    assert len(told) == 1
    made.field("kind").editor.widget.setCurrentText("a")
    made.field("power").auto.setChecked(False)
    assert [len(told), told[-2]["kind"], made.values["power"]] == [3, "a", 1.0]
    made.reset()
    assert len(told) == 4
    assert made.changes == {}


def test_labels_have_units_and_tips_have_the_help(form):
    made = form(MADE_UP)
    assert made.field("size").label.text() == "Size (px)"
    assert made.field("kind").label.text() == "Kind"
    for widget in (made.field("rate").label, made.field("rate").editor.widget):
        assert widget.toolTip() == "<qt>How &lt;fast&gt;.</qt>"
    kinds = [type(made.field(n).editor.widget) for n in ("kind", "word", "fine")]
    assert kinds == [QComboBox, QLineEdit, QCheckBox]


def test_the_wheel_is_handed_on_and_changes_no_value(form, qtbot):
    made = form(MADE_UP)
    made.show()
    qtbot.waitExposed(made)
    for name in ("rate", "size", "kind"):
        editor = made.field(name).editor.widget
        editor.setFocus()
        before = made.values
        # Qt offers a wheel event that is not accepted to the widget behind.
        assert not turn(editor).isAccepted()
        assert made.values == before
    plain = QSpinBox(made)
    assert turn(plain).isAccepted()
    assert plain.value() != 0


def turn(widget):
    """Turn the wheel over a widget."""
    event = QWheelEvent(
        QPointF(widget.rect().center()),
        QPointF(widget.mapToGlobal(widget.rect().center())),
        QPoint(0, 0),
        QPoint(0, 120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)
    return event
