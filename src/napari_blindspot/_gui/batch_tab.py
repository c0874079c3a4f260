"""The Batch tab: many images, denoised by the batch runner of the command line."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QFileDialog, QSizePolicy, QVBoxLayout, QWidget

from napari_blindspot._gui.batch_options import BatchOptions, stopped_in_words
from napari_blindspot._gui.batch_rows import READY, Rows
from napari_blindspot._gui.batch_table import Table
from napari_blindspot._gui.layout import button, row
from napari_blindspot._gui.path_edit import as_shown, beside
from napari_blindspot._gui.task import Task
from napari_blindspot._gui.texts import paragraph
from napari_blindspot._gui.thumbnails import Thumbnailer
from napari_blindspot._gui.wording import in_window_words
from napari_blindspot.batch import Batch, images
from napari_blindspot.batch.events import (
    BatchFinished,
    BatchStarted,
    FileDone,
    FileProgress,
    FileSkipped,
    FileStarted,
)
from napari_blindspot.halting import Stop
from napari_blindspot.io import SUFFIXES
from napari_blindspot.params import InputError

if TYPE_CHECKING:
    from qtpy.QtCore import QModelIndex
    from qtpy.QtGui import QDragEnterEvent, QDropEvent, QShowEvent

    from napari_blindspot.batch.events import BatchEvent
    from napari_blindspot.halting import StopFlag

_SECOND_MS = 1000
_REDRAWN_S = 0.25
_OTHER = "An image is being worked on under Denoise; wait for its end."


class BatchTab(QWidget):
    """Denoises many images into a folder.

    Parameters
    ----------
    fields : callable
        Gives the fields of the `Job` that are chosen on the Denoise tab.
    folder : callable
        Gives the output folder that the user prefers; empty for a folder `denoised` beside the
        first image.

    Attributes
    ----------
    busy_changed : Signal(bool)
        The batch has begun, or is over.
    opened : Signal(str, str)
        An image and its result are to be shown.
    """

    busy_changed = Signal(bool)
    opened = Signal(str, str)

    def __init__(
        self,
        fields: Callable[[], dict[str, Any]],
        folder: Callable[[], str],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._fields = fields
        self._folder = folder
        self._task: Task | None = None
        self._may_run = True
        self._drawn_s = 0.0
        self._rows = Rows()
        self._thumbnailer = Thumbnailer(self)
        self._thumbnailer.made.connect(self._show_thumbnails)
        self._clock = QTimer(self)
        self._clock.setInterval(_SECOND_MS)
        self._clock.timeout.connect(self._refresh)
        self._make_widgets()
        self._lay_out()
        self._say("")
        self.setAcceptDrops(True)
        self._enable()

    @property
    def busy(self) -> bool:
        """Whether a batch runs."""
        return self._task is not None

    def add(self, paths: Sequence[str]) -> None:
        """Add images, and those in folders.

        Parameters
        ----------
        paths : sequence of str
            Files and folders; an OME-Zarr folder is one image.
        """
        if self.busy:
            return
        self._say("")
        for path in paths:
            try:
                found = images.find(Batch((path,), self._output_for(path)))
            except InputError as error:
                self._say(str(error))
            else:
                for file in self._rows.add([image.path for image in found]):
                    self._thumbnailer.ask(file)
        self._rows_changed()

    def start(self) -> None:
        """Begin the batch, or say why it cannot begin."""
        if self.busy or not self._may_run:
            return
        self._say("")
        try:
            fields = self._fields()
            self.options.show_fields(fields)
            batch = self.options.batch([row.file for row in self._rows.all()], fields)
        except InputError as error:
            self._say(str(error))
            return
        self._rows.begin(batch)
        name = f"Denoising {len(self._rows)} image{'s' * (len(self._rows) != 1)}"
        self._task = Task(lambda stop: _batch_events(batch, stop), name)
        self._task.happened.connect(self._hear)
        self._task.failed.connect(self._fail)
        self._task.over.connect(self._end)
        self._task.start()
        self._clock.start()
        self._enable()
        self._refresh()
        self.busy_changed.emit(True)

    def stop(self) -> None:
        """End the batch; the image at hand has no result then."""
        if self._task is not None:
            self._task.stop(Stop.HALT)
            self.stop_button.setEnabled(False)
            self._say("Stopping…")

    def abandon(self) -> None:
        """End all work and hear no more of it: the widget is closing."""
        self._clock.stop()
        self._thumbnailer.abandon()
        if self._task is not None:
            self._task.abandon()

    def set_enabled_to_run(self, may: bool) -> None:
        """Whether a batch may begin: one job at a time."""
        self._may_run = may
        self._enable()

    def refresh_fields(self) -> None:
        """Show what is chosen on the Denoise tab and in the preferences now."""
        try:
            self.options.show_fields(self._fields())
        except InputError as error:
            self._say(str(error))
        self._show_default_folder()

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802
        """Show what has been chosen elsewhere meanwhile."""
        super().showEvent(event)
        if not self.busy:
            self.refresh_fields()

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:  # noqa: N802
        """Take files and folders."""
        if event is not None and not self.busy and _paths_in(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:  # noqa: N802
        """Add files and folders."""
        if event is not None:
            self.add(_paths_in(event))
            event.acceptProposedAction()

    def _make_widgets(self) -> None:
        self.table = Table(self._rows)
        self.options = BatchOptions()
        self.add_files = button("Add files…", self._ask_for_files, "Add images")
        self.add_folder = button("Add folder…", self._ask_for_folder, "Add all images in a folder")
        self.remove_button = button("Remove", self._remove, "Take the selected images out")
        self.clear_button = button("Clear", self._clear, "Take all images out")
        self.open_button = button(
            "Open", self._open_selected, "Show the selected images and their results in the viewer"
        )
        self.run_button = button("Run", self.start, "Denoise all images")
        self.stop_button = button(
            "Stop", self.stop, "End the batch; what is finished stays, and Run goes on"
        )
        self.summary, self.message = paragraph(), paragraph()
        self.options.chosen.connect(lambda: self._say(""))
        self.table.doubleClicked.connect(self._open_row)
        selection = self.table.selectionModel()
        if selection is not None:
            selection.selectionChanged.connect(self._enable)

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 6, 4, 4)
        layout.setSpacing(6)
        adding = (self.add_files, self.add_folder, self.remove_button, self.clear_button)
        layout.addWidget(row(*adding))
        layout.addWidget(self.table, 1)
        self.summary.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        layout.addWidget(row(self.summary, self.open_button))
        layout.addWidget(self.options)
        layout.addWidget(self.message)
        layout.addWidget(row(self.run_button, self.stop_button))

    def _hear(self, event: Any) -> None:
        self._rows.hear(event)
        # Many images take a while to draw.
        if isinstance(event, FileProgress) and time.monotonic() - self._drawn_s < _REDRAWN_S:
            return
        match event:
            case BatchStarted():
                self.table.forget_results()
                self._say(event.note)
            case FileStarted():
                self.table.follow(event.file)
            case FileSkipped() | FileDone():
                self._thumbnailer.ask(event.file, event.output)
            case BatchFinished():
                self._say(self._outcome(event))
        self._refresh()

    def _outcome(self, event: BatchFinished) -> str:
        if event.stopped:
            return stopped_in_words(self.options.resume.isChecked())
        some = event.done or event.skipped
        return f"The results are in {self.options.output.path}." if some else ""

    def _fail(self, sentence: str, details: str) -> None:
        self._say(sentence)
        self.message.setToolTip("" if "report it" not in sentence else details)

    def _end(self) -> None:
        self._task = None
        self._clock.stop()
        self._rows.end()
        self._enable()
        self._refresh()
        self.busy_changed.emit(False)

    def _refresh(self) -> None:
        self._drawn_s = time.monotonic()
        self.table.refresh()
        self.summary.setText(self._rows.summary())
        self.open_button.setEnabled(bool(self._ready(self.table.files())))

    def _rows_changed(self) -> None:
        self.table.reset_rows()
        self._show_default_folder()
        self._enable()
        self._refresh()

    def _enable(self, *_: object) -> None:
        idle, some = not self.busy, len(self._rows) > 0
        for widget in (self.add_files, self.add_folder, self.options):
            widget.setEnabled(idle)
        self.clear_button.setEnabled(idle and some)
        self.remove_button.setEnabled(idle and bool(self.table.files()))
        self.open_button.setEnabled(bool(self._ready(self.table.files())))
        self.run_button.setEnabled(idle and some and self._may_run)
        self.run_button.setToolTip("Denoise all images" if self._may_run else _OTHER)
        self.stop_button.setEnabled(not idle)

    def _say(self, text: str) -> None:
        self.message.setText(as_shown(in_window_words(text)))
        self.message.setToolTip("")
        self.message.setVisible(bool(text))

    def _show_thumbnails(self, made: Any) -> None:
        self.table.show_thumbnails(made)

    def _show_default_folder(self) -> None:
        rows = self._rows.all()
        default = beside(rows[0].file) if rows else ""
        self.options.output.set_default(self._folder() or default)

    def _output_for(self, path: str) -> str:
        """Output folder, whose images are results; before there is one, that of a first image."""
        given = Path(path)
        first = str(given / "image") if given.is_dir() else path
        return self.options.output.path or beside(first)

    def _ask_for_files(self) -> None:
        pattern = f"Images ({' '.join(f'*{suffix}' for suffix in SUFFIXES)})"
        self.add(QFileDialog.getOpenFileNames(self, "Add images", "", pattern)[0])

    def _ask_for_folder(self) -> None:
        if folder := QFileDialog.getExistingDirectory(self, "Add all images in a folder"):
            self.add([folder])

    def _remove(self) -> None:
        self._rows.remove(self.table.files())
        self._rows_changed()

    def _clear(self) -> None:
        self._rows.remove([row.file for row in self._rows.all()])
        self._say("")
        self._rows_changed()

    def _open_row(self, index: QModelIndex) -> None:
        self._open([self._rows.all()[index.row()].file])

    def _open_selected(self) -> None:
        self._open(self.table.files())

    def _open(self, files: Sequence[str]) -> None:
        for file, output in self._ready(files):
            self.opened.emit(file, output)

    def _ready(self, files: Sequence[str]) -> list[tuple[str, str]]:
        """Those images that have a result, and it."""
        rows = filter(None, map(self._rows.get, files))
        return [(row.file, row.output) for row in rows if row.state in READY]


def _paths_in(event: QDropEvent) -> list[str]:
    data = event.mimeData()
    urls = data.urls() if data is not None else []
    return [url.toLocalFile() for url in urls if url.isLocalFile()]


def _batch_events(batch: Batch, stop: StopFlag) -> Generator[BatchEvent, None, None]:
    """The batch; its runner is imported in the thread."""
    from napari_blindspot.batch import run_batch

    return run_batch(batch, stop)
