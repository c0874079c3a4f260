"""A part of a panel that can be folded away."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QSizePolicy, QToolButton, QVBoxLayout, QWidget


class Section(QWidget):
    """A heading with an arrow, and below it what it opens; closed at first.

    Parameters
    ----------
    title : str
        The heading.

    Attributes
    ----------
    content : QWidget
        What is folded away; it has no layout yet.
    toggled : Signal(bool)
        It was opened or closed.
    """

    toggled = Signal(bool)

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._heading = QToolButton()
        self._heading.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._heading.setAutoRaise(True)
        self._heading.setCheckable(True)
        self._heading.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._heading.toggled.connect(self._fold)
        self.content = QWidget()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._heading)
        layout.addWidget(self.content)
        self.title = title
        self._fold(False)

    @property
    def title(self) -> str:
        """The heading."""
        return str(self._heading.text())

    @title.setter
    def title(self, title: str) -> None:
        self._heading.setText(title)

    @property
    def is_open(self) -> bool:
        """Whether its content is shown."""
        return bool(self._heading.isChecked())

    @is_open.setter
    def is_open(self, is_open: bool) -> None:
        self._heading.setChecked(is_open)

    def _fold(self, is_open: bool) -> None:
        arrow = Qt.ArrowType.DownArrow if is_open else Qt.ArrowType.RightArrow
        self._heading.setArrowType(arrow)
        self.content.setVisible(is_open)
        self.toggled.emit(is_open)
