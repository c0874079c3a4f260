"""A batch of eight images, killed at random moments and resumed.

One kill by default; `BLINDSPOT_KILLS=20` asks for twenty.
"""

from __future__ import annotations

import dataclasses
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from napari_blindspot.batch import Batch, run_batch
from napari_blindspot.io import open_volume
from napari_blindspot.job import Job
from napari_blindspot.model import load

pytestmark = [
    pytest.mark.slow,
    pytest.mark.no_cover,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL"),
]

KILLS = int(os.environ.get("BLINDSPOT_KILLS", "1"))
PROGRAM = "from napari_blindspot.cli import main; main()"
TRAINING = ["--method=n2v", "--budget=1steps"]
TRAINING += [f"--param={text}" for text in ("width=4", "depth=1", "patch=16", "batch=4")]
# Each way to get a model, each format, one process and two.
WAYS = ("given", "each", "together", "each in two processes", "given in two processes", "first")
SHARED = "blindspot_batch.model.safetensors"
LINES = 17  # a head, and for each image a beginning and an end


@pytest.fixture
def eight(tmp_path, make_image):
    """Eight images in four formats."""
    folder = tmp_path / "in"
    folder.mkdir()
    for seed, name in enumerate(("a.tif", "b.ome.zarr", "c.tif", "d.png", "e.npy", "f.tif")):
        make_image(folder / name, seed)
    make_image(folder / "g.ome.zarr", 6, (2, 24, 24))
    make_image(folder / "h.tif", 7, (3, 24, 24))
    return folder


def options(way, model):
    if way.startswith("given"):
        chosen = ["--model", model, "--uncertainty"]
    else:
        chosen = [*TRAINING, f"--train={way.split()[0]}"]
    return [*chosen, "--device=cpu", *(["--jobs=2"] if "two" in way else [])]


def command(folder, out, *more):
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "batch", str(folder), "-o", str(out), *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def killed_after(process, journal, lines, delay_s):
    """Wait until the journal has some lines and a moment longer, then kill.

    Returns the lines at that moment and the worker processes, or None if the batch was quicker.
    """
    while process.poll() is None:
        if journal.exists() and journal.read_bytes().count(b"\n") >= lines:
            time.sleep(delay_s)
            children = descendants(process.pid)
            process.send_signal(signal.SIGKILL)
            process.communicate()
            return children if process.returncode == -signal.SIGKILL else None
        time.sleep(0.002)
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    return None


def descendants(pid):
    """Process ids of the children, where the system tells."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    try:
        return [int(child) for child in path.read_text().split()]
    except OSError:
        return []


def entries(journal):
    return [json.loads(line) for line in journal.read_text().splitlines()]


def results(out):
    """What lies in the output folder under a final name."""
    shown = (path for path in out.iterdir() if not path.name.startswith("."))
    suffixes = (".tif", ".zarr", ".png", ".npy")
    return sorted(path for path in shown if path.name.endswith(suffixes))


def check_whole(out):
    """Everything that has its final name opens and can be read to the end."""
    for path in results(out):
        pixels = open_volume(path).read()
        assert np.isfinite(pixels).all(), path
    for path in out.glob("[!.]*.job.json"):
        Job.load(path)
    model = out / SHARED
    if model.exists():
        load(model)


def check_finished(folder, out, way):
    """All is there, nothing was done twice, and nothing is left over."""
    check_nothing_twice(folder, out)
    check_nothing_left_over(out)
    assert (out / SHARED).exists() == (way in ("first", "together"))
    assert len(results(out)) == (16 if way.startswith("given") else 8)


def check_nothing_twice(folder, out):
    """Each image, and the model for all if there is one, is done once and not begun again."""
    said = [entry for entry in entries(out / "blindspot_batch.jsonl") if "file" in entry]
    names = [(Path(entry["file"]).name, entry["kind"]) for entry in said]
    done = Counter(name for name, kind in names if kind == "done")
    wanted = [path.name for path in folder.iterdir()] + [SHARED] * (out / SHARED).exists()
    assert done == dict.fromkeys(wanted, 1)
    for place, (name, kind) in enumerate(names):
        assert kind != "failed"
        assert kind != "done" or name not in [later for later, _ in names[place + 1 :]]


def check_nothing_left_over(out):
    assert not [path for path in out.rglob("*") if ".part-" in path.name or ".old-" in path.name]
    assert not list(out.glob(".*"))


def check_same(out, reference):
    """Pixels are those of a batch that nobody killed."""
    assert [p.name for p in results(out)] == [p.name for p in results(reference)]
    for one, other in zip(results(out), results(reference), strict=True):
        np.testing.assert_array_equal(open_volume(one).read(), open_volume(other).read())


def unkilled(folder, out, way, model):
    """The same batch in this process, from beginning to end."""
    params = dict(text.removeprefix("--param=").split("=") for text in TRAINING[2:])
    job = Job(method="n2v", params=params, budget="1steps", device="cpu")
    batch = Batch((str(folder),), str(out), job)
    if way.startswith("given"):
        batch = dataclasses.replace(batch, job=Job(model=model, device="cpu"), uncertainty=True)
    else:
        batch = dataclasses.replace(batch, train=way.split()[0])
    assert [*run_batch(batch)][-1].done == 8
    return out


def wait_for_end(pids):
    """Workers end with their parent, and soon."""
    deadline = time.monotonic() + 20
    alive = pids
    while alive and time.monotonic() < deadline:
        alive = [pid for pid in alive if runs(pid)]
        time.sleep(0.05)
    assert not alive


def runs(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.parametrize("kill", range(KILLS))
def test_killed_and_resumed(eight, tmp_path, model, kill):
    way = WAYS[kill % len(WAYS)]
    chance = random.Random(kill)
    for attempt in range(5):
        out = tmp_path / f"out{attempt}"
        journal = out / "blindspot_batch.jsonl"
        first = command(eight, out, *options(way, model))
        lines = chance.randrange(1, LINES - 1)
        children = killed_after(first, journal, lines, chance.uniform(0, 0.15))
        if children is not None:
            break
    assert children is not None, "the batch was quicker than five kills"
    torn = not journal.read_bytes().endswith(b"\n")
    wait_for_end(children)
    check_whole(out)
    before = {path.name: path.stat().st_mtime_ns for path in results(out)}
    parts = [path.name for path in out.glob(".*") if ".part-" in path.name]
    done = {
        Path(e["file"]).name for e in map(json.loads, whole_lines(journal)) if e["kind"] == "done"
    }
    again = command(eight, out, *options(way, model), "--resume", "--json")
    report, errors = again.communicate()
    assert again.returncode == 0, errors
    said = json.loads(report)
    assert {Path(f["file"]).name for f in said["files"] if f["status"] == "skipped"} == (
        done - {SHARED}
    )
    check_whole(out)
    check_finished(eight, out, way)
    check_same(out, unkilled(eight, tmp_path / "reference", way, model))
    print(f"kill {kill}: {way}, {len(done)} done, {len(before)} results, {parts=}, {torn=}")


def test_killed_at_each_call_to_the_file_system(tmp_path, make_image):
    """Before each rename, removal, new folder and sync, and in the middle of each journal line."""
    images, outputs = tmp_path / "in", tmp_path / "outputs"
    images.mkdir()
    outputs.mkdir()
    make_image(images / "a.tif", 1)
    make_image(images / "b.ome.zarr", 2)
    stride = 1 if KILLS >= 20 else 40
    program = Path(__file__).with_name("crash_points.py")
    done = subprocess.run(
        [sys.executable, program, images, outputs, str(stride), *options("first", None)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    resumed = sorted(outputs.glob("resumed_*"))
    assert len(resumed) >= max(30 // stride, 1)
    for out in resumed:
        killed = out.with_name(out.name.replace("resumed", "killed"))
        if killed.exists():
            check_whole(killed)
        check_whole(out)
        check_nothing_twice(images, out)
        check_nothing_left_over(out)
        assert len(results(out)) == 2
    print(f"{len(resumed)} calls, {len(list(outputs.glob('killed_*')))} folders left by kills")


def whole_lines(journal):
    return journal.read_bytes().split(b"\n")[:-1]
