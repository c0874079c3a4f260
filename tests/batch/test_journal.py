"""The journal survives torn lines and says who did what."""

from __future__ import annotations

import json

import pytest

from napari_blindspot.batch import Batch, journal
from napari_blindspot.batch.fingerprint import Fingerprint
from napari_blindspot.batch.journal import Entry, Journal
from napari_blindspot.params import InputError

PRINT = Fingerprint(1, 2, "ab", True)


@pytest.fixture
def path(tmp_path, job):
    """A journal with a head and two entries."""
    file = tmp_path / "blindspot_batch.jsonl"
    with Journal(file) as open_journal:
        open_journal.head(Batch(("in",), "out", job=job), "1.0", 2)
        open_journal.note(Entry("begin", "a.tif", job, {"a.tif": PRINT}))
        done = Entry("done", "a.tif", job, {"a.tif": PRINT}, {"a.ome.tif": PRINT}, 1.5)
        open_journal.note(done)
    return file


def test_entries_come_back(path, job):
    begin, done = journal.read(path)
    assert (begin.kind, done.kind) == ("begin", "done")
    assert done.job == job
    assert done.inputs == {"a.tif": PRINT}
    assert done.outputs == {"a.ome.tif": PRINT}
    assert begin.time < done.time
    assert journal.latest([begin, done]) == {"a.tif": done}


def test_lines_are_json_for_other_programs(path):
    head, _, done = (json.loads(line) for line in path.read_text().splitlines())
    assert (head["kind"], head["format"], head["version"]) == ("batch", 1, "1.0")
    assert head["options"]["job"]["method"] == "n2v"
    assert (done["file"], done["seconds"]) == ("a.tif", 1.5)


def test_a_journal_torn_anywhere_is_read_and_mended(path, job, monkeypatch):
    monkeypatch.setattr(journal.os, "fsync", lambda _: None)  # no power is cut here
    whole = path.read_bytes()
    ends = [place + 1 for place, byte in enumerate(whole) if byte == ord("\n")]
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        lines = sum(end <= length for end in ends)
        assert len(journal.read(path)) == max(lines - 1, 0)
        with Journal(path) as open_journal:
            open_journal.note(Entry("failed", "b.tif", job, message="it broke"))
        assert path.read_bytes()[: ends[lines - 1] if lines else 0] == whole[: ends[lines - 1]] * (
            lines > 0
        )
        assert json.loads(path.read_bytes().splitlines()[-1])["message"] == "it broke"


def test_blocks_of_zeros_after_a_power_cut_are_cut_off(path, job):
    whole = path.read_bytes()
    path.write_bytes(whole + bytes(4096))
    assert len(journal.read(path)) == 2
    with Journal(path):
        assert path.read_bytes() == whole


def test_damaged_and_unknown_lines_in_the_middle_are_left_out(path):
    head, begin, done = path.read_text().splitlines()
    broken = ["{", "[1]", '{"kind": "begin"}', '{"kind": "done", "file": "a", "job": {"x": 1}}']
    path.write_text("\n".join([head, *broken, begin, "\udcff".encode("utf-8", "ignore").decode()]))
    with path.open("a") as file:
        file.write(f"\n{done}\n")
    assert [entry.kind for entry in journal.read(path)] == ["begin", "done"]


@pytest.mark.parametrize("first", ["hello", "{}", '{"kind": "batch", "format": 99}', "[]"])
def test_files_that_are_no_journal_are_refused(tmp_path, first):
    path = tmp_path / "blindspot_batch.jsonl"
    path.write_text(f"{first}\n")
    with pytest.raises(InputError, match="not a journal that this version can read"):
        journal.read(path)


def test_journals_of_parts_are_read_together(path, job):
    other = path.with_name("blindspot_batch.part-1-of-2.jsonl")
    with Journal(other) as open_journal:
        open_journal.head(Batch(("in",), "out", job=job), "1.0", 2)
        open_journal.note(Entry("failed", "a.tif", job))
    entries = journal.read_all(path.parent)
    assert [entry.kind for entry in entries] == ["begin", "done", "failed"]
    assert journal.latest(entries)["a.tif"].kind == "failed"


def test_a_journal_that_cannot_be_written_is_one_sentence(tmp_path, path, job, monkeypatch):
    with pytest.raises(InputError, match="cannot be written"):
        Journal(tmp_path)
    open_journal = Journal(path)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(journal.os, "write", full)
    with pytest.raises(InputError, match="No space left"):
        open_journal.note(Entry("begin", "a.tif", job))


def test_names_that_are_no_text_are_kept(path, job):
    with Journal(path) as open_journal:
        open_journal.note(Entry("failed", "a\udcff.tif", job))
    assert len(path.read_bytes().splitlines()) == 4
