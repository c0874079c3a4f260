"""One batch at a time."""

from __future__ import annotations

import subprocess
import sys

import pytest

from napari_blindspot.batch.folder_lock import locked
from napari_blindspot.params import InputError

HOLD = """
import sys, pathlib
from napari_blindspot.batch.folder_lock import locked
with locked(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(journal):
    """Process that holds the lock until it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(journal)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    return process


def end(process):
    process.kill()
    process.communicate()


def test_the_second_is_refused_until_the_first_dies(tmp_path):
    journal = tmp_path / "blindspot_batch.jsonl"
    process = holder(journal)
    with pytest.raises(InputError, match=f"process {process.pid} on .* wait for its end"):
        locked(journal).__enter__()
    with pytest.raises(InputError, match="Another batch"):
        locked(tmp_path / "blindspot_batch.part-1-of-2.jsonl").__enter__()
    end(process)
    assert list(tmp_path.iterdir())
    with locked(journal) as note:
        assert note == ""
    assert list(tmp_path.iterdir()) == []


def test_parts_of_the_same_number_work_side_by_side(tmp_path):
    names = [f"blindspot_batch.part-{part}.jsonl" for part in ("1-of-2", "2-of-2", "1-of-3")]
    first, second, third = (tmp_path / name for name in names)
    process = holder(first)
    with locked(second):
        pass
    for other in (third, tmp_path / "blindspot_batch.jsonl"):
        with pytest.raises(InputError, match="Another batch"):
            locked(other).__enter__()
    end(process)
    with locked(third):
        pass


def test_a_folder_that_cannot_be_written(tmp_path):
    with pytest.raises(InputError, match="cannot be written"):
        locked(tmp_path / "none" / "blindspot_batch.jsonl").__enter__()
