"""Texts that are broken into lines."""

from __future__ import annotations

import html

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel


def tip(text: str) -> str:
    """A tool tip that Qt breaks into lines, which it does with rich text only."""
    return f"<qt>{html.escape(text)}</qt>"


def paragraph(text: str = "", *, selectable: bool = False) -> QLabel:
    """A label of several lines, whose text can be selected and copied if wanted."""
    label = QLabel(text)
    label.setWordWrap(True)
    # With its own indent Qt reckons with a narrower text than it draws, and leaves a gap.
    label.setIndent(0)
    label.setContentsMargins(3, 0, 0, 0)
    if selectable:
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label
