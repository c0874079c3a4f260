"""Events of a run as a bar, a line of words and a curve."""

from __future__ import annotations

import dataclasses

import pytest
from qtpy.QtGui import QColor, QPalette
from qtpy.QtWidgets import QApplication, QLabel, QPushButton

from napari_blindspot import telling
from napari_blindspot._gui import colours
from napari_blindspot._gui.progress_panel import DetailsDialog, ProgressPanel
from napari_blindspot.events import NoiseFitted, NotKept, Started, Step, Tile, Untrained

pytestmark = pytest.mark.gui

STARTED = Started((8, 8), "YX", "axes YX as given", "Noise2Void", "CPU", 2)


@pytest.fixture
def clock(monkeypatch):
    """A clock that moves only when told to."""
    now = [100.0]
    monkeypatch.setattr(telling.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def panel(qtbot):
    made = ProgressPanel()
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    return made


def part(panel):
    """Part of the bar that is filled; None while it only moves."""
    return panel.bar.value() / panel.bar.maximum() if panel.bar.maximum() else None


def test_training_says_how_far_and_how_fast(panel, clock):
    panel.begin(1)
    assert (panel.text, part(panel)) == ("Preparing", None)
    panel.show(Step(0, 31, 0.25, 0.5, 1.0))
    clock[0] += 9
    panel.show(Step(0, 310, 0.5, 0.4, 10.0, 0.45))
    assert panel.text == "Training, 50 %, 0:10 left, 31 steps/s"
    assert part(panel) == 0.5
    assert [place for place, _ in panel.plot.values["training"]] == [0.25, 0.5]
    assert panel.plot.values["held_out"] == [(0.5, 0.45)]


def test_several_networks_share_the_bar_and_the_curve(panel, clock):
    panel.begin(1)
    panel.show(STARTED)
    panel.show(Step(0, 4, 1.0, 0.5, 2.0))
    assert part(panel) == 0.5
    panel.show(Step(1, 2, 0.5, 0.5, 1.0))
    assert panel.text.startswith("Training 2 of 2, 75 %, 0:01 left")
    assert [place for place, _ in panel.plot.values["training"]] == [0.5, 0.75]


def test_after_the_training_the_noise_is_measured_and_tiles_follow(panel, clock):
    panel.begin(1)
    panel.show(Step(0, 4, 1.0, 0.5, 2.0))
    assert (panel.text, part(panel)) == ("Measuring the noise", None)
    panel.show(NoiseFitted(0, 2.0, 1.0))
    panel.show(Tile(1, 12))
    clock[0] += 4
    panel.show(Tile(3, 12))
    assert panel.text == "Denoising, tile 3 of 12, 0:12 left"
    assert part(panel) == 0.25


def test_messages_stand_below_the_state(panel):
    panel.begin(1)
    panel.show(dataclasses.replace(STARTED, warning="It will be a large file."))
    assert panel.text == "Preparing\nIt will be a large file."
    panel.show(NotKept("The state cannot be kept: the disk is full."))
    assert panel.text == "Preparing\nThe state cannot be kept: the disk is full."
    panel.show(Untrained("Channel 1: neighbouring pixels share noise."))
    assert panel.text == "Preparing\nChannel 1: neighbouring pixels share noise."
    panel.end("Denoised in 0:12.")
    assert panel.text.startswith("Denoised in 0:12.\nChannel 1")
    assert part(panel) == 0.0
    panel.say("")
    assert panel.text == "Denoised in 0:12."


def test_a_failure_is_a_sentence_with_details_that_can_be_copied(panel, qtbot):
    panel.begin(1)
    panel.fail("axes='YY' names an axis twice.", "Traceback: line 7")
    assert panel.text == "axes='YY' names an axis twice."
    assert part(panel) == 0.0
    more = panel.findChild(QPushButton)
    assert more.isVisible()
    more.click()
    dialog = panel.findChild(DetailsDialog)
    assert dialog.isVisible()
    assert dialog.text.toPlainText() == "Traceback: line 7"
    copy, close = sorted(dialog.findChildren(QPushButton), key=lambda b: b.text(), reverse=True)
    copy.click()
    assert QApplication.clipboard().text() == "Traceback: line 7"
    with qtbot.waitSignal(dialog.destroyed):
        close.click()
    panel.begin(1)
    assert panel.text == "Preparing"
    assert not more.isVisible()


def test_errors_have_a_colour_that_fits_the_theme(panel):
    panel.fail("It went wrong.", "")
    (message,) = [label for label in panel.findChildren(QLabel) if "wrong" in label.text()]
    seen = set()
    for text in ("#f0f1f2", "#3b3a39"):
        palette = panel.palette()
        palette.setColor(QPalette.ColorRole.WindowText, QColor(text))
        panel.setPalette(palette)
        assert message.styleSheet() == f"color: {colours.error(panel).name()};"
        seen.add(message.styleSheet())
    assert len(seen) == 2
    panel.say("All is well.")
    assert message.styleSheet() == ""


def test_a_new_run_begins_anew(panel):
    panel.begin(2)
    panel.show(Step(1, 4, 0.5, 0.5, 2.0))
    panel.end("Stopped.")
    panel.begin(1)
    assert panel.plot.values == {"training": [], "held_out": []}
    panel.show(Step(0, 4, 0.5, 0.5, 2.0))
    assert part(panel) == 0.5


def test_there_is_no_curve_where_nothing_is_trained(panel):
    panel.begin(1)
    panel.show(STARTED)
    panel.show(Tile(1, 2))
    assert panel.plot.isHidden()
    panel.begin(1)
    panel.show(Step(0, 4, 0.5, 0.5, 2.0))
    assert not panel.plot.isHidden()
