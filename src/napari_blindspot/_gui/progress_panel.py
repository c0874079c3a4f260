"""How far a run is: a bar, a line of words, the loss, and what went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import (
    QApplication,
    QDialog,
    QDialogButtonBox,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_blindspot._gui import colours
from napari_blindspot._gui.loss_plot import LossPlot
from napari_blindspot._gui.texts import paragraph
from napari_blindspot.events import NoiseFitted, Notice, Started, Step, Tile
from napari_blindspot.telling import TimeLeft, place, speed

if TYPE_CHECKING:
    from napari_blindspot.events import Event

_PARTS = 1000


class ProgressPanel(QWidget):
    """Shows the events of one run after another.

    Attributes
    ----------
    plot : LossPlot
        The loss; hidden in a run until something is trained.
    bar : QProgressBar
        How much of the training or of the prediction is done.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, _PARTS)
        self.plot = LossPlot()
        self._pace = TimeLeft()
        self._state, self._message = paragraph(), paragraph(selectable=True)
        self._message.hide()
        self._details, self._is_error = "", False
        self._more = QPushButton("Details")
        self._more.clicked.connect(lambda: self._show_details())
        self._more.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self.bar, self._state, self._message, self._more, self.plot):
            layout.addWidget(widget)
        layout.setAlignment(self._more, Qt.AlignmentFlag.AlignLeft)

    @property
    def text(self) -> str:
        """What is shown: the state, and the message below it."""
        return "\n".join(filter(None, (self._state.text(), self._message.text())))

    @property
    def details(self) -> str:
        """What the button Details shows."""
        return self._details

    def begin(self, networks: int) -> None:
        """Get ready for a run that trains so many networks."""
        self._pace = TimeLeft()
        self._pace.networks = networks
        self.plot.clear()
        self.plot.hide()
        self.say("")
        self._wait("Preparing")

    def show(self, event: Event | None = None) -> None:
        """Show what happened; without an event, show the panel."""
        if event is None:
            super().show()
        elif isinstance(event, Started):
            self._pace.networks = max(event.networks, 1)
            self.say(event.warning)
        elif isinstance(event, Step | Tile):
            self._move(event)
        elif isinstance(event, NoiseFitted):
            self._wait("Measuring the noise")
        elif isinstance(event, Notice):
            self.say(event.message)

    def end(self, text: str) -> None:
        """The run is over, and how."""
        if self.bar.maximum() == 0:
            self._fill(0.0)
        self._put(text)

    def say(self, text: str) -> None:
        """Show a message below the state; an empty one takes it away."""
        self._tell(text, details="", is_error=False)

    def fail(self, text: str, details: str) -> None:
        """The run is over with an error: a sentence, and details on demand."""
        self.end("")
        self._tell(text, details=details, is_error=True)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Follow the theme."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.StyleChange, QEvent.Type.PaletteChange):
            self._colour()

    def _move(self, event: Step | Tile) -> None:
        fraction = self._pace.fraction(event)
        if isinstance(event, Step):
            self.plot.show()
            self.plot.add(fraction, event.loss, event.held_out)
            if fraction >= 1:
                self._wait("Measuring the noise")
                return
        self._fill(fraction)
        self._put(self._words(event, fraction))

    def _words(self, event: Step | Tile, fraction: float) -> str:
        left = self._pace.left(fraction)
        if isinstance(event, Tile):
            words = ["Denoising", place(event, 1), left]
        else:
            networks = self._pace.networks
            which = f" {event.network + 1} of {networks}" if networks > 1 else ""
            words = [f"Training{which}", f"{100 * fraction:.0f} %", left, speed(event)]
        return ", ".join(filter(None, words))

    def _fill(self, fraction: float) -> None:
        self.bar.setRange(0, _PARTS)
        self.bar.setValue(round(_PARTS * fraction))

    def _wait(self, text: str) -> None:
        """Move the bar without an end: nobody knows how long it takes."""
        self.bar.setRange(0, 0)
        self._put(text)

    def _put(self, text: str) -> None:
        self._state.setText(text)
        self._state.setVisible(bool(text))

    def _tell(self, text: str, *, details: str, is_error: bool) -> None:
        self._details, self._is_error = details, is_error
        self._message.setText(text)
        self._message.setVisible(bool(text))
        self._more.setVisible(bool(details))
        self._colour()

    def _colour(self) -> None:
        sheet = f"color: {colours.error(self).name()};" if self._is_error else ""
        if self._message.styleSheet() != sheet:
            self._message.setStyleSheet(sheet)

    def _show_details(self) -> None:
        DetailsDialog(self._details, self).open()


class DetailsDialog(QDialog):
    """Text to read and to copy, such as where an error came from.

    Parameters
    ----------
    text : str
        The text.
    parent : QWidget
        Whose theme it takes over.
    """

    def __init__(self, text: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Details")
        self.resize(640, 360)
        self.text = QPlainTextEdit(text)
        self.text.setReadOnly(True)
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        # Qt's own Close button has an icon that cannot be seen in the dark theme.
        buttons = QDialogButtonBox()
        buttons.addButton("Close", QDialogButtonBox.ButtonRole.RejectRole)
        buttons.rejected.connect(self.reject)
        copy = buttons.addButton("Copy", QDialogButtonBox.ButtonRole.ActionRole)
        copy.clicked.connect(lambda: QApplication.clipboard().setText(text))
        layout = QVBoxLayout(self)
        layout.addWidget(self.text)
        layout.addWidget(buttons)
