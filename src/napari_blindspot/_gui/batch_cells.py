"""How the cells of the table of images are drawn."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from qtpy.QtCore import QPointF, QRect, QRectF, Qt
from qtpy.QtGui import QIcon, QPalette, QTextLayout, QTextOption
from qtpy.QtWidgets import QApplication, QStyle, QStyledItemDelegate, QStyleOptionViewItem

if TYPE_CHECKING:
    from qtpy.QtCore import QModelIndex, QObject, QPersistentModelIndex
    from qtpy.QtGui import QPainter, QPixmap

FRACTION = Qt.ItemDataRole.UserRole
KIND = FRACTION + 1
PICTURE, NAME, SENTENCE = range(3)
_MARGIN = 4
_BAR = 3
# Where a name or a path may be broken: after a joint, and before the suffix.
_BREAKS = re.compile(r"(?<=[_/\\-])|(?=\.\w)")
_BREAK = "\u200b"
_PALE = 0.2


class Cells(QStyledItemDelegate):
    """Draws a picture, or wrapped words with a thin bar of progress below.

    Parameters
    ----------
    side : int
        Side of the frame where a picture is to come.
    """

    def __init__(self, side: int, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._side = side

    def paint(
        self,
        painter: QPainter | None,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        """Draw a cell."""
        if painter is None:
            return
        cell = QStyleOptionViewItem(option)
        self.initStyleOption(cell, index)
        text, picture = cell.text, index.data(Qt.ItemDataRole.DecorationRole)
        cell.text, cell.icon = "", QIcon()
        style = cell.widget.style() if cell.widget else QApplication.style()
        if style is not None:
            style.drawControl(QStyle.ControlElement.CE_ItemViewItem, cell, painter, cell.widget)
        painter.save()
        inside = cell.rect.adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)
        kind = index.data(KIND)
        if picture is not None:
            _draw_picture(painter, inside, picture)
        elif kind == PICTURE:
            _draw_frame(painter, cell, self._side)
        if text:
            modes = Qt.TextElideMode
            cell.textElideMode = modes.ElideMiddle if kind == NAME else modes.ElideRight
            _draw_words(painter, cell, inside, text)
        fraction = index.data(FRACTION)
        if fraction is not None:
            _draw_bar(painter, cell, fraction)
        painter.restore()


def lines_of(text: str, cell: QStyleOptionViewItem, width: int, most: int) -> list[str]:
    """A text in at most so many lines of a width, the last one with an ellipsis if it is long."""
    option = QTextOption()
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    text = _BREAKS.sub(_BREAK, text)
    layout = QTextLayout(text, cell.font)
    layout.setTextOption(option)
    layout.beginLayout()
    lines: list[str] = []
    while (line := layout.createLine()).isValid():
        line.setLineWidth(width)
        start = line.textStart()
        if len(lines) == most - 1:
            rest = text[start:].replace(_BREAK, "")
            lines.append(cell.fontMetrics.elidedText(rest, cell.textElideMode, width))
            break
        lines.append(text[start : start + line.textLength()].replace(_BREAK, "").rstrip())
    layout.endLayout()
    return lines


def _draw_picture(painter: QPainter, inside: QRect, picture: QPixmap) -> None:
    size = picture.deviceIndependentSize()
    corner = QRectF(inside).center() - QPointF(size.width() / 2, size.height() / 2)
    painter.drawPixmap(corner, picture)


def _draw_frame(painter: QPainter, cell: QStyleOptionViewItem, side: int) -> None:
    """Where a picture is to come."""
    place = QRectF(0, 0, side - 1, side - 1)
    place.moveCenter(QRectF(cell.rect).center())
    colour = cell.palette.color(QPalette.ColorRole.Text)
    colour.setAlphaF(_PALE)
    painter.setPen(colour)
    painter.drawRect(place)


def _draw_words(painter: QPainter, cell: QStyleOptionViewItem, inside: QRect, text: str) -> None:
    metrics = cell.fontMetrics
    most = max(inside.height() // metrics.lineSpacing(), 1)
    lines = lines_of(text, cell, inside.width(), most)
    selected = bool(cell.state & QStyle.StateFlag.State_Selected)
    role = QPalette.ColorRole.HighlightedText if selected else QPalette.ColorRole.Text
    painter.setPen(cell.palette.color(role))
    painter.setFont(cell.font)
    height = metrics.lineSpacing() * len(lines)
    top = inside.top() + (inside.height() - height) // 2
    for number, line in enumerate(lines):
        place = QRect(
            inside.left(), top + number * metrics.lineSpacing(), inside.width(), metrics.height()
        )
        painter.drawText(place, cell.displayAlignment, line)


def _draw_bar(painter: QPainter, cell: QStyleOptionViewItem, fraction: float) -> None:
    """A line along the lower edge, as long as what is done."""
    place = QRectF(cell.rect).adjusted(_MARGIN, 0, -_MARGIN, 0)
    place.setTop(place.bottom() - _BAR - 1)
    place.setHeight(_BAR)
    colour = cell.palette.color(QPalette.ColorRole.Text)
    colour.setAlphaF(_PALE)
    painter.fillRect(place, colour)
    place.setWidth(place.width() * min(max(fraction, 0.0), 1.0))
    colour.setAlphaF(1.0)
    painter.fillRect(place, colour)
