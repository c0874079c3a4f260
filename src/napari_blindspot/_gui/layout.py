"""The few shapes of which all panels are made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from napari_blindspot._gui.texts import paragraph, tip

if TYPE_CHECKING:
    from collections.abc import Callable

SPACE = 6


def heading(text: str) -> QLabel:
    """Title of a part of the widget."""
    label = QLabel(text)
    font = label.font()
    font.setBold(True)
    label.setFont(font)
    label.setContentsMargins(0, SPACE, 0, 0)
    return label


def note(text: str = "") -> QLabel:
    """Text of several lines, which takes no room while it is empty."""
    label = paragraph(text, selectable=True)
    label.setVisible(bool(text))
    return label


def write(label: QLabel, text: str) -> None:
    """Change a note."""
    label.setText(text)
    label.setVisible(bool(text))


def button(text: str, act: Callable[[], object], why: str = "") -> QPushButton:
    """Button that does something."""
    made = QPushButton(text)
    made.setToolTip(tip(why) if why else "")
    made.clicked.connect(lambda _=False: act())
    return made


def row(*widgets: QWidget) -> QWidget:
    """Widgets beside one another."""
    box = QWidget()
    layout = QHBoxLayout(box)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(SPACE)
    for widget in widgets:
        layout.addWidget(widget)
    return box
