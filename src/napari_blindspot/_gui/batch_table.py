"""The table of the images of a batch."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from qtpy.QtGui import QImage, QPainter, QPalette, QPixmap
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from napari_blindspot._gui import batch_cells
from napari_blindspot._gui.batch_cells import FRACTION, KIND, Cells
from napari_blindspot._gui.batch_rows import AT_WORK, READY, Row, Rows, State
from napari_blindspot._gui.wording import clock_text

if TYPE_CHECKING:
    from qtpy.QtCore import QObject
    from qtpy.QtGui import QPaintEvent, QResizeEvent
    from qtpy.QtWidgets import QWidget

    from napari_blindspot._gui.thumbnails import Grey, Thumbnails

Index: TypeAlias = QModelIndex | QPersistentModelIndex

SIDE = 48
NOISY, DENOISED, NAME, STATE, LEFT = range(5)
_TITLES = ("noisy", "result", "name", "state", "left")
_WIDEST = {STATE: "training 100 %", LEFT: "0:00:00"}
_ROOM = 9
_KINDS = {
    NOISY: batch_cells.PICTURE,
    DENOISED: batch_cells.PICTURE,
    NAME: batch_cells.NAME,
    STATE: batch_cells.SENTENCE,
    LEFT: batch_cells.SENTENCE,
}
_ROOT = QModelIndex()
_HINT = "Drop images or folders here,\nor add them with the buttons above."


class Table(QTableView):
    """Shows the images; a row is an image.

    Parameters
    ----------
    rows : Rows
        The images.
    """

    def __init__(self, rows: Rows, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._images = _Images(rows, self)
        self._wide: list[int] = []
        self.setModel(self._images)
        self.setItemDelegate(Cells(SIDE, self))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setShowGrid(False)
        self.setWordWrap(True)
        self._lay_out()

    def files(self) -> list[str]:
        """Images that are selected."""
        selection = self.selectionModel()
        chosen = selection.selectedRows() if selection else []
        return [self._images.row(index).file for index in chosen]

    def reset_rows(self) -> None:
        """Images have come or gone."""
        self._images.reset_rows()
        self.clearSpans()
        self._wide = []
        self._give_room()

    def refresh(self) -> None:
        """Show the rows as they are now."""
        self._images.refresh()
        self._give_room()

    def follow(self, file: str) -> None:
        """Scroll so that an image is seen."""
        number = self._images.number(file)
        if number is not None:
            self.scrollTo(self._images.index(number, NAME))

    def show_thumbnails(self, made: Thumbnails) -> None:
        """Show the pictures of an image."""
        self._images.show_thumbnails(made, self.devicePixelRatioF())

    def forget_results(self) -> None:
        """Show no results any more."""
        self._images.forget_results()

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Draw the table, or how to fill it."""
        super().paintEvent(event)
        viewport = self.viewport()
        if self._images.rowCount() or viewport is None:
            return
        painter = QPainter(viewport)
        painter.setPen(self.palette().color(QPalette.ColorRole.Text))
        painter.drawText(viewport.rect(), Qt.AlignmentFlag.AlignCenter, _HINT)
        painter.end()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """Share the width among names and states."""
        super().resizeEvent(event)
        header, viewport = self.horizontalHeader(), self.viewport()
        if header is None or viewport is None:
            return
        taken = sum(self._narrowest(column) for column in (NOISY, DENOISED, LEFT))
        half = (viewport.width() - taken) // 2
        header.resizeSection(STATE, max(self._narrowest(STATE), half))

    def _give_room(self) -> None:
        """The sentence of an image that failed takes the place of the time left too."""
        failed = self._images.failed()
        if failed == self._wide:
            return
        self.clearSpans()
        for number in failed:
            self.setSpan(number, STATE, 1, 2)
        self._wide = failed

    def _lay_out(self) -> None:
        down, across = self.verticalHeader(), self.horizontalHeader()
        if down is None or across is None:
            raise RuntimeError("a table has headers")
        down.setVisible(False)
        down.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        down.setDefaultSectionSize(SIDE + 8)
        across.setHighlightSections(False)
        across.setMinimumSectionSize(40)
        for column in (NOISY, DENOISED, STATE, LEFT):
            across.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
            across.resizeSection(column, self._narrowest(column))
        across.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)

    def _narrowest(self, column: int) -> int:
        if column in (NOISY, DENOISED):
            return SIDE + 4
        width: int = self.fontMetrics().horizontalAdvance(_WIDEST[column])
        return width + _ROOM


class _Images(QAbstractTableModel):
    """The rows as Qt wants them."""

    def __init__(self, rows: Rows, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows = rows
        self._shown: list[Row] = rows.all()
        self._lefts: dict[str, float] = {}
        self._pictures: dict[tuple[str, int], QPixmap] = {}
        self._no_picture: dict[str, str] = {}

    def rowCount(self, parent: Index = _ROOT) -> int:  # noqa: N802
        return 0 if parent.isValid() else len(self._shown)

    def columnCount(self, parent: Index = _ROOT) -> int:  # noqa: N802
        return 0 if parent.isValid() else len(_TITLES)

    def headerData(  # noqa: N802
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return _TITLES[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row, column = self.row(index), index.column()
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return self._text(row, column)
            case Qt.ItemDataRole.DecorationRole:
                return self._pictures.get((row.file, column))
            case Qt.ItemDataRole.ToolTipRole:
                return self._tip(row, column)
            case Qt.ItemDataRole.TextAlignmentRole:
                side = Qt.AlignmentFlag.AlignRight if column == LEFT else Qt.AlignmentFlag.AlignLeft
                return side | Qt.AlignmentFlag.AlignVCenter
        if role == KIND:
            return _KINDS[column]
        if role == FRACTION and column == STATE and row.state in AT_WORK:
            return row.fraction or 0.0
        return None

    def row(self, index: Index) -> Row:
        row: Row = self._shown[index.row()]
        return row

    def failed(self) -> list[int]:
        return [number for number, row in enumerate(self._shown) if row.state is State.FAILED]

    def number(self, file: str) -> int | None:
        numbers = [number for number, row in enumerate(self._shown) if row.file == file]
        return numbers[0] if numbers else None

    def reset_rows(self) -> None:
        self.beginResetModel()
        self._shown = self._rows.all()
        files = {row.file for row in self._shown}
        self._pictures = {key: it for key, it in self._pictures.items() if key[0] in files}
        self._no_picture = {key: it for key, it in self._no_picture.items() if key in files}
        self._lefts = self._rows.lefts()
        self.endResetModel()

    def refresh(self) -> None:
        self._shown = self._rows.all()
        self._lefts = self._rows.lefts()
        if self._shown:
            last = self.index(len(self._shown) - 1, len(_TITLES) - 1)
            self.dataChanged.emit(self.index(0, 0), last)

    def show_thumbnails(self, made: Thumbnails, ratio: float) -> None:
        if self._rows.get(made.file) is None:
            return
        for column, grey in ((NOISY, made.noisy), (DENOISED, made.denoised)):
            if grey is not None:
                self._pictures[made.file, column] = _pixmap(grey, ratio)
        self._no_picture[made.file] = made.message
        self.refresh()

    def forget_results(self) -> None:
        self._pictures = {key: it for key, it in self._pictures.items() if key[1] != DENOISED}
        self.refresh()

    def _text(self, row: Row, column: int) -> str:
        if column == NAME:
            return Path(row.file).name
        if column == STATE:
            return row.words
        if column == LEFT and row.file in self._lefts:
            return clock_text(self._lefts[row.file])
        return ""

    def _tip(self, row: Row, column: int) -> str:
        """Rich text, which Qt wraps."""
        tip = {
            NOISY: self._no_picture.get(row.file, ""),
            DENOISED: row.output,
            NAME: row.file,
            STATE: "; ".join(filter(None, [row.words.split(":")[0], row.message])),
            LEFT: "Time until this image is done" if row.file in self._lefts else "",
        }[column]
        if column == DENOISED and row.state in READY:
            tip = self._no_picture.get(row.file) or f"{row.output}; a double click opens it"
        return f"<p>{escape(tip)}</p>" if tip else ""


def _pixmap(grey: Grey, ratio: float) -> QPixmap:
    """Grey values as a picture that fits into a cell."""
    height, width = grey.shape
    data = grey.tobytes()  # A QImage keeps no reference to its pixels.
    image = QImage(data, width, height, width, QImage.Format.Format_Grayscale8)
    side = round(SIDE * ratio)
    pixmap = QPixmap.fromImage(image).scaled(
        side,
        side,
        Qt.AspectRatioMode.KeepAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    )
    pixmap.setDevicePixelRatio(ratio)
    return pixmap
