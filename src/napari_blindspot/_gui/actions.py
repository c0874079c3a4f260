"""The three buttons of a run."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QWidget

from napari_blindspot._gui.layout import SPACE, button


class Actions(QWidget):
    """Denoise, good enough, stop.

    Attributes
    ----------
    denoise, enough, stop : Signal()
        What the user wants.
    """

    denoise = Signal()
    enough = Signal()
    stop = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._free = self._ready = True
        self._busy = False
        self.denoise_button = button(
            "Denoise", self.denoise.emit, "Train on the chosen layer, and add the denoised layer."
        )
        self.enough_button = button(
            "Good enough: apply",
            self.enough.emit,
            "End the training now and denoise with what was learned so far.",
        )
        self.stop_button = button(
            "Stop", self.stop.emit, "End everything now; what there is so far is kept."
        )
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE)
        for widget, share in (
            (self.denoise_button, 2),
            (self.enough_button, 2),
            (self.stop_button, 1),
        ):
            layout.addWidget(widget, share)
        self.set_busy(False, learning=False)

    def set_ready(self, ready: bool) -> None:
        """Whether there is an image to denoise."""
        self._ready = ready
        self._update()

    def set_free(self, free: bool) -> None:
        """Whether nothing else runs."""
        self._free = free
        self._update()

    def set_busy(self, busy: bool, *, learning: bool) -> None:
        """Whether a run is on, and whether it is one that learns."""
        self._busy = busy
        self.enough_button.setVisible(learning)
        self.stop_button.setEnabled(busy)
        self._update()

    def learned(self) -> None:
        """The training is over."""
        self.enough_button.hide()

    def _update(self) -> None:
        self.denoise_button.setEnabled(self._ready and self._free and not self._busy)
        self.denoise_button.setVisible(not self.enough_button.isVisibleTo(self))
