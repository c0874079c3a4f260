"""The dock widget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QTabWidget, QVBoxLayout, QWidget

from napari_blindspot._gui.denoise_tab import DenoiseTab
from napari_blindspot._gui.settings import read_settings

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_blindspot._gui.batch_tab import BatchTab

TITLE = "Blind-spot denoising"
_WIDTH = 350


class DenoisingWidget(QWidget):
    """Denoise the open stack, or many files.

    Parameters
    ----------
    napari_viewer : Viewer
        The viewer; napari passes it by this name.
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.viewer = napari_viewer
        self.denoise_tab = DenoiseTab(napari_viewer)
        self._batch_page = QWidget()
        self.tabs = QTabWidget()
        self.tabs.addTab(self.denoise_tab, "Denoise")
        self.tabs.addTab(self._batch_page, "Batch")
        # Not a lambda: PySide would hold on to the widget in it after it is closed.
        self.tabs.currentChanged.connect(self._show_tab)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(self.tabs)
        self.setMinimumWidth(_WIDTH)
        self._batch: BatchTab | None = None
        self._released = False

    @property
    def batch_tab(self) -> BatchTab:
        """The other tab, which is made when it is first looked at."""
        if self._batch is None:
            from napari_blindspot._gui.batch_tab import BatchTab

            made = BatchTab(self.denoise_tab.fields, lambda: read_settings().output_folder)
            page = QVBoxLayout(self._batch_page)
            page.setContentsMargins(0, 0, 0, 0)
            page.addWidget(made)
            # One job at a time.
            made.set_enabled_to_run(not self.denoise_tab.busy)
            self.denoise_tab.busy_changed.connect(self._denoising_changed)
            made.busy_changed.connect(self._batch_changed)
            made.opened.connect(self._open)
            self._batch = made
        return self._batch

    def choose(self, *, method: str | None = None, layer: Any = None) -> None:
        """Show the widget set to a method and a layer."""
        self.tabs.setCurrentWidget(self.denoise_tab)
        self.denoise_tab.choose(method=method, layer=layer)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """End what runs when napari takes the widget out of its dock."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self.release()

    def closeEvent(self, event: QEvent) -> None:  # noqa: N802
        """End what runs."""
        self.release()
        super().closeEvent(event)

    def release(self) -> None:
        """End what runs and follow the viewer no longer."""
        if not self._released:
            self._released = True
            self.denoise_tab.release()
            if self._batch is not None:
                self._batch.abandon()

    def _show_tab(self, index: int) -> None:
        if index:
            _ = self.batch_tab

    def _denoising_changed(self, busy: bool) -> None:
        self.batch_tab.set_enabled_to_run(not busy)

    def _batch_changed(self, busy: bool) -> None:
        self.denoise_tab.set_taken(busy, by="batch")

    def _open(self, noisy: str, result: str) -> None:
        for path in (noisy, result):
            self.viewer.open(path)
