"""A line for a path, with a button that chooses one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QWidget

if TYPE_CHECKING:
    from qtpy.QtGui import QResizeEvent

Chooser = Callable[[QWidget, str], str]


class PathEdit(QWidget):
    """Shows a path, or the one that is meant where nothing is given.

    Parameters
    ----------
    choose : callable
        Asks the user for a path, given this widget and the path so far; empty if none is chosen.
    tip : str
        What the path is for.

    Attributes
    ----------
    changed : Signal
        Another path is given.
    """

    changed = Signal()

    def __init__(self, choose: Chooser, tip: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._choose = choose
        self._tip = tip
        self._default = ""
        self._line = _Line()
        self._line.textChanged.connect(self._tell)
        button = QPushButton("…")
        button.setFixedWidth(28)
        button.setToolTip("Choose")
        button.clicked.connect(self._ask)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self._line, 1)
        layout.addWidget(button)
        self._update_tip()

    @property
    def path(self) -> str:
        """The path given, else the default."""
        return self._line.text().strip() or self._default

    def set_path(self, path: str) -> None:
        """Give a path; empty for the default."""
        self._line.setText(path)

    def set_default(self, path: str) -> None:
        """Path that is meant where nothing is given."""
        self._default = path
        self._line.show_default(path)
        self._update_tip()

    def _ask(self, *_: object) -> None:
        if chosen := self._choose(self, self.path):
            self.set_path(chosen)

    def _tell(self, *_: object) -> None:
        self._update_tip()
        self.changed.emit()

    def _update_tip(self) -> None:
        self._line.setToolTip(f"{self.path}\n{self._tip}" if self.path else self._tip)


class _Line(QLineEdit):
    """Shows the end of a default that is too long, which says more than its beginning."""

    def __init__(self) -> None:
        super().__init__()
        self._default = ""
        self.setMinimumWidth(40)
        # What is dropped anywhere on the tab are images.
        self.setAcceptDrops(False)

    def show_default(self, path: str) -> None:
        self._default = path
        width = self.width() - 16
        shown = self.fontMetrics().elidedText(path, Qt.TextElideMode.ElideLeft, width)
        self.setPlaceholderText(shown)

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        super().resizeEvent(event)
        self.show_default(self._default)


def as_shown(sentence: str) -> str:
    """A sentence whose long paths may be broken into lines."""
    return sentence.replace("/", "/\u200b").replace("\\", "\\\u200b").replace("_", "_\u200b")


def beside(file: str) -> str:
    """The output folder that is meant for an image where none is given."""
    return str(Path(file).parent / "denoised")
