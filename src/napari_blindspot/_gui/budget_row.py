"""How long to train: a preset, or seconds or steps of one's own."""

from __future__ import annotations

from typing import cast

from qtpy.QtCore import Signal
from qtpy.QtGui import QStandardItem, QStandardItemModel
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QSizePolicy, QSpinBox, QWidget

from napari_blindspot._gui.number_box import NumberBox, written
from napari_blindspot._gui.wheel import ignore_wheel
from napari_blindspot.budget import INSTANT, PRESETS, Budget
from napari_blindspot.params import InputError

_SECONDS, _STEPS = "seconds", "steps"
_DEFAULT = "balanced"
_MOST_SECONDS, _MOST_STEPS = 1e6, 10**9


class BudgetRow(QWidget):
    """Presets with their seconds, and a number for those who choose their own.

    Attributes
    ----------
    changed : Signal
        The budget is another one.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._choice = QComboBox()
        self._choice.addItem("Instant (no training)", INSTANT)
        for name, seconds in PRESETS.items():
            self._choice.addItem(f"{name.capitalize()} ({seconds:g} s)", name)
        self._choice.addItem("Seconds...", _SECONDS)
        self._choice.addItem("Steps...", _STEPS)
        self._choose(_DEFAULT)
        self._seconds = NumberBox(0.1, _MOST_SECONDS, 5.0)
        self._seconds.setSuffix(" s")
        self._steps = QSpinBox()
        self._steps.setRange(1, _MOST_STEPS)
        self._steps.setSingleStep(100)
        self._steps.setValue(1000)
        self._lay_out()
        self._choice.currentIndexChanged.connect(lambda _: self._chosen())
        for box in (self._seconds, self._steps):
            box.valueChanged.connect(lambda _: self.changed.emit())
        self._show_number()

    @property
    def text(self) -> str:
        """The budget as a Job has it: `balanced`, `45s` or `200steps`.

        Raises
        ------
        InputError
            When it is set to something else.
        """
        kind = self._choice.currentData()
        if kind == _SECONDS:
            return f"{written(self._seconds.value())}s"
        return f"{self._steps.value()}steps" if kind == _STEPS else str(kind)

    @text.setter
    def text(self, text: str) -> None:
        budget, before = _checked(text), self.text
        was_blocked = self.blockSignals(True)
        if text == INSTANT or text in PRESETS:
            self._choose(text)
        elif budget.seconds is not None:
            self._choose(_SECONDS)
            self._seconds.setValue(budget.seconds)
        else:
            self._choose(_STEPS)
            self._steps.setValue(budget.steps)
        self.blockSignals(was_blocked)
        if self.text != before:
            self.changed.emit()

    @property
    def offers_instant(self) -> bool:
        """Whether no training at all can be chosen."""
        return bool(self._instant.isEnabled())

    @offers_instant.setter
    def offers_instant(self, offers: bool) -> None:
        self._instant.setEnabled(offers)
        if not offers and self.text == INSTANT:
            self.text = _DEFAULT

    @property
    def _instant(self) -> QStandardItem:
        items = cast(QStandardItemModel, self._choice.model())
        return cast(QStandardItem, items.item(self._choice.findData(INSTANT)))

    def _lay_out(self) -> None:
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self._choice, self._seconds, self._steps):
            widget.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            ignore_wheel(widget)
            layout.addWidget(widget, 3 if widget is self._choice else 2)
        self._choice.setToolTip("How long the training may take; longer gives better results.")

    def _choose(self, kind: str) -> None:
        self._choice.setCurrentIndex(self._choice.findData(kind))

    def _chosen(self) -> None:
        self._show_number()
        self.changed.emit()

    def _show_number(self) -> None:
        kind = self._choice.currentData()
        if kind in PRESETS:
            # Seconds of one's own begin at those of the preset.
            was_blocked = self._seconds.blockSignals(True)
            self._seconds.setValue(PRESETS[kind])
            self._seconds.blockSignals(was_blocked)
        self._seconds.setVisible(kind == _SECONDS)
        self._steps.setVisible(kind == _STEPS)


def _checked(text: str) -> Budget:
    budget = Budget.parse(text)
    if (budget.seconds or 1) > _MOST_SECONDS or (budget.steps or 1) > _MOST_STEPS:
        raise InputError(
            f"budget={text!r} is more than there is room for; use up to {_MOST_SECONDS:.0f}s or "
            f"{_MOST_STEPS}steps."
        )
    return budget
