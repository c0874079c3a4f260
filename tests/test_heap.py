from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from napari_blindspot import heap
from napari_blindspot.api import denoise

pytestmark = pytest.mark.skipif(heap._gnu() is None, reason="needs the GNU C library")

# A process of its own, for the heap of this one has a past.
MEASURED = """
import json, resource
import numpy as np
import psutil
from napari_blindspot import heap

LARGE = 100 * 2**20

def faults(turns):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(turns):
        np.empty(LARGE, np.uint8).fill(1)
    return (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / turns

def held():
    return psutil.Process().memory_info().rss / LARGE

found = {"before": held(), "outside": faults(5)}
with heap.reused():
    with heap.reused():
        faults(5)
    found |= {"inside": faults(5), "kept": held()}
found["after"] = held()
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def measured():
    """Pages handed out for each array made and freed, and memory held in arrays."""
    run = subprocess.run(
        [sys.executable, "-c", MEASURED], capture_output=True, text=True, check=True
    )
    return json.loads(run.stdout)


def test_freed_memory_is_used_again(measured):
    assert measured["inside"] < measured["outside"] / 10


def test_it_is_kept_until_the_outer_end_and_then_given_back(measured):
    assert measured["kept"] - measured["before"] > 0.9
    assert measured["after"] - measured["before"] < 0.2


def test_an_error_ends_it_too():
    with pytest.raises(ZeroDivisionError), heap.reused():
        _ = 1 / 0
    assert heap._working == 0


def test_a_run_reuses_memory(monkeypatch):
    began = []
    monkeypatch.setattr(heap, "_began", began.append)
    monkeypatch.setattr(heap, "_ended", lambda _: None)
    noisy = np.random.default_rng(0).random((32, 32), np.float32)
    denoise(noisy, method="n2v", budget="2 steps", device="cpu")
    assert began


def test_other_libraries_are_left_alone(monkeypatch):
    monkeypatch.setattr(heap, "_gnu", lambda: None)
    with heap.reused():
        assert heap._working == 0
