"""A form made from declared parameters. It knows no method by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QSpinBox,
    QWidget,
)

from napari_blindspot._gui.number_box import NumberBox
from napari_blindspot._gui.texts import tip
from napari_blindspot._gui.wheel import ignore_wheel
from napari_blindspot.params import InputError

if TYPE_CHECKING:
    from napari_blindspot.params import Param

_MOST_INT = 2**31 - 1


class Form(QWidget):
    """A labelled field for every parameter.

    Parameters
    ----------
    params : sequence of Param
        What to ask for.

    Attributes
    ----------
    changed : Signal
        A value is another one.
    """

    changed = Signal()

    def __init__(self, params: Sequence[Param], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._fields = {param.name: Field(param, self) for param in params}
        layout = QFormLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for field in self._fields.values():
            layout.addRow(field.label, field.widget)
            field.changed.connect(self.changed)

    @property
    def values(self) -> dict[str, Any]:
        """Values of all parameters; those that are set must be declared and allowed."""
        return {name: field.value for name, field in self._fields.items()}

    @values.setter
    def values(self, values: Mapping[str, Any]) -> None:
        unknown = sorted(set(values) - set(self._fields))
        if unknown:
            names = ", ".join(self._fields) or "none"
            raise InputError(f"Unknown parameter {unknown[0]!r}; allowed are: {names}.")
        checked = {name: self._fields[name].param.check(value) for name, value in values.items()}
        before = self.values
        was_blocked = self.blockSignals(True)
        for name, value in checked.items():
            self._fields[name].value = value
        self.blockSignals(was_blocked)
        if self.values != before:
            self.changed.emit()

    @property
    def changes(self) -> dict[str, Any]:
        """Values that differ from the defaults."""
        return {
            name: value
            for name, value in self.values.items()
            if value != self._fields[name].param.default
        }

    def reset(self) -> None:
        """Give every parameter its default."""
        self.values = {name: field.param.default for name, field in self._fields.items()}

    @property
    def label_width(self) -> int:
        """Width of the column of labels, in pixels of the screen."""
        return max((field.label.sizeHint().width() for field in self._fields.values()), default=0)

    @label_width.setter
    def label_width(self, width: int) -> None:
        for field in self._fields.values():
            field.label.setMinimumWidth(width)

    def field(self, name: str) -> Field:
        """Field of one parameter."""
        return self._fields[name]


class Field(QObject):
    """One parameter: its editor, and a box to leave it to the method where that is allowed.

    Parameters
    ----------
    param : Param
        The declaration.
    parent : QWidget
        Where it will lie.
    """

    changed = Signal()

    def __init__(self, param: Param, parent: QWidget) -> None:
        super().__init__(parent)
        self.param = param
        self.editor = _editor(param)
        self.auto = QCheckBox("auto") if param.optional else None
        self.label = QLabel(f"{param.label} ({param.unit})" if param.unit else param.label, parent)
        self.widget = self._laid_out(parent)
        for widget in (self.label, self.editor.widget, *([self.auto] if self.auto else [])):
            widget.setToolTip(tip(param.help))
        self.label.setBuddy(self.editor.widget)
        self.value = param.default
        self.editor.changed.connect(lambda *_: self.changed.emit())

    @property
    def value(self) -> Any:
        """The parameter's value; None where it is left to the method."""
        if self.auto is not None and self.auto.isChecked():
            return None
        return self.param.check(self.editor.read())

    @value.setter
    def value(self, value: Any) -> None:
        if self.auto is not None:
            self.auto.setChecked(value is None)
            self.editor.widget.setEnabled(value is not None)
        if value is not None:
            self.editor.write(value)

    def _laid_out(self, parent: QWidget) -> QWidget:
        if self.auto is None:
            self.editor.widget.setParent(parent)
            return self.editor.widget
        self.auto.toggled.connect(self._auto_toggled)
        both = QWidget(parent)
        layout = QHBoxLayout(both)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.auto)
        layout.addWidget(self.editor.widget, 1)
        return both

    def _auto_toggled(self, is_auto: bool) -> None:
        self.editor.widget.setEnabled(not is_auto)
        self.changed.emit()


@dataclass(frozen=True)
class _Editor:
    """A Qt widget, and how to read, write and watch its value."""

    widget: QWidget
    read: Callable[[], Any]
    write: Callable[[Any], None]
    changed: Any


def _editor(param: Param) -> _Editor:
    if param.choices:
        return _choice(param)
    if param.kind is bool:
        box = QCheckBox()
        return _Editor(box, box.isChecked, box.setChecked, box.toggled)
    if param.kind is str:
        line = QLineEdit()
        return _Editor(line, line.text, line.setText, line.textChanged)
    return _number(param)


def _choice(param: Param) -> _Editor:
    combo = QComboBox()
    combo.addItems(param.choices)
    combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    ignore_wheel(combo)
    return _Editor(combo, combo.currentText, combo.setCurrentText, combo.currentTextChanged)


def _number(param: Param) -> _Editor:
    # A number that was left to the method so far begins at the smallest sensible one.
    start = max(param.step or 1, param.minimum if param.minimum is not None else -_MOST_INT)
    box: Any
    if param.kind is int:
        box = QSpinBox()
        box.setRange(
            -_MOST_INT if param.minimum is None else int(param.minimum),
            _MOST_INT if param.maximum is None else int(param.maximum),
        )
        box.setSingleStep(int(param.step or 1))
        box.setValue(int(start))
    else:
        box = NumberBox(param.minimum, param.maximum, param.step)
        box.setValue(start)
    # Its own wish for width grows with the number of digits of the limits.
    box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    box.setMinimumWidth(80)
    ignore_wheel(box)
    return _Editor(box, box.value, box.setValue, box.valueChanged)
