"""What is to be done with the images of a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QFormLayout,
    QLabel,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_blindspot import methods
from napari_blindspot._gui.path_edit import PathEdit
from napari_blindspot._gui.wording import RESUME
from napari_blindspot.batch import Batch
from napari_blindspot.budget import INSTANT, PRESETS, Budget
from napari_blindspot.job import Job
from napari_blindspot.params import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MODEL = "model"
_TRAININGS = {
    "each image anew": "each",
    "first image, for all": "first",
    "all images together": "together",
    "a saved model…": MODEL,
}
_TRAIN_TIP = (
    "Anew: best for images that differ, and slowest. One model for all: for images of one kind, "
    "taken with the same settings."
)
_RESUME_TIP = (
    "Finished images are left as they are, unless they or the options have changed, and a "
    "training that was cut off goes on."
)
_STD_TIP = "Write the posterior standard deviation beside each result, as NAME_std"


class BatchOptions(QWidget):
    """Training, output folder, and what else is written.

    Attributes
    ----------
    chosen : Signal
        The user has chosen something else.
    """

    chosen = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._fields: dict[str, Any] = {}
        self.train = QComboBox()
        self.train.addItems(list(_TRAININGS))
        self.train.setToolTip(_TRAIN_TIP)
        self.train.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.model = PathEdit(_ask_for_model, "Model that is applied to all images")
        self.output = PathEdit(_ask_for_folder, "Folder of the results and of the journal")
        self.uncertainty = QCheckBox("Uncertainty too")
        self.resume = QCheckBox(RESUME)
        self.resume.setChecked(True)
        self.resume.setToolTip(_RESUME_TIP)
        self.line = QLabel()
        self.line.setTextFormat(Qt.TextFormat.PlainText)
        self.line.setWordWrap(True)
        self._lay_out()
        self.train.currentIndexChanged.connect(self._update)
        self._update()
        choices = (self.model.changed, self.output.changed, self.train.currentIndexChanged)
        for changed in (*choices, self.uncertainty.toggled, self.resume.toggled):
            changed.connect(self._tell)

    @property
    def applies_model(self) -> bool:
        """Whether a saved model is applied to all images."""
        return self._training == MODEL

    def show_fields(self, fields: Mapping[str, Any]) -> None:
        """Show what is chosen under Denoise."""
        self._fields = dict(fields)
        self._update()

    def batch(self, files: Sequence[str], fields: Mapping[str, Any]) -> Batch:
        """The batch that is chosen.

        Parameters
        ----------
        files : sequence of str
            Images.
        fields : mapping
            Of the `Job`.

        Raises
        ------
        InputError
            If it cannot be done so.
        """
        if self.applies_model and not self.model.path:
            raise InputError("No saved model is chosen; choose one, or another way to train.")
        model = self.model.path if self.applies_model else None
        return Batch(
            inputs=tuple(files),
            output=self.output.path,
            job=Job(**{**fields, "model": model}),
            train="each" if self.applies_model else self._training,
            uncertainty=self.uncertainty.isEnabled() and self.uncertainty.isChecked(),
            resume=self.resume.isChecked(),
        )

    @property
    def _training(self) -> str:
        return _TRAININGS[self.train.currentText()]

    def _lay_out(self) -> None:
        checks = QVBoxLayout()
        checks.setSpacing(4)
        checks.addWidget(self.uncertainty)
        checks.addWidget(self.resume)
        self._form = QFormLayout(self)
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.setVerticalSpacing(4)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._form.addRow("Train", self.train)
        self._form.addRow("Model", self.model)
        self._form.addRow("Method", self.line)
        self._form.addRow("Results", self.output)
        self._form.addRow(checks)

    def _update(self, *_: object) -> None:
        self._form.setRowVisible(self.model, self.applies_model)
        able = self.applies_model or _has_std(self._fields)
        self.uncertainty.setEnabled(able)
        self.uncertainty.setToolTip(_STD_TIP if able else _no_std(self._fields))
        self.line.setText(self._line_text())

    def _tell(self, *_: object) -> None:
        self.chosen.emit()

    def _line_text(self) -> str:
        if self.applies_model:
            return "that of the model; nothing is trained"
        if not self._fields:
            return ""
        title = methods.get(self._fields["method"]).title
        return f"{title}, {budget_in_words(self._fields['budget'])}, as chosen under Denoise"


def budget_in_words(text: str) -> str:
    """A budget as people say it."""
    if text == INSTANT:
        return "instant (no training)"
    if text in PRESETS:
        return f"{text} ({PRESETS[text]:g} s)"
    budget = Budget.parse(text)
    if budget.steps is not None:
        return f"{budget.steps} step{'s' * (budget.steps != 1)}"
    return f"{budget.seconds:g} s"


def stopped_in_words(goes_on: bool) -> str:
    """What to do after a stop."""
    if goes_on:
        return "Stopped; Run goes on with the images that are left."
    return f'Stopped; tick "{RESUME}", and Run does the images that are left.'


def _has_std(fields: Mapping[str, Any]) -> bool:
    return bool(fields) and methods.get(fields["method"]).has_std


def _no_std(fields: Mapping[str, Any]) -> str:
    if not fields:
        return ""
    able = ", ".join(cls.title for cls in methods.available().values() if cls.has_std)
    return f"{methods.get(fields['method']).title} gives no uncertainty; these do: {able}."


def _ask_for_model(parent: QWidget, path: str) -> str:
    pattern = "Models (*.safetensors)"
    return str(QFileDialog.getOpenFileName(parent, "Choose a saved model", path, pattern)[0])


def _ask_for_folder(parent: QWidget, path: str) -> str:
    return str(QFileDialog.getExistingDirectory(parent, "Choose the folder of the results", path))
