"""The Batch tab, used as a user does, with real trainings of a few steps."""

from __future__ import annotations

import json
import threading

import numpy as np
import pytest
import torch
from qtpy.QtCore import QMimeData, QPointF, Qt, QThreadPool, QUrl
from qtpy.QtGui import QDropEvent
from qtpy.QtWidgets import QWidget
from typer.testing import CliRunner

from napari_blindspot import api
from napari_blindspot._gui.batch_rows import State
from napari_blindspot._gui.batch_tab import BatchTab
from napari_blindspot._gui.batch_table import DENOISED, LEFT, NAME, NOISY, STATE
from napari_blindspot.batch import Batch, run_batch
from napari_blindspot.cli import app
from napari_blindspot.io import open_volume, save_volume
from napari_blindspot.job import Job
from napari_blindspot.locks import locked
from napari_blindspot.params import InputError

pytestmark = pytest.mark.gui

TINY = {"width": 4, "depth": 1, "patch": 16, "batch": 4}
LONG = "30steps"


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def folder(tmp_path):
    """Four images and a broken one among them."""
    path = tmp_path / "in"
    path.mkdir()
    rng = np.random.default_rng(0)
    for name in "abde":
        noisy = rng.poisson(40.0, (64, 64)).astype(np.uint8)
        save_volume(path / f"{name}.tif", api.as_volume(noisy, "YX"))
    (path / "c.tif").write_bytes((path / "a.tif").read_bytes()[:200])
    return path


@pytest.fixture
def fields():
    return {
        "method": "laine19",
        "params": dict(TINY),
        "budget": "2steps",
        "dims": "auto",
        "joint": False,
        "seed": 5,
        "device": "cpu",
        "threads": 1,
    }


@pytest.fixture
def tab(qtbot, fields):
    tab = BatchTab(lambda: fields, lambda: "")
    qtbot.addWidget(tab)
    tab.resize(360, 700)
    tab.show()
    yield tab
    tab.abandon()
    assert QThreadPool.globalInstance().waitForDone(10_000)


def rows(tab):
    return {row.file.rsplit("/", 1)[-1]: row for row in tab._rows.all()}


def words(tab):
    return {name[0]: row.words for name, row in rows(tab).items()}


def states(tab):
    return {name[0]: row.state for name, row in rows(tab).items()}


def finish(qtbot, tab):
    qtbot.waitUntil(lambda: not tab.busy, timeout=30_000)


def pixels(folder):
    return {file.name: open_volume(file).read() for file in sorted(folder.glob("*.ome.tif"))}


def same(first, second):
    assert first
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])


def cell(tab, number, column, role=Qt.ItemDataRole.DisplayRole):
    return tab.table.model().index(number, column).data(role)


def drop(tab, *paths):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    buttons = (Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    # The constructor of a QDragEnterEvent differs between versions of Qt.
    entered = QDropEvent(QPointF(9, 9), Qt.DropAction.CopyAction, data, *buttons)
    entered.ignore()
    tab.dragEnterEvent(entered)
    if entered.isAccepted():
        tab.dropEvent(QDropEvent(QPointF(9, 9), Qt.DropAction.CopyAction, data, *buttons))
    return entered.isAccepted()


def takers_of_drops(tab):
    return [widget for widget in (tab, *tab.findChildren(QWidget)) if widget.acceptDrops()]


def test_one_broken_file_among_five(tab, qtbot, folder, tmp_path):
    told = []
    tab.busy_changed.connect(told.append)
    tab.add([str(folder)])
    tab.start()
    assert tab.busy
    assert not tab.options.isEnabled()
    finish(qtbot, tab)

    assert told == [True, False]
    assert states(tab) == {
        **dict.fromkeys("abde", State.DONE),
        "c": State.FAILED,
    }
    assert sorted(pixels(folder / "denoised")) == [f"{name}.ome.tif" for name in "abde"]
    assert tab.summary.text() == "4 done, 1 failed"
    assert cell(tab, 2, STATE).startswith("failed: it cannot be used")
    assert str(folder / "c.tif") in cell(tab, 2, STATE, Qt.ItemDataRole.ToolTipRole)
    # The results are those of the command with the same options.
    params = [f"--param={name}={value}" for name, value in TINY.items()]
    options = ["--method=laine19", "--budget=2steps", "--seed=5", "--device=cpu", "--threads=1"]
    output = str(tmp_path / "cli")
    CliRunner().invoke(app, ["batch", str(folder), "-o", output, *options, *params])
    same(pixels(folder / "denoised"), pixels(tmp_path / "cli"))


def test_pictures_of_images_and_results_are_shown(tab, qtbot, folder):
    tab.add([str(folder)])
    picture = Qt.ItemDataRole.DecorationRole
    qtbot.waitUntil(lambda: cell(tab, 4, NOISY, picture) is not None)
    assert cell(tab, 2, NOISY, picture) is None
    qtbot.waitUntil(lambda: "c.tif" in cell(tab, 2, NOISY, Qt.ItemDataRole.ToolTipRole))
    assert cell(tab, 0, DENOISED, picture) is None
    tab.start()
    finish(qtbot, tab)
    qtbot.waitUntil(lambda: all(cell(tab, n, DENOISED, picture) for n in (0, 1, 3, 4)))
    size = cell(tab, 0, DENOISED, picture).deviceIndependentSize()
    assert (size.width(), size.height()) == (48, 48)


def test_stopped_in_the_middle_it_is_gone_on_with(tab, qtbot, folder, fields, tmp_path):
    fields["budget"] = LONG
    tab.add([str(folder / f"{name}.tif") for name in "abd"])
    tab.start()
    qtbot.waitUntil(
        lambda: words(tab)["b"].startswith("training ") and rows(tab)["a.tif"].output != "",
        timeout=20_000,
    )
    assert cell(tab, 2, LEFT) != ""
    assert tab.summary.text().endswith("left in all")
    tab.stop_button.click()
    assert not tab.stop_button.isEnabled()
    finish(qtbot, tab)

    assert states(tab) == {"a": State.DONE, "b": State.STOPPED, "d": State.WAITING}
    assert tab.message.text().startswith("Stopped; Run goes on")
    left = {file.name for file in (folder / "denoised").iterdir() if "checkpoint" not in file.name}
    assert left == {"a.ome.tif", "a.ome.tif.job.json", "blindspot_batch.jsonl"}

    tab.run_button.click()
    finish(qtbot, tab)
    assert states(tab) == {"a": State.BEFORE, "b": State.DONE, "d": State.DONE}
    assert tab.summary.text() == "2 done, 1 finished before"
    # What was cut off and gone on with is the same as what was not.
    job = Job(method="laine19", params=TINY, budget=LONG, seed=5, device="cpu", threads=1)
    list(run_batch(Batch((str(folder / "b.tif"),), str(tmp_path / "run"), job)))
    result = open_volume(folder / "denoised" / "b.ome.tif").read()
    np.testing.assert_array_equal(result, open_volume(tmp_path / "run" / "b.ome.tif").read())


def test_without_resume_a_folder_with_a_journal_is_refused_with_what_to_do(tab, qtbot, folder):
    tab.add([str(folder / "a.tif")])
    tab.start()
    finish(qtbot, tab)
    before = words(tab)
    tab.options.resume.setChecked(False)
    tab.start()
    finish(qtbot, tab)
    said = tab.message.text().replace("\u200b", "")
    assert said.startswith(f"{folder / 'denoised'} has a journal of a batch already")
    assert 'tick "Go on where it was left off", or choose another folder.' in said
    assert words(tab) == before
    tab.options.resume.setChecked(True)
    assert not tab.message.isVisible()


def test_a_saved_model_is_applied_to_all(tab, qtbot, folder, tmp_path, fields):
    path = str(tmp_path / "given.safetensors")
    image = open_volume(folder / "a.tif").read()
    model = api.train(image, method="laine19", budget="1steps", device="cpu", threads=1, **TINY)
    model.save(path)
    seen = []
    tab.options.train.setCurrentIndex(3)
    tab.options.model.set_path(path)
    tab.add([str(folder / f"{name}.tif") for name in "ab"])
    tab._rows.hear = spy(tab._rows.hear, lambda event: seen.append(words(tab)))
    tab.start()
    finish(qtbot, tab)
    assert not any("training" in word for moment in seen for word in moment.values())
    jobs = [json.loads((folder / "denoised" / f"{n}.ome.tif.job.json").read_text()) for n in "ab"]
    assert [job["model"] for job in jobs] == [path] * 2
    inputs = (str(folder / "a.tif"), str(folder / "b.tif"))
    job = Job(model=path, device="cpu", seed=5, threads=1)
    list(run_batch(Batch(inputs, str(tmp_path / "run"), job)))
    same(pixels(folder / "denoised"), pixels(tmp_path / "run"))


def spy(function, told):
    def spied(event):
        function(event)
        told(event)

    return spied


@pytest.mark.parametrize(("index", "learned"), [(1, ["a.tif"]), (2, ["a.tif", "b.tif"])])
def test_one_model_is_trained_for_all(tab, qtbot, folder, index, learned):
    seen = []
    tab.options.train.setCurrentIndex(index)
    tab.add([str(folder / f"{name}.tif") for name in "ab"])
    tab._rows.hear = spy(tab._rows.hear, lambda event: seen.append(words(tab)))
    tab.start()
    finish(qtbot, tab)
    trained = {name for moment in seen for name, word in moment.items() if "training" in word}
    assert trained == {name[0] for name in learned}
    assert set(states(tab).values()) == {State.DONE}
    assert (folder / "denoised" / "blindspot_batch.model.safetensors").is_file()


def test_files_and_folders_are_dropped(tab, folder, tmp_path):
    other = tmp_path / "other"
    (other / "z.ome.zarr").mkdir(parents=True)
    (other / "notes.txt").write_text("no image")
    save_volume(other / "y.tif", api.as_volume(np.ones((8, 8), np.uint8), "YX"))
    # Wherever on the tab it is dropped.
    assert takers_of_drops(tab) == [tab]
    assert drop(tab, folder / "b.tif", other)
    assert list(rows(tab)) == ["b.tif", "y.tif", "z.ome.zarr"]
    assert drop(tab, folder / "b.tif", folder / ".." / "in" / "a.tif")
    assert list(rows(tab)) == ["a.tif", "b.tif", "y.tif", "z.ome.zarr"]
    assert [cell(tab, n, NAME) for n in range(4)] == list(rows(tab))
    assert cell(tab, 0, NAME, Qt.ItemDataRole.ToolTipRole) == f"<p>{folder / 'a.tif'}</p>"


def test_what_is_no_image_is_refused_with_a_sentence_and_the_rest_is_added(tab, folder, tmp_path):
    (tmp_path / "notes.txt").write_text("no image")
    assert drop(tab, tmp_path / "notes.txt", folder / "a.tif")
    assert list(rows(tab)) == ["a.tif"]
    assert "notes.txt" in tab.message.text()
    (tmp_path / "empty").mkdir()
    tab.add([str(tmp_path / "empty")])
    assert tab.message.text().startswith("No image in")
    assert "--" not in tab.message.text()
    assert not drop(tab)


def test_images_are_taken_out(tab, folder):
    tab.add([str(folder)])
    assert tab.options.output.path == str(folder / "denoised")
    assert not tab.remove_button.isEnabled()
    tab.table.selectRow(1)
    tab.remove_button.click()
    assert "b.tif" not in rows(tab)
    tab.clear_button.click()
    assert not rows(tab)
    assert tab.options.output.path == ""
    assert not tab.run_button.isEnabled()


def test_a_folder_that_cannot_be_written_gives_a_sentence(tab, qtbot, folder, tmp_path):
    (tmp_path / "file").touch()
    tab.add([str(folder)])
    tab.options.output.set_path(str(tmp_path / "file" / "out"))
    tab.start()
    finish(qtbot, tab)
    said = tab.message.text().replace("\u200b", "")
    assert said.startswith(f"{tmp_path / 'file' / 'out'} cannot be made")
    assert said.endswith("choose another folder.")
    assert "Traceback" not in said + tab.message.toolTip()
    assert set(words(tab).values()) == {"waiting"}


def test_options_that_cannot_be_used_give_a_sentence(tab, folder, fields):
    fields["budget"] = "soon"
    tab.add([str(folder)])
    tab.start()
    assert not tab.busy
    assert tab.message.text().startswith("budget='soon' is not known")


def test_choices_under_denoise_that_cannot_be_used_give_a_sentence(qtbot, folder):
    def fields():
        raise InputError("seed=x is not a number; use one.")

    tab = BatchTab(fields, lambda: "")
    qtbot.addWidget(tab)
    tab.add([str(folder / "a.tif")])
    tab.start()
    assert tab.message.text() == "seed=x is not a number; use one."
    tab.abandon()


def test_an_unforeseen_error_keeps_its_details(tab, qtbot, folder, monkeypatch):
    def broken(batch, stop):
        raise RuntimeError("the cable is loose")
        yield

    monkeypatch.setattr("napari_blindspot.batch.runner.run_batch", broken)
    tab.add([str(folder)])
    tab.start()
    finish(qtbot, tab)
    assert "the cable is loose" in tab.message.text()
    assert "Traceback" in tab.message.toolTip()


def test_results_are_opened(tab, qtbot, folder):
    shown = []
    tab.opened.connect(lambda *paths: shown.append(paths))
    tab.add([str(folder / "a.tif"), str(folder / "c.tif")])
    tab.table.doubleClicked.emit(tab.table.model().index(0, NAME))
    assert not shown
    tab.start()
    finish(qtbot, tab)
    tab.table.doubleClicked.emit(tab.table.model().index(1, NAME))
    assert not shown
    tab.table.doubleClicked.emit(tab.table.model().index(0, NAME))
    tab.table.selectAll()
    tab.open_button.click()
    assert shown == [(str(folder / "a.tif"), str(folder / "denoised" / "a.ome.tif"))] * 2


def test_the_preferred_folder_is_the_default(qtbot, fields, folder, tmp_path):
    tab = BatchTab(lambda: fields, lambda: str(tmp_path / "preferred"))
    qtbot.addWidget(tab)
    tab.add([str(folder / "a.tif")])
    assert tab.options.output.path == str(tmp_path / "preferred")
    tab.abandon()


def test_it_fits_into_a_narrow_dock_whatever_it_says(tab, folder):
    tab.add([str(folder)])
    before = tab.minimumSizeHint().width()
    tab.options.output.set_path(str(folder / ("a_very_long_name_" * 5)))
    tab.options.train.setCurrentIndex(3)
    tab._fail(f"{folder / ('x' * 30)} cannot be used; choose another folder.", "")
    assert tab.minimumSizeHint().width() == before <= 360


def test_one_job_at_a_time(tab, folder):
    tab.add([str(folder / "a.tif")])
    tab.set_enabled_to_run(False)
    assert not tab.run_button.isEnabled()
    assert "under Denoise" in tab.run_button.toolTip()
    tab.start()
    assert not tab.busy
    tab.set_enabled_to_run(True)
    assert tab.run_button.isEnabled()


def test_what_is_chosen_under_denoise_is_seen_when_the_tab_is_shown(tab, fields):
    assert tab.options.line.text().startswith("Laine 2019 blind-spot network, 2 steps")
    tab.hide()
    fields["budget"] = "quick"
    tab.show()
    assert tab.options.line.text().startswith("Laine 2019 blind-spot network, quick (10 s)")


def test_abandoned_while_it_runs_it_ends_and_frees_the_folder(qtbot, fields, folder):
    fields["budget"] = "100000steps"
    tab = BatchTab(lambda: fields, lambda: "")
    tab.add([str(folder)])
    tab.start()
    qtbot.waitUntil(lambda: words(tab)["a"].startswith("training "), timeout=20_000)
    before = threading.active_count()
    tab.abandon()
    tab.deleteLater()
    assert QThreadPool.globalInstance().waitForDone(5000)
    assert threading.active_count() <= before
    with locked(folder / "denoised" / ".blindspot_batch.jsonl.lock"):
        pass
    assert not list((folder / "denoised").glob("*.tif"))
