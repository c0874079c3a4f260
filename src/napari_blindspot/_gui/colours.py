"""Colours that the palette lacks, for the light and the dark theme."""

from __future__ import annotations

from qtpy.QtGui import QColor, QPalette
from qtpy.QtWidgets import QWidget

_HALF = 128


def text(widget: QWidget, strength: float = 1.0) -> QColor:
    """Colour of text, let down towards the background for a strength below 1."""
    color = QColor(widget.palette().color(QPalette.ColorRole.WindowText))
    color.setAlphaF(strength)
    return color


def accent(widget: QWidget) -> QColor:
    """A colour that stands out from text, also for those who do not see red or green."""
    return QColor("#f0a53a") if is_dark(widget) else QColor("#b45309")


def error(widget: QWidget) -> QColor:
    """A calm red for what went wrong."""
    return QColor("#f28b82") if is_dark(widget) else QColor("#b3261e")


def is_dark(widget: QWidget) -> bool:
    """Whether text is light, so that the background is dark."""
    return bool(widget.palette().color(QPalette.ColorRole.WindowText).lightness() > _HALF)
