"""The trained model: keep it, open one, apply it to the chosen layer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QVBoxLayout, QWidget

from napari_blindspot._gui.layout import button, note, row, write
from napari_blindspot._gui.task import Task
from napari_blindspot.params import InputError

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari_blindspot.halting import StopFlag
    from napari_blindspot.model import Model

_FILTER = "Models (*.safetensors)"


class ModelPanel(QWidget):
    """Save, open and apply.

    Attributes
    ----------
    wanted : Signal()
        The user wants the model applied to the chosen layer.
    taken : Signal()
        Another model is in hand.
    model : Model or None
        The model in hand.
    file : str
        Where it is saved; empty if it is not.
    """

    wanted = Signal()
    taken = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model: Model | None = None
        self.file = ""
        self._task: Task | None = None
        self._free = True
        self.text = note("None yet: denoise an image, or open a model.")
        self.save_button = button("Save …", self._ask_where, "Keep the model for other images.")
        self.open_button = button("Open …", self._ask_which, "Open a model that was saved.")
        self.apply_button = button(
            "Apply to layer",
            self.wanted.emit,
            "Denoise the whole chosen layer with this model, without training.",
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.text)
        layout.addWidget(row(self.open_button, self.save_button, self.apply_button))
        self._update()

    def take(self, model: Model, origin: str, file: str = "") -> None:
        """Take a model in hand; `origin` says where it comes from."""
        self.model, self.file = model, file
        count = model.n_channels
        channels = f"{count} channel{'s' if count > 1 else ''}"
        write(self.text, f"{model.method.title}, {origin}; {model.dims}, {channels}.")
        self._update()
        self.taken.emit()

    def open(self, path: str) -> None:
        """Open a saved model."""

        def work(_stop: StopFlag) -> Generator[Model, None, None]:
            from napari_blindspot.model import load

            yield load(path)

        self._task = Task(work, "Opening a model", self)
        self._task.happened.connect(lambda model: self.take(model, f"from {Path(path).name}", path))
        self._task.failed.connect(lambda text, _: write(self.text, text))
        self._task.start()

    def save(self, path: str) -> None:
        """Save the model in hand."""
        target = Path(path)
        if target.suffix != ".safetensors":
            target = target.with_name(f"{target.name}.safetensors")
        if self.model is None:
            return
        try:
            self.model.save(target)
        except InputError as error:
            write(self.text, str(error))
            return
        self.file = str(target)
        write(self.text, f"{self.model.method.title}, saved as {target.name}.")

    def set_free(self, free: bool) -> None:
        """Allow or forbid to apply a model now."""
        self._free = free
        self._update()

    def release(self) -> None:
        """End what runs."""
        if self._task is not None:
            self._task.abandon()

    def _update(self) -> None:
        self.save_button.setEnabled(self.model is not None)
        self.apply_button.setEnabled(self.model is not None and self._free)
        self.open_button.setEnabled(self._free)

    def _ask_where(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Save the model", "", _FILTER)
        if path:
            self.save(path)

    def _ask_which(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open a model", "", _FILTER)
        if path:
            self.open(path)
