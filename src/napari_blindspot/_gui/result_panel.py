"""What can be done with a result: compare it, and do the same elsewhere."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QApplication, QComboBox, QFileDialog, QPushButton, QVBoxLayout, QWidget

from napari_blindspot._gui.compare import Blink, Split
from napari_blindspot._gui.layers import origin_of
from napari_blindspot._gui.layout import button, note, row, write
from napari_blindspot._gui.repeating import (
    Place,
    Repeat,
    job_for_file,
    place_in_file,
    saved_source,
)
from napari_blindspot._gui.texts import tip
from napari_blindspot.params import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari.components import ViewerModel

    from napari_blindspot._gui.compare import Comparison
    from napari_blindspot._gui.order import Order, Subject
    from napari_blindspot.job import Job

_WAYS = {"Split": Split, "Blink": Blink}


class ResultPanel(QWidget):
    """Compare, copy as command, copy as Python.

    Parameters
    ----------
    viewer : ViewerModel
        The viewer.

    Attributes
    ----------
    failed : Signal(str, str)
        A sentence for the user, and details.
    """

    failed = Signal(str, str)

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._order: Order | None = None
        self._repeat: Repeat | None = None
        self._layers: list[Any] = []
        self._comparison: Comparison | None = None
        self._saved: dict[int, Path] = {}
        self.compare = QPushButton("Compare")
        self.compare.setCheckable(True)
        self.compare.setToolTip(
            tip("Noisy and denoised at the same place, with the same contrast.")
        )
        self.compare.toggled.connect(self._toggle)
        self.way = QComboBox()
        self.way.addItems(list(_WAYS))
        self.way.currentTextChanged.connect(lambda _: self._change_way())
        self.command = button(
            "Copy as command",
            lambda: self._copy(lambda done: done.command),
            "Does exactly the same in a terminal.",
        )
        self.python = button(
            "Copy as Python",
            lambda: self._copy(lambda done: done.python),
            "Does exactly the same in a script.",
        )
        self.copied = note()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(row(self.compare, self.way))
        layout.addWidget(row(self.command, self.python))
        layout.addWidget(self.copied)
        viewer.layers.events.removed.connect(self._layer_removed)
        self._update()

    def take(self, order: Order, repeat: Repeat, layers: Sequence[Any]) -> None:
        """Take the result of a run."""
        self._order, self._repeat, self._layers = order, repeat, list(layers)
        write(self.copied, "")
        self._update()

    def clear(self) -> None:
        """Forget the last result: another run begins."""
        self.compare.setChecked(False)
        self._order = self._repeat = None
        self._layers = []
        write(self.copied, "")
        self._update()

    def release(self) -> None:
        """Follow the viewer no longer."""
        self._viewer.layers.events.removed.disconnect(self._layer_removed)
        self.compare.setChecked(False)

    def _update(self) -> None:
        self.setVisible(self._repeat is not None)
        can_compare = self._pair() is not None
        self.compare.setEnabled(can_compare)
        self.way.setEnabled(can_compare)

    def _pair(self) -> tuple[Any, Any] | None:
        """The noisy and the denoised layer, as long as both are in the viewer."""
        if self._order is None or not self._layers:
            return None
        pair = self._order.target.layer, self._layers[0]
        return pair if all(layer in self._viewer.layers for layer in pair) else None

    def _layer_removed(self) -> None:
        if self._pair() is None:
            self.compare.setChecked(False)
        self._update()

    def _toggle(self, on: bool) -> None:
        if self._comparison is not None:
            self._comparison.end()
            self._comparison = None
        pair = self._pair()
        if on and pair is not None:
            self._comparison = _WAYS[self.way.currentText()](self._viewer, *pair, parent=self)

    def _change_way(self) -> None:
        if self.compare.isChecked():
            self._toggle(True)

    def _copy(self, written: Callable[[Repeat], str]) -> None:
        order, repeat = self._order, self._repeat
        if order is None or repeat is None:
            return
        try:
            jobs = self._on_files(order, repeat.jobs)
            if jobs is None:
                return
            text = written(Repeat(tuple(jobs)))
        except InputError as error:
            self.failed.emit(str(error), "")
            return
        QApplication.clipboard().setText(text)
        write(self.copied, f"Copied. It makes {jobs[-1].output}.")

    def _on_files(self, order: Order, jobs: Sequence[Job]) -> list[Job] | None:
        """The jobs on files with the pixels of the layers; None if the user gives up."""
        subjects = [order.source, order.target][-len(jobs) :]
        found: list[Job] = []
        for job, subject in zip(jobs, subjects, strict=True):
            kept = self._file(subject)
            if kept is None:
                return None
            path, place = kept
            output = path.with_name(f"{_stem(path)}_denoised.ome.tif")
            if job.train_only:
                output = path.with_name(f"{_stem(path)}.safetensors")
            model = found[-1].save_model if found else self._model_file(order, path)
            job = dataclasses.replace(job, model=model)
            found.append(job_for_file(job, path, subject.volume.axes, output, place))
        return found

    def _file(self, subject: Subject) -> tuple[Path, Place] | None:
        """The file that holds the pixels of a layer; a layer in no file is saved first."""
        known = self._saved.get(id(subject.layer)) or origin_of(subject.layer)
        place = place_in_file(subject.volume, known) if known else None
        if known is not None and place is not None:
            return known, place
        folder = QFileDialog.getExistingDirectory(
            self, f"{subject.look.name} is in no file: choose a folder to save it in"
        )
        if not folder:
            return None
        saved = saved_source(subject.volume, Path(folder), subject.look.name)
        self._saved[id(subject.layer)] = saved
        return saved, Place()

    def _model_file(self, order: Order, beside: Path) -> str | None:
        """The file of a model that was applied; one that is not saved is saved beside the image."""
        if order.model is None:
            return None
        if not order.model_file:
            path = beside.with_name(f"{_stem(beside)}_{order.model.method.name}.safetensors")
            order.model.save(path)
            return str(path)
        return order.model_file


def _stem(path: Path) -> str:
    return path.name.partition(".")[0]
