"""What becomes of the images of a batch, event by event."""

from __future__ import annotations

import pytest

from napari_blindspot._gui.batch_rows import Rows
from napari_blindspot.batch import Batch
from napari_blindspot.batch.events import (
    BatchFinished,
    BatchStarted,
    FileDone,
    FileFailed,
    FileProgress,
    FileSkipped,
    FileStarted,
    FileStopped,
    ModelReady,
    ModelStarted,
)
from napari_blindspot.events import NotKept, Started, Step
from napari_blindspot.job import Job

STARTED = Started((8, 8), "YX", "", "N2V2", "CPU", 1)


@pytest.fixture
def files(tmp_path):
    return [tmp_path / f"{name}.tif" for name in "abcd"]


@pytest.fixture
def rows(files):
    rows = Rows(clock=lambda: 1000.0)
    rows.add(files)
    return rows


def begin(rows, files, **options):
    job = Job(budget="30s", model=options.pop("model", None))
    rows.begin(Batch(tuple(map(str, files)), "out", job, **options))
    rows.hear(BatchStarted(len(files), len(files), "out", "out/j"))


def words(rows):
    return [row.words for row in rows.all()]


def test_images_are_in_the_order_of_their_paths_each_once(tmp_path):
    rows = Rows()
    (tmp_path / "b.tif").touch()
    (tmp_path / "link.tif").symlink_to(tmp_path / "b.tif")
    assert rows.add([tmp_path / "c.tif", tmp_path / "b.tif"])
    assert rows.add([tmp_path / "a.tif", tmp_path / "link.tif"]) == [str(tmp_path / "a.tif")]
    assert [row.file for row in rows.all()] == [str(tmp_path / f"{n}.tif") for n in "abc"]
    rows.remove([str(tmp_path / "b.tif")])
    assert rows.add([tmp_path / "link.tif"]) == [str(tmp_path / "link.tif")]


def test_every_state_has_its_words(rows, files):
    a, b, c, d = map(str, files)
    begin(rows, files)
    assert rows.summary() == "2:00 left in all"
    rows.hear(FileSkipped(a, "out/a.ome.tif"))
    for event in (FileStarted(b, "out/b", 1, 3, "new"), FileProgress(b, STARTED)):
        rows.hear(event)
    assert words(rows) == ["finished before", "training", "waiting", "waiting"]
    rows.hear(FileProgress(b, Step(0, 1, 0.43, 1.0, 1.0)))
    assert words(rows)[1] == "training 43 %"
    assert {file[-5:]: round(left) for file, left in rows.lefts().items()} == {
        "b.tif": 17,
        "c.tif": 34,
        "d.tif": 51,
    }
    rows.hear(FileProgress(b, Step(0, 9, 1.0, 1.0, 1.0)))
    assert words(rows)[1] == "denoising"
    rows.hear(FileDone(b, "out/b.ome.tif", 72.0, "the scale is lost"))
    rows.hear(FileStarted(c, "out/c", 2, 3, "new"))
    rows.hear(FileFailed(c, f"{c} is empty: 0 bytes.", 0.1))
    rows.hear(FileStarted(d, "out/d", 3, 3, "new"))
    assert words(rows)[1:3] == ["done in 1:12", "failed: it is empty: 0 bytes."]
    assert rows.summary() == "1 done, 1 finished before, 1 failed, 0:30 left in all"
    rows.hear(FileStopped(d))
    rows.hear(BatchFinished(1, 1, 1, 1, True, 80.0))
    assert words(rows)[3] == "stopped"
    assert rows.summary() == "1 done, 1 finished before, 1 failed, 1 stopped"
    assert rows.lefts() == {}


def test_all_images_of_a_lesson_are_in_training_and_then_wait(rows, files):
    begin(rows, files, train="together")
    rows.hear(ModelStarted("out/m", tuple(map(str, files))))
    rows.hear(FileProgress("out/m", STARTED))
    rows.hear(FileProgress("out/m", Step(0, 1, 0.5, 1.0, 1.0)))
    assert words(rows) == ["training 50 %"] * 4
    assert rows.summary() == "0:15 of training left"
    rows.hear(ModelReady("out/m", 30.0))
    assert words(rows) == ["waiting"] * 4
    rows.hear(FileStarted(str(files[0]), "out/a", 1, 4, "new"))
    assert words(rows)[0] == "denoising"


def test_a_lesson_that_is_stopped_leaves_its_image_stopped(rows, files):
    begin(rows, files, train="first")
    rows.hear(ModelStarted("out/m", (str(files[0]),)))
    rows.hear(BatchFinished(0, 0, 0, 4, True, 1.0))
    assert words(rows) == ["stopped", "waiting", "waiting", "waiting"]
    assert rows.summary() == "1 stopped, 3 waiting"


def test_a_batch_begins_with_all_waiting_but_not_before_it_is_accepted(rows, files):
    begin(rows, files)
    rows.hear(FileSkipped(str(files[0]), "out/a"))
    rows.end()
    rows.begin(Batch(tuple(map(str, files)), "out", Job()))
    assert words(rows)[0] == "finished before"
    rows.hear(BatchStarted(4, 4, "out", "out/j"))
    assert words(rows) == ["waiting"] * 4


def test_what_could_not_be_kept_is_told(rows, files):
    begin(rows, files)
    rows.hear(FileStarted(str(files[0]), "out/a", 1, 4, "new"))
    rows.hear(FileProgress(str(files[0]), NotKept("no space left")))
    assert rows.all()[0].message == "no space left"


def test_the_summary_of_nothing_and_of_a_few(files):
    rows = Rows()
    assert rows.summary() == ""
    rows.add(files[:1])
    assert rows.summary() == "1 image"
    rows.add(files)
    assert rows.summary() == "4 images"
