"""Which method, for how long, and with which parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_blindspot import methods
from napari_blindspot._gui.budget_row import BudgetRow
from napari_blindspot._gui.form import Form
from napari_blindspot._gui.section import Section
from napari_blindspot._gui.texts import paragraph, tip
from napari_blindspot._gui.wheel import ignore_wheel
from napari_blindspot.params import Param

if TYPE_CHECKING:
    from qtpy.QtGui import QShowEvent

    from napari_blindspot.methods import Method

_DIMS = {
    "auto": "auto",
    "planes (2D)": "2D",
    "volumes (3D)": "3D",
    "movies (2D + T)": "2D+T",
}
_CHANNELS = {"separately": False, "together": True}
_WORDS: dict[str, Mapping[str, Any]] = {"dims": _DIMS, "joint": _CHANNELS}
_GENERAL = (
    Param(
        "dims",
        "Networks see",
        "Planes, volumes, or planes with those before and after them; auto takes volumes from 8 "
        "planes on, and else planes.",
        str,
        "auto",
        choices=tuple(_DIMS),
    ),
    Param(
        "joint",
        "Channels",
        "A network for each channel, or one network that sees all channels and denoises them "
        "together, for channels that show the same structures.",
        str,
        "separately",
        choices=tuple(_CHANNELS),
    ),
    Param(
        "early_stop",
        "Stop early",
        "End the training when the loss on held-out pixels falls no more.",
        bool,
        False,
    ),
    Param(
        "seed",
        "Seed",
        "Start of all random numbers; the same seed and steps give the same result.",
        int,
        0,
        minimum=0,
        maximum=2**31 - 1,
        step=1,
    ),
)


class MethodPanel(QWidget):
    """Method, budget and parameters; what is set for a method is kept while others are shown.

    Attributes
    ----------
    changed : Signal
        Any of the fields is another one.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._method = _method_choice()
        self._about = paragraph()
        self._budget = BudgetRow()
        self._budget.text = "balanced"
        self._general = Form(_GENERAL)
        self._forms: dict[str, Form] = {}
        self._forms_place = QVBoxLayout()
        self._advanced = Section("Advanced")
        self._lay_out()
        self._show_method()
        self._method.currentIndexChanged.connect(lambda _: self._method_chosen())
        self._budget.changed.connect(self.changed)
        self._general.changed.connect(self._edited)

    @property
    def method(self) -> str:
        """Name of the method; only a known one can be set."""
        return str(self._method.currentData())

    @method.setter
    def method(self, name: str) -> None:
        methods.get(name)
        self._method.setCurrentIndex(self._method.findData(name))

    @property
    def title(self) -> str:
        """Title of the method."""
        return methods.get(self.method).title

    @property
    def has_std(self) -> bool:
        """Whether the method gives a standard deviation."""
        return methods.get(self.method).has_std

    @property
    def budget(self) -> str:
        """The budget as a Job has it: `balanced`, `45s` or `200steps`."""
        return self._budget.text

    @budget.setter
    def budget(self, text: str) -> None:
        self._budget.text = text

    @property
    def params(self) -> dict[str, Any]:
        """Parameters of the method that differ from its defaults."""
        return self._form.changes

    @property
    def options(self) -> dict[str, Any]:
        """Fields of a Job that all methods have."""
        values = self._general.values
        return {
            "dims": _DIMS[values["dims"]],
            "joint": _CHANNELS[values["joint"]],
            "early_stop": values["early_stop"],
            "seed": values["seed"],
        }

    def fields(self) -> dict[str, Any]:
        """All fields of a Job that are chosen here."""
        return {
            "method": self.method,
            "params": self.params,
            "budget": self.budget,
            **self.options,
        }

    def set_fields(self, fields: Mapping[str, Any]) -> None:
        """Take over fields of a Job; those that are missing or chosen elsewhere change nothing.

        Raises
        ------
        InputError
            If a value is not allowed; those before it have been taken over.
        """
        before = self.fields()
        was_blocked = self.blockSignals(True)
        try:
            self._take(fields)
        finally:
            self.blockSignals(was_blocked)
            if self.fields() != before:
                self.changed.emit()

    def reset(self) -> None:
        """Give the parameters of this method and the general options their defaults."""
        self._form.reset()
        self._general.reset()

    def take_paper(self) -> None:
        """Take the parameters and the budget that the paper of the method has."""
        method = methods.get(self.method)
        self.set_fields({"params": dict(method.paper), "budget": method.paper_budget})

    @property
    def _form(self) -> Form:
        if self.method not in self._forms:
            form = Form(methods.get(self.method).declared())
            form.changed.connect(self._edited)
            self._forms[self.method] = form
            self._forms_place.addWidget(form)
        return self._forms[self.method]

    def _take(self, fields: Mapping[str, Any]) -> None:
        self.method = fields.get("method", self.method)
        self.budget = fields.get("budget", self.budget)
        if "params" in fields:
            values = methods.create(self.method, fields["params"]).values()
            self._form.values = values
        options = {param.name for param in _GENERAL} & set(fields)
        self._general.values = {name: _word(fields[name], _WORDS.get(name, {})) for name in options}

    def _lay_out(self) -> None:
        rows = QGridLayout()
        rows.setColumnStretch(1, 1)
        rows.addWidget(QLabel("Method"), 0, 0)
        rows.addWidget(self._method, 0, 1)
        rows.addWidget(self._about, 1, 0, 1, 2)
        rows.addWidget(QLabel("Budget"), 2, 0)
        rows.addWidget(self._budget, 2, 1)
        self._paper = QPushButton("Settings of the paper")
        self._paper.clicked.connect(lambda: self.take_paper())
        reset = QPushButton("Reset to defaults")
        reset.clicked.connect(lambda: self.reset())
        buttons = QHBoxLayout()
        buttons.addWidget(self._paper)
        buttons.addWidget(reset)
        inside = QVBoxLayout(self._advanced.content)
        inside.setContentsMargins(8, 0, 0, 0)
        inside.addLayout(self._forms_place)
        inside.addWidget(self._general)
        inside.addLayout(buttons)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(rows)
        layout.addWidget(self._advanced)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Line up the fields, now that the theme has given the labels their width."""
        super().showEvent(event)
        self._line_up()

    def _method_chosen(self) -> None:
        self._show_method()
        self.changed.emit()

    def _show_method(self) -> None:
        method, shown = methods.get(self.method), self._form
        for form in self._forms.values():
            form.setVisible(form is shown)
        assumption = method.assumption[0].lower() + method.assumption[1:]
        self._about.setText(f"Assumes: {assumption}\n{method.reference}")
        self._method.setToolTip(tip(method.reference))
        self._paper.setVisible(bool(method.paper))
        self._paper.setToolTip(tip(_about_paper(method)))
        self._show_changes()
        self._line_up()

    def _line_up(self) -> None:
        forms = (self._form, self._general)
        width = max(form.label_width for form in forms)
        for form in forms:
            form.label_width = width

    def _edited(self) -> None:
        self._show_changes()
        self.changed.emit()

    def _show_changes(self) -> None:
        self._budget.offers_instant = methods.create(self.method, self.params).is_pretrained
        count = len(self.params) + len(self._general.changes)
        self._advanced.title = f"Advanced ({count} changed)" if count else "Advanced"


def _method_choice() -> QComboBox:
    combo = QComboBox()
    for name, method in methods.available().items():
        combo.addItem(method.title, name)
        combo.setItemData(combo.count() - 1, tip(method.reference), Qt.ItemDataRole.ToolTipRole)
    combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    ignore_wheel(combo)
    return combo


def _about_paper(method: type[Method]) -> str:
    steps = method.paper_budget.removesuffix("steps")
    length = f"its {int(steps):,} steps" if steps.isdigit() else "5 minutes, for it tells no steps"
    return f"Parameters of {method.reference}, and {length}; large networks, best on a GPU."


def _word(value: Any, words: Mapping[str, Any]) -> Any:
    """A value of a Job as the form has it."""
    return next((word for word, meant in words.items() if meant == value), value)
