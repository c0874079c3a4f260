"""A batch from beginning to end, and what ends it early."""

from __future__ import annotations

import dataclasses
import os
import shutil

import numpy as np
import pytest

from napari_blindspot import api
from napari_blindspot.batch import Batch, Part, journal, make_plan, run_batch
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
from napari_blindspot.batch.folder_lock import locked
from napari_blindspot.events import NoiseFitted, Started, Step, Tile
from napari_blindspot.halting import Stop
from napari_blindspot.io import open_volume, save_volume
from napari_blindspot.job import Job
from napari_blindspot.locks import writing
from napari_blindspot.params import InputError

pytestmark = pytest.mark.no_cover


@pytest.fixture
def batch(folder, tmp_path, job):
    return Batch((str(folder),), str(tmp_path / "out"), job)


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def resumed(batch, **changes):
    return dataclasses.replace(batch, resume=True, **changes)


def ends(events):
    """Name of each image and how it ended."""
    words = {FileDone: "done", FileFailed: "failed", FileSkipped: "skipped", FileStopped: "stopped"}
    return {
        event.file.replace("\\", "/").rsplit("/", 1)[1]: words[type(event)]
        for event in events
        if type(event) in words
    }


def files(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_events_come_in_order(batch, out):
    events = list(run_batch(batch))
    kinds = [type(event) for event in events if not isinstance(event, FileProgress)]
    assert kinds == [BatchStarted, *[FileStarted, FileDone] * 3, BatchFinished]
    started, finished = events[0], events[-1]
    assert (started.files, started.todo, started.note) == (3, 3, "")
    assert (finished.done, finished.failed, finished.left, finished.stopped) == (3, 0, 0, False)
    second = [event for event in events if isinstance(event, FileStarted)][1]
    assert (second.number, second.todo, second.reason) == (2, 3, "new")
    inner = [
        type(e.event) for e in events if isinstance(e, FileProgress) and e.file[-5:] == "a.tif"
    ]
    assert inner == [Started, Step, Step, NoiseFitted, Tile]
    names = [f"{name}.ome.tif{end}" for name in "abc" for end in ("", ".job.json")]
    assert files(out) == sorted([*names, "blindspot_batch.jsonl"])
    assert Job.load(out / "a.ome.tif.job.json").method == "n2v"


def test_done_entries_say_how_and_what(batch, folder, out):
    list(run_batch(batch))
    done = [e for e in journal.read(out / "blindspot_batch.jsonl") if e.kind == "done"]
    assert [entry.file for entry in done] == [str(folder / f"{name}.tif") for name in "abc"]
    recorded = Job.load(out / "a.ome.tif.job.json")
    assert done[0].job == dataclasses.replace(recorded, threads=None)
    assert list(done[0].inputs) == [str(folder / "a.tif")]
    assert list(done[0].outputs) == [str(out / "a.ome.tif")]


def test_one_bad_image_does_not_end_the_batch(batch, folder, out):
    (folder / "b.tif").write_bytes(b"II*\0 broken")
    (folder / "d.tif").write_bytes(b"")
    events = list(run_batch(batch))
    assert ends(events) == {"a.tif": "done", "b.tif": "failed", "c.tif": "done", "d.tif": "failed"}
    empty = next(e for e in events if isinstance(e, FileFailed) and e.file.endswith("d.tif"))
    assert empty.message.endswith("d.tif is empty: 0 bytes.")
    assert (events[-1].done, events[-1].failed, events[-1].left) == (2, 2, 0)
    # What failed is tried again, and the rest is left alone.
    again = list(run_batch(resumed(batch)))
    assert ends(again) == {
        "a.tif": "skipped",
        "b.tif": "failed",
        "c.tif": "skipped",
        "d.tif": "failed",
    }


def test_errors_that_nobody_foresaw_are_one_sentence(batch, monkeypatch):
    def run(job, stop, *, resume):
        assert not resume
        if job.inputs[0].endswith("b.tif"):
            raise RuntimeError("the cable\nis loose")
        if job.inputs[0].endswith("c.tif"):
            raise MemoryError
        yield from ()

    monkeypatch.setattr("napari_blindspot.run.run", run)
    messages = [e.message for e in run_batch(batch) if isinstance(e, FileFailed)]
    assert messages[0] == "RuntimeError: the run ended without a result."
    assert messages[1] == "RuntimeError: the cable is loose."
    assert messages[2].startswith("There is not enough memory for ")


def test_an_image_that_vanishes_is_reported(batch, folder):
    events = []
    for event in run_batch(batch):
        events.append(event)
        if isinstance(event, FileDone) and event.file.endswith("a.tif"):
            (folder / "b.tif").unlink()
    assert ends(events) == {"a.tif": "done", "b.tif": "failed", "c.tif": "done"}
    failed = next(event for event in events if isinstance(event, FileFailed))
    assert failed.message.endswith("b.tif does not exist.")


def test_an_image_that_changes_meanwhile_has_failed(batch, folder, make_image):
    events = []
    for event in run_batch(batch):
        events.append(event)
        if isinstance(event, FileProgress) and isinstance(event.event, Tile):
            make_image(folder / "a.tif", seed=8)
    assert ends(events)["a.tif"] == "failed"
    assert "changed while it was in use" in next(
        event.message for event in events if isinstance(event, FileFailed)
    )
    assert ends(run_batch(resumed(batch))) == {
        "a.tif": "done",
        "b.tif": "skipped",
        "c.tif": "skipped",
    }


def test_a_journal_without_resume_is_refused(batch):
    list(run_batch(batch))
    with pytest.raises(InputError, match="use --resume to go on with it"):
        next(run_batch(batch))


def reasons(batch):
    return [task.reason for task in make_plan(resumed(batch)).tasks]


def test_what_is_finished_is_not_repeated_unless_something_changed(batch, folder, out, make_image):
    list(run_batch(batch))
    assert reasons(batch) == ["", "", ""]
    assert ends(run_batch(resumed(batch))) == dict.fromkeys(["a.tif", "b.tif", "c.tif"], "skipped")
    make_image(folder / "a.tif", seed=5)
    (out / "b.ome.tif").write_bytes(b"scribble")
    (out / "c.ome.tif").unlink()
    make_image(folder / "d.tif", seed=6)
    damaged = "a result is missing or damaged"
    assert reasons(batch) == ["the image has changed", damaged, damaged, "new"]
    (out / "b.ome.tif").unlink()
    assert set(ends(run_batch(resumed(batch))).values()) == {"done"}
    assert reasons(batch) == [""] * 4


def test_changed_options_call_for_a_new_result(batch, job):
    list(run_batch(batch))
    other = dataclasses.replace(batch, job=dataclasses.replace(job, seed=1))
    assert reasons(other) == ["the options have changed"] * 3
    assert set(ends(run_batch(resumed(other))).values()) == {"done"}
    assert reasons(batch) == ["the options have changed"] * 3


def test_a_copied_image_is_the_same_image(batch, folder):
    list(run_batch(batch))
    shutil.copy(folder / "a.tif", folder / "copy")
    (folder / "copy").replace(folder / "a.tif")
    assert reasons(batch)[0] == ""


def test_halt_keeps_what_is_done_and_resume_goes_on(batch, out):
    events = []

    def after_the_first():
        return Stop.HALT if any(isinstance(e, FileDone) for e in events) else Stop.NO

    for event in run_batch(batch, after_the_first):
        events.append(event)  # noqa: PERF402 - the stop flag looks at the list as it grows
    assert ends(events) == {"a.tif": "done"}
    assert (events[-1].stopped, events[-1].left) == (True, 2)
    assert ends(run_batch(resumed(batch))) == {"a.tif": "skipped", "b.tif": "done", "c.tif": "done"}


def test_halt_in_the_middle_of_an_image_leaves_no_part_of_it(batch, out):
    events = []

    def in_the_second():
        begun = [e for e in events if isinstance(e, FileProgress) and e.file.endswith("b.tif")]
        return Stop.HALT if any(isinstance(e.event, Step) for e in begun) else Stop.NO

    for event in run_batch(batch, in_the_second):
        events.append(event)  # noqa: PERF402
    assert ends(events) == {"a.tif": "done", "b.tif": "stopped"}
    assert (events[-1].done, events[-1].left) == (1, 2)
    assert files(out) == ["a.ome.tif", "a.ome.tif.job.json", "blindspot_batch.jsonl"]
    assert reasons(batch) == ["", "was stopped", "new"]


def test_a_generator_that_is_closed_frees_the_folder(batch, out):
    run = run_batch(batch)
    while not isinstance(next(run), FileProgress):
        pass
    with pytest.raises(InputError, match="Another batch"):
        next(run_batch(batch))
    run.close()
    assert files(out) == ["blindspot_batch.jsonl"]
    assert reasons(batch)[0] == "was cut off"


def test_a_second_batch_in_the_folder_is_refused(batch, out):
    out.mkdir()
    with locked(batch.journal), pytest.raises(InputError, match="Another batch"):
        next(run_batch(resumed(batch)))


def test_files_of_others_are_never_replaced(batch, out):
    out.mkdir()
    for name in "ab":
        (out / f"{name}.ome.tif").write_text("precious")
    with pytest.raises(InputError, match=r"a\.ome\.tif and 1 more would be replaced"):
        next(run_batch(batch))
    assert files(out) == ["a.ome.tif", "b.ome.tif"]


def test_output_folder_that_cannot_be_made(batch, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be made"):
        next(run_batch(dataclasses.replace(batch, output=str(tmp_path / "file" / "out"))))


def test_read_only_output_folder(batch, out, monkeypatch):
    """Root may write anywhere, so the answer of the system is put in its mouth."""
    out.mkdir()

    def refuse(path, *_):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("napari_blindspot.locks.os.open", refuse)
    with pytest.raises(InputError, match=r"out cannot be written \(Permission denied\)"):
        next(run_batch(batch))


def test_subfolders_are_made(batch, folder, out, make_image):
    (folder / "deep" / "er").mkdir(parents=True)
    make_image(folder / "deep" / "er" / "d.tif")
    assert ends(run_batch(dataclasses.replace(batch, recursive=True)))["d.tif"] == "done"
    assert (out / "deep" / "er" / "d.ome.tif").is_file()
    (folder / "e").mkdir()
    make_image(folder / "e" / "e.tif")
    (out / "e").write_text("in the way")
    events = list(run_batch(resumed(batch, recursive=True)))
    assert ends(events)["e.tif"] == "failed"


def test_other_formats_keep_theirs(batch, folder, out, make_image):
    shutil.rmtree(folder)
    folder.mkdir()
    make_image(folder / "z.ome.zarr", shape=(2, 24, 24))
    make_image(folder / "p.png")
    make_image(folder / "n.npy")
    assert set(ends(run_batch(batch)).values()) == {"done"}
    for name in ("z.ome.zarr", "p.png", "n.npy"):
        source, result = open_volume(folder / name), open_volume(out / name)
        assert (result.shape, result.dtype) == (source.shape, source.dtype)
    assert reasons(batch) == [""] * 3
    chunks = (out / "z.ome.zarr" / "0" / "c").rglob("*")
    next(path for path in chunks if path.is_file()).unlink()
    assert sorted(reasons(batch)) == ["", "", "a result is missing or damaged"]


def test_a_saved_model_is_applied(batch, out, model):
    applied = dataclasses.replace(
        batch, job=Job(model=model, device="cpu"), uncertainty=True, format="ome.zarr"
    )
    events = list(run_batch(applied))
    assert ends(events) == dict.fromkeys(["a.tif", "b.tif", "c.tif"], "done")
    assert not any(isinstance(e, FileProgress) and isinstance(e.event, Step) for e in events)
    for name in "abc":
        assert open_volume(out / f"{name}_std.ome.zarr").dtype == np.float32
    assert reasons(applied) == [""] * 3
    shutil.rmtree(out / "b_std.ome.zarr")
    assert reasons(applied)[1] == "a result is missing or damaged"


def test_training_options_do_not_matter_to_a_saved_model(batch, model):
    applied = dataclasses.replace(batch, job=Job(model=model, device="cpu"))
    list(run_batch(applied))
    other = Job(model=model, device="cpu", budget="quick", method="n2v")
    assert reasons(dataclasses.replace(batch, job=other)) == [""] * 3


def test_another_model_in_the_same_file_calls_for_new_results(batch, model, folder):
    applied = dataclasses.replace(batch, job=Job(model=model, device="cpu"))
    list(run_batch(applied))
    pixels = open_volume(folder / "b.tif").read()
    api.train(pixels, method="n2v", budget="1steps", device="cpu", width=4, depth=1).save(model)
    assert reasons(applied) == ["the model has changed"] * 3


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"model": "nowhere.safetensors"}, "nowhere.safetensors cannot be read as a model"),
        ({"device": "tpu"}, "device='tpu' is not known"),
    ],
)
def test_unusable_options_are_found_before_any_work(batch, out, job, options, words):
    with pytest.raises(InputError, match=words):
        next(run_batch(dataclasses.replace(batch, job=dataclasses.replace(job, **options))))
    assert not out.exists()


def test_a_model_without_uncertainty_is_refused(batch, folder, tmp_path, job):
    path = str(tmp_path / "n2v.safetensors")
    pixels = open_volume(folder / "a.tif").read()
    api.train(pixels, method="n2v", budget="1steps", device="cpu", width=4, depth=1).save(path)
    applied = dataclasses.replace(batch, job=Job(model=path, device="cpu"), uncertainty=True)
    with pytest.raises(InputError, match="has no uncertainty"):
        next(run_batch(applied))


@pytest.mark.parametrize(("train", "lesson"), [("first", ["a.tif"]), ("together", None)])
def test_one_model_for_all(batch, out, folder, make_image, train, lesson):
    shared = dataclasses.replace(batch, train=train)
    events = list(run_batch(shared))
    (started,) = [event for event in events if isinstance(event, ModelStarted)]
    wanted = lesson or ["a.tif", "b.tif", "c.tif"]
    assert [file.replace("\\", "/").rsplit("/", 1)[1] for file in started.files] == wanted
    assert ends(events) == dict.fromkeys(["a.tif", "b.tif", "c.tif"], "done")
    job = Job.load(out / "b.ome.tif.job.json")
    assert job.model == str(out / "blindspot_batch.model.safetensors")
    assert reasons(shared) == [""] * 3
    # An image that comes later is denoised with the model that is there.
    make_image(folder / "0.tif", seed=11)
    events = list(run_batch(resumed(shared)))
    assert [event.reused for event in events if isinstance(event, ModelReady)] == [True]
    assert ends(events)["0.tif"] == "done"
    assert list(ends(events).values()).count("skipped") == 3


def test_the_model_for_all_is_trained_anew_if_its_lesson_changed(batch, out, folder, make_image):
    shared = dataclasses.replace(batch, train="first")
    list(run_batch(shared))
    (out / "blindspot_batch.model.safetensors").write_bytes(b"broken")
    assert reasons(shared) == ["the model is new"] * 3
    assert set(ends(run_batch(resumed(shared))).values()) == {"done"}
    make_image(folder / "b.tif", seed=21)
    assert reasons(shared) == ["", "the image has changed", ""]
    make_image(folder / "a.tif", seed=22)
    assert reasons(shared) == ["the model is new"] * 3


@pytest.mark.parametrize("train", ["first", "together"])
def test_images_that_cannot_be_read_teach_nothing(batch, folder, train):
    (folder / "a.tif").write_bytes(b"II*\0 broken")
    events = list(run_batch(dataclasses.replace(batch, train=train)))
    assert ends(events) == {"a.tif": "failed", "b.tif": "done", "c.tif": "done"}
    assert [type(e) for e in events].count(ModelReady) == 1


def test_no_model_no_results(batch, folder, make_image):
    two = np.random.default_rng(0).poisson(40.0, (2, 24, 24)).astype(np.uint8)
    save_volume(folder / "b.tif", api.as_volume(two, "CYX"))
    events = list(run_batch(dataclasses.replace(batch, train="together")))
    assert set(ends(events).values()) == {"failed"}
    (message,) = {event.message for event in events if isinstance(event, FileFailed)}
    assert message == "No model: The inputs have different numbers of channels: [1, 2]."


def test_a_training_that_is_halted_leaves_no_model(batch, out):
    events = []

    def in_training():
        return Stop.HALT if any(isinstance(e, FileProgress) for e in events) else Stop.NO

    shared = dataclasses.replace(batch, train="together")
    for event in run_batch(shared, in_training):
        events.append(event)  # noqa: PERF402
    assert (events[-1].stopped, events[-1].left) == (True, 3)
    assert files(out) == ["blindspot_batch.jsonl"]
    assert set(ends(run_batch(resumed(shared))).values()) == {"done"}


def test_models_are_kept_on_request(batch, out):
    from napari_blindspot.model import load

    list(run_batch(dataclasses.replace(batch, save_models=True)))
    assert load(out / "a.model.safetensors").method.name == "n2v"


def test_parts_do_their_share_and_a_whole_batch_finishes_the_rest(batch, out):
    part = dataclasses.replace(batch, part=Part(2, 2))
    assert ends(run_batch(part)) == {"b.tif": "done"}
    assert (out / "blindspot_batch.part-2-of-2.jsonl").is_file()
    assert ends(run_batch(resumed(batch))) == {"a.tif": "done", "b.tif": "skipped", "c.tif": "done"}


def test_two_jobs_equal_one_pixel_for_pixel(batch, folder, tmp_path, make_image):
    make_image(folder / "d.tif", seed=4, shape=(2, 24, 24))
    (folder / "e.tif").write_bytes(b"II*\0 broken")
    outs = [tmp_path / "alone", tmp_path / "together"]
    found = [
        ends(run_batch(dataclasses.replace(batch, output=str(out), jobs=jobs)))
        for out, jobs in zip(outs, (1, 2), strict=True)
    ]
    assert found[0] == found[1]
    assert found[0]["e.tif"] == "failed"
    for name in "abcd":
        one, two = (open_volume(out / f"{name}.ome.tif").read() for out in outs)
        np.testing.assert_array_equal(one, two)
    assert reasons(dataclasses.replace(batch, output=str(outs[1])))[:4] == [""] * 4


def test_an_image_that_another_run_is_writing_fails_and_is_not_touched(batch, out):
    out.mkdir()
    kept = [out / ".b.ome.tif.part-77", out / ".b.ome.tif.checkpoint-0"]
    for path in kept:
        path.write_text("half")
    with writing([out / "b.ome.tif"]):
        events = list(run_batch(batch))
    assert ends(events) == {"a.tif": "done", "b.tif": "failed", "c.tif": "done"}
    (failed,) = [event for event in events if isinstance(event, FileFailed)]
    assert f"b.ome.tif is being written by process {os.getpid()} on " in failed.message
    assert all(path.exists() for path in kept)
    assert ends(run_batch(resumed(batch)))["b.tif"] == "done"
    assert not list(out.glob(".*"))


@pytest.mark.parametrize("train", ["each", "first"])
def test_every_run_uses_so_many_cores_as_are_asked_for(batch, train):
    three = dataclasses.replace(batch.job, threads=3)
    plan = make_plan(dataclasses.replace(batch, job=three, train=train))
    assert [task.job.threads for task in plan.tasks] == [3] * 3
