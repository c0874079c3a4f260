"""What can be done with a result: compare it, and do the same elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QApplication, QComboBox, QFileDialog, QPushButton, QVBoxLayout, QWidget

from napari_blindspot._gui.compare import Blink, Split
from napari_blindspot._gui.copying import kept_pixels, on_files, save_pixels, subjects_of
from napari_blindspot._gui.layout import button, note, row, write
from napari_blindspot._gui.settings import read_settings
from napari_blindspot._gui.task import Task
from napari_blindspot._gui.texts import tip

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Hashable, Sequence

    from napari.components import ViewerModel

    from napari_blindspot._gui.compare import Comparison
    from napari_blindspot._gui.copying import Kept
    from napari_blindspot._gui.order import Order, Subject
    from napari_blindspot._gui.repeating import Repeat
    from napari_blindspot.halting import StopFlag

_WAYS = {"Split": Split, "Blink": Blink}


@dataclass(frozen=True)
class _Copied:
    """What was copied, what it makes, and where its images are."""

    text: str
    output: str
    kept: Sequence[Kept]


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
        self._saved: dict[Hashable, Path] = {}
        self._task: Task | None = None
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
        if self._task is not None:
            self._task.abandon()

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
        if order is None or repeat is None or self._task is not None:
            return
        subjects = subjects_of(order, repeat)
        kept = [kept_pixels(each, self._saved.get(each.key)) for each in subjects]
        folder = Path(read_settings().output_folder or Path.home())
        if None in kept:
            chosen = QFileDialog.getExistingDirectory(
                self, "The image is in no file: choose a folder to save it in"
            )
            if not chosen:
                return
            folder = Path(chosen)

        def work(_stop: StopFlag) -> Generator[_Copied, None, None]:
            found = [
                place or save_pixels(subject, folder)
                for place, subject in zip(kept, subjects, strict=True)
            ]
            done = on_files(order, repeat, found, folder)
            yield _Copied(written(done), str(done.jobs[-1].output), found)

        write(self.copied, "Copying …")
        self._task = Task(work, "writing a command", self)
        self._task.happened.connect(lambda copied: self._copied(copied, subjects))
        self._task.failed.connect(self.failed)
        self._task.over.connect(lambda: setattr(self, "_task", None))
        self._task.start()

    def _copied(self, copied: _Copied, subjects: Sequence[Subject]) -> None:
        for subject, kept in zip(subjects, copied.kept, strict=True):
            self._saved[subject.key] = kept.file
        QApplication.clipboard().setText(copied.text)
        write(self.copied, f"Copied. It makes {copied.output}.")
