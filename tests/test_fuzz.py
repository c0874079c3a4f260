"""Many mutated files, none of which may end in a traceback, a hang or a crash."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

# The slow suite asks for five: 2,500 mutations.
TIMES = int(os.environ.get("BLINDSPOT_MUTATIONS", "1"))
SCRIPT = Path(__file__).parent / "mutations.py"


EXTRA = "the extra `microscopes` is not installed"
READERS = {"czi": ("bioio_czi", "pylibCZIrw"), "lif": ("bioio_lif",), "nd2": ("bioio_nd2",)}


def through_bioio(kind, count):
    is_there = all(importlib.util.find_spec(name) for name in ("bioio", *READERS[kind]))
    return pytest.param(kind, count, marks=pytest.mark.skipif(not is_there, reason=EXTRA))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="the time limit is a POSIX signal")
@pytest.mark.parametrize(
    ("kind", "count"),
    [
        ("tiff", 180),
        ("zarr", 100),
        ("model", 100),
        ("job", 120),
        through_bioio("czi", 100),
        through_bioio("lif", 100),
        through_bioio("nd2", 100),
    ],
)
def test_mutated_files_open_or_are_refused_in_one_sentence(tmp_path, kind, count):
    count *= TIMES
    command = [sys.executable, str(SCRIPT), kind, str(count), "0", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    *wrong, last = done.stdout.replace("\r", "\n").strip().splitlines() or [""]
    wrong = [line for line in wrong if not line.startswith(f"{kind} ") or ":" in line]
    assert done.returncode == 0, f"crashed at {last}\n{done.stderr[-2000:]}"
    assert not wrong, "\n".join(wrong)
    counts = json.loads(last)
    assert counts["opened"] + counts["refused"] == count
    assert counts["refused"] > count / 10
