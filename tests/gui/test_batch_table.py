"""What the table of images shows, and that it fits into its cells."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QStyleOptionViewItem

from napari_blindspot._gui.batch_cells import FRACTION, lines_of
from napari_blindspot._gui.batch_rows import Rows
from napari_blindspot._gui.batch_table import DENOISED, LEFT, NAME, NOISY, STATE, Table
from napari_blindspot._gui.thumbnails import Thumbnails
from napari_blindspot.batch import Batch
from napari_blindspot.batch.events import BatchStarted, FileFailed, FileProgress, FileStarted
from napari_blindspot.events import Started, Step
from napari_blindspot.job import Job

pytestmark = pytest.mark.gui

SENTENCE = "a <b> & c.tif is cut short or damaged: its 400 bytes end before its pixels do."


@pytest.fixture
def rows(tmp_path):
    rows = Rows(clock=lambda: 1000.0)
    rows.add([tmp_path / "a.tif", tmp_path / "b.tif"])
    return rows


@pytest.fixture
def table(qtbot, rows):
    table = Table(rows)
    qtbot.addWidget(table)
    table.resize(340, 300)
    table.show()
    return table


def file(rows, number):
    return rows.all()[number].file


def begin(rows):
    files = tuple(row.file for row in rows.all())
    rows.begin(Batch(files, "out", Job(budget="10s")))
    rows.hear(BatchStarted(2, 2, "out", "out/j"))
    rows.hear(FileStarted(files[0], "out/a", 1, 2, "new"))
    rows.hear(FileProgress(files[0], Started((8, 8), "YX", "", "N2V2", "CPU", 1)))
    rows.hear(FileProgress(files[0], Step(0, 1, 0.25, 1.0, 1.0)))


def cell(table, number, column, role=Qt.ItemDataRole.DisplayRole):
    return table.model().index(number, column).data(role)


def ink(table, number, column):
    """Colours in a cell."""
    place = table.visualRect(table.model().index(number, column))
    image = table.viewport().grab(place).toImage()
    return {image.pixel(x, y) for x in range(image.width()) for y in range(0, image.height())}


def test_a_row_at_work_has_words_a_bar_and_a_time(table, rows):
    begin(rows)
    table.refresh()
    assert [cell(table, 0, column) for column in (NAME, STATE, LEFT)] == [
        "a.tif",
        "training 25 %",
        "0:08",
    ]
    assert [cell(table, 1, column) for column in (NAME, STATE, LEFT)] == [
        "b.tif",
        "waiting",
        "0:15",
    ]
    assert cell(table, 0, STATE, FRACTION) == 0.25
    assert cell(table, 1, STATE, FRACTION) is None
    assert len(ink(table, 0, STATE)) > 1
    assert len(ink(table, 1, LEFT)) > 1


def test_a_failed_row_has_its_sentence_over_two_columns_and_whole_in_its_tip(table, rows):
    begin(rows)
    rows.hear(FileFailed(file(rows, 0), SENTENCE, 0.1))
    table.refresh()
    assert cell(table, 0, STATE) == f"failed: {SENTENCE}"
    tip = cell(table, 0, STATE, Qt.ItemDataRole.ToolTipRole)
    assert tip == f"<p>failed; {SENTENCE}</p>".replace("<b>", "&lt;b&gt;").replace("& c", "&amp; c")
    assert table.columnSpan(0, STATE) == 2
    assert table.columnSpan(1, STATE) == 1
    rows.hear(BatchStarted(2, 2, "out", "out/j"))
    table.refresh()
    assert table.columnSpan(0, STATE) == 1


def test_pictures_are_shown_and_go_with_their_image(table, rows):
    ramp = np.arange(96 * 48, dtype=float).reshape(96, 48) * 255 / (96 * 48)
    grey = ramp.astype(np.uint8)
    before = ink(table, 0, NOISY)
    table.show_thumbnails(Thumbnails(file(rows, 0), grey, grey))
    table.show_thumbnails(Thumbnails("of no row.tif", grey, grey))
    assert len(ink(table, 0, NOISY)) > len(before) + 20
    picture = cell(table, 0, DENOISED, Qt.ItemDataRole.DecorationRole)
    size = picture.deviceIndependentSize()
    assert (size.width(), size.height()) == (24, 48)
    table.forget_results()
    assert cell(table, 0, DENOISED, Qt.ItemDataRole.DecorationRole) is None
    assert cell(table, 0, NOISY, Qt.ItemDataRole.DecorationRole) is not None
    first = file(rows, 0)
    rows.remove([first])
    table.reset_rows()
    assert cell(table, 0, NAME) == "b.tif"
    assert cell(table, 0, NOISY, Qt.ItemDataRole.DecorationRole) is None


def test_an_image_without_a_picture_says_why(table, rows):
    table.show_thumbnails(Thumbnails(file(rows, 1), message="b.tif is empty: 0 bytes."))
    tip = cell(table, 1, NOISY, Qt.ItemDataRole.ToolTipRole)
    assert tip == "<p>b.tif is empty: 0 bytes.</p>"


def test_all_columns_are_seen_in_a_narrow_dock(table):
    header = table.horizontalHeader()
    assert header.length() <= table.viewport().width()
    for column in (NOISY, DENOISED, NAME, STATE, LEFT):
        title = table.model().headerData(column, Qt.Orientation.Horizontal)
        room = header.sectionSize(column)
        assert table.fontMetrics().horizontalAdvance(title) + 4 <= room
    advance = table.fontMetrics().horizontalAdvance
    assert advance("1:02:05") + 8 <= header.sectionSize(LEFT)
    assert advance("training 43 %") + 8 <= header.sectionSize(STATE)
    assert advance("cells_1.tif") + 8 <= header.sectionSize(NAME)


def test_the_image_at_work_is_in_sight(qtbot, tmp_path):
    rows = Rows()
    rows.add([tmp_path / f"{number:02}.tif" for number in range(20)])
    table = Table(rows)
    qtbot.addWidget(table)
    table.resize(340, 300)
    table.show()
    last = table.model().index(19, NAME)
    assert not table.viewport().rect().contains(table.visualRect(last))
    table.follow(str(tmp_path / "19.tif"))
    assert table.viewport().rect().contains(table.visualRect(last))
    table.follow("none of these.tif")


def test_names_are_broken_at_their_joints(qtbot):
    option = QStyleOptionViewItem()
    room = option.fontMetrics.horizontalAdvance("series_0")
    assert lines_of("series_00.tif", option, room, 3) == ["series_", "00.tif"]


@pytest.mark.parametrize("text", [SENTENCE, "an_image_of_a_microscope_that_likes_long_names.tif"])
def test_long_texts_are_wrapped_and_elided(qtbot, text):
    option = QStyleOptionViewItem()
    lines = lines_of(text, option, 90, 3)
    assert len(lines) == 3
    assert "…" in lines[-1]
    assert all(option.fontMetrics.horizontalAdvance(line) <= 90 for line in lines)
    assert text.startswith(lines[0])
    assert "".join(lines_of(text, option, 90, 50)).replace(" ", "") == text.replace(" ", "")


def test_the_end_of_a_long_name_is_seen(qtbot):
    option = QStyleOptionViewItem()
    option.textElideMode = Qt.TextElideMode.ElideMiddle
    lines = lines_of("an_image_of_a_microscope_that_likes_long_names.tif", option, 90, 2)
    assert lines[-1].endswith(".tif")


def test_an_empty_table_says_how_to_fill_it(qtbot):
    table = Table(Rows())
    qtbot.addWidget(table)
    table.resize(340, 300)
    table.show()
    empty = table.viewport().grab().toImage()
    assert len({empty.pixel(x, y) for x in range(340) for y in range(100, 180)}) > 1
