"""What `blindspot batch` prints, writes and returns."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import tifffile
import torch
from rich.console import Console
from typer.testing import CliRunner

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
from napari_blindspot.cli import app, batch_screen
from napari_blindspot.cli.batch import Report
from napari_blindspot.cli.batch_screen import BatchBars, BatchErrors, BatchLines, on_screen
from napari_blindspot.cli.progress import bars
from napari_blindspot.events import Halved, NotKept, Started, Step, Tile, Untrained

PARAMS = [f"--param={text}" for text in ("width=4", "depth=1", "patch=16", "batch=4")]
TINY = ["--method=n2v", "--budget=1steps", "--device=cpu", *PARAMS]
STARTED = Started((8, 8), "YX", "axes YX as given", "Noise2Void", "CPU", 1)
EVENTS = [
    BatchStarted(4, 3, "out", "out/blindspot_batch.jsonl"),
    FileSkipped("0.tif", "out/0.ome.tif"),
    ModelStarted("out/m.safetensors", ("a.tif", "b.tif")),
    FileProgress("out/m.safetensors", Step(0, 1, 1.0, 0.5, 0.1)),
    ModelReady("out/m.safetensors", 12.0),
    FileStarted("a.tif", "out/a.ome.tif", 1, 3, "new"),
    FileStarted("b.tif", "out/b.ome.tif", 2, 3, "failed before"),
    FileProgress("a.tif", STARTED),
    FileProgress("a.tif", Step(0, 1, 0.5, 0.5, 0.1)),
    FileProgress("b.tif", Tile(1, 2)),
    FileDone("a.tif", "out/a.ome.tif", 3.0, "the scale is lost"),
    FileFailed("b.tif", "b.tif is empty: 0 bytes.", 0.1),
    FileStarted("c.tif", "out/c.ome.tif", 3, 3, "new"),
    FileStopped("c.tif"),
    BatchFinished(1, 1, 1, 1, True, 20.0),
]


def invoke(*arguments):
    return CliRunner().invoke(app, ["batch", *map(str, arguments)])


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Two images in the folder `in` of the current folder."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "in"
    path.mkdir()
    for name in "ab":
        pixels = np.random.default_rng(ord(name)).poisson(40.0, (24, 24)).astype(np.uint16)
        tifffile.imwrite(path / f"{name}.tif", pixels)
    return path


def one_sentence(result):
    """The single line on stderr of a batch that was refused."""
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: ")
    return line


def test_all_done(folder):
    result = invoke("in", "-o", "out", *TINY)
    assert result.exit_code == 0, result.output
    said = result.stderr.splitlines()
    assert said[0] == "2 images to do, into out"
    assert said[1] == f"1 of 2: {os.path.join('in', 'a.tif')}"
    assert said[2].startswith(f"{os.path.join('in', 'a.tif')}: done in ")
    first, *rest = result.stdout.splitlines()
    assert first.startswith("images    2 done, in ")
    assert rest == ["results   out", f"journal   {os.path.join('out', 'blindspot_batch.jsonl')}"]


def test_one_failed(folder):
    (folder / "b.tif").write_bytes(b"")
    result = invoke("in", "-o", "out", *TINY, "--json")
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert (report["status"], report["done"], report["failed"]) == ("failed", 1, 1)
    a, b = report["files"]
    assert (a["status"], os.path.basename(a["output"]), a["message"]) == ("done", "a.ome.tif", "")
    assert (b["status"], b["output"]) == ("failed", None)
    assert b["message"].endswith("b.tif is empty: 0 bytes.")
    again = invoke("in", "-o", "out", *TINY, "--resume")
    assert again.exit_code == 1
    head, row, empty, counts, *_ = again.stdout.splitlines()
    assert head.split() == ["file", "status", "seconds", "message"]
    assert row.split()[:3] == [os.path.join("in", "b.tif"), "failed", "0.0"]
    assert (empty, counts.split(",")[0]) == ("", "images    0 done")
    quiet = invoke("in", "-o", "out", *TINY, "--resume", "--quiet")
    assert (quiet.exit_code, quiet.stdout) == (1, "")
    (line,) = quiet.stderr.splitlines()
    assert line.startswith("Error: ")
    assert line.endswith("is empty: 0 bytes.")


def test_dry_run_does_nothing(folder):
    result = invoke("in", "-o", "out", *TINY, "--dry-run", "--train=together")
    assert result.exit_code == 0
    train, a, _, end = result.stdout.splitlines()
    assert train.startswith("train ")
    assert train.endswith(" on 2 images")
    assert (
        a == f"denoise  {os.path.join('in', 'a.tif')} → {os.path.join('out', 'a.ome.tif')}  (new)"
    )
    assert end == "2 to do, 0 finished before; nothing done."
    assert not os.path.exists("out")


def test_dry_run_says_what_resume_would_skip(folder):
    invoke("in", "-o", "out", *TINY, "--quiet")
    os.remove("out/b.ome.tif")
    before = sorted(os.listdir("out"))
    listed = json.loads(invoke("in", "-o", "out", *TINY, "--resume", "--dry-run", "--json").stdout)
    assert [(f["action"], f["reason"]) for f in listed["files"]] == [
        ("skip", ""),
        ("denoise", "a result is missing or damaged"),
    ]
    assert sorted(os.listdir("out")) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "nowhere does not exist."),
        (["in/*.czi"], "No image in in/*.czi; known suffixes are .tif"),
        (["in", "--pattern=*.png"], "No image that matches *.png in in"),
        (["in", "--train=both"], "train='both' is not known; use each, first, together."),
        (["in", "--format=gif"], "format='gif' is not known"),
        (["in", "--jobs=0"], "jobs=0 is not allowed; use 1 or more."),
        (["in", "--part=3/2"], "part='3/2' is not known; write it as 3/8"),
        (["in", "--model=m.safetensors"], "m.safetensors cannot be read as a model"),
        (["in", "--budget=soon"], "budget='soon' is not known"),
        (["in", "--param=width"], "write it as KEY=VALUE."),
        (["in", "--device=tpu"], "device='tpu' is not known"),
        (["in", "--axes=QX"], "unknown letter 'Q'"),
        (["in", "--uncertainty"], "Method 'n2v' has no uncertainty"),
        (["in", "--jobs=many"], "(see blindspot batch --help)."),
        ([], "(see blindspot batch --help)."),
    ],
)
@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_unusable_arguments_are_one_sentence_and_code_2(folder, arguments, words, more):
    options = [text for text in TINY if text.split("=")[0] not in str(arguments)]
    if arguments[1:] == ["--param=width"]:
        options = ["--method=n2v"]
    assert words in one_sentence(invoke(*arguments, "-o", "out", *options, *more))
    assert not os.path.exists("out")


def test_a_journal_is_not_overrun(folder):
    invoke("in", "-o", "out", *TINY, "--quiet")
    for more in ([], ["--dry-run"]):
        assert "use --resume to go on" in one_sentence(invoke("in", "-o", "out", *TINY, *more))


def test_ctrl_c_ends_the_batch_in_good_order_and_says_how_to_go_on(folder):
    program = [sys.executable, "-c", "from napari_blindspot.cli import main; main()", "batch"]
    options = [text for text in TINY if "budget" not in text]
    process = subprocess.Popen(
        [*program, "in", "-o", "out", *options, "--budget=600s"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    for line in process.stderr:
        if line.startswith("1 of 2"):
            break
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 130, stderr
    assert stderr.splitlines()[0] == "Stopping; press Ctrl-C again to abort at once."
    assert stderr.splitlines()[-1] == "Stopped; the same command with --resume goes on."
    assert "Traceback" not in stderr
    assert f"{os.path.join('in', 'a.tif')}  stopped" in stdout
    assert "0 done, 2 left" in stdout
    assert sorted(os.listdir("out")) == ["blindspot_batch.jsonl"]


def test_bars_show_the_batch_and_each_image_at_work():
    screen = io.StringIO()
    with bars(Console(file=screen, force_terminal=True, width=120)) as progress:
        view = BatchBars(progress)
        for event in EVENTS[:10]:
            view.show(event)
        described = [task.description for task in progress.tasks]
        assert described == ["Batch", "a.tif: Training", "b.tif: Denoising"]
        assert progress.tasks[0].fields["detail"] == "0 of 3 images"
        for event in EVENTS[10:12]:
            view.show(event)
        assert [task.description for task in progress.tasks] == ["Batch"]
        assert progress.tasks[0].fields["detail"] == "2 of 3 images, 1 failed"
        assert progress.tasks[0].fields["left"].endswith(" left")
        for event in EVENTS[12:]:
            view.show(event)
    assert "b.tif: failed: b.tif is empty: 0 bytes." in screen.getvalue()
    assert screen.getvalue().endswith("\x1b[2K")


def test_lines_for_logs(capsys):
    view = BatchLines()
    for event in EVENTS:
        view.show(event)
    assert capsys.readouterr().err.splitlines() == [
        "3 images to do, 1 finished before, into out",
        "Training on 2 images",
        "Model trained in 12 s: out/m.safetensors",
        "1 of 3: a.tif",
        "2 of 3: b.tif (failed before)",
        "a.tif: done in 3.0 s; the scale is lost",
        "b.tif: failed: b.tif is empty: 0 bytes.",
        "3 of 3: c.tif",
        "c.tif: stopped",
    ]


def test_report_of_a_stopped_batch():
    report = Report(Batch(("in",), "out"))
    with pytest.raises(RuntimeError, match="has not finished"):
        report.as_text()
    for event in EVENTS:
        report.add(event)
    assert report.stopped
    assert report.as_text().splitlines() == [
        "file   status   seconds  message",
        "a.tif  done         3.0  the scale is lost",
        "b.tif  failed       0.1  b.tif is empty: 0 bytes.",
        "c.tif  stopped",
        "",
        "images    1 done, 1 failed, 1 left, 1 finished before, in 20 s",
        "model     out/m.safetensors",
        "results   out",
        "journal   out/blindspot_batch.jsonl",
    ]
    values = report.as_json()
    assert (values["status"], values["left"], values["model"]) == (
        "stopped",
        1,
        "out/m.safetensors",
    )
    assert [f["status"] for f in values["files"]] == ["skipped", "done", "failed", "stopped"]


def test_long_tables_list_what_went_wrong_only():
    report = Report(Batch(("in",), "out"))
    report.add(EVENTS[0])
    for number in range(60):
        report.add(FileDone(f"{number}.tif", "out", 1.0))
    report.add(EVENTS[11])
    report.add(BatchFinished(60, 1, 0, 0, False, 60.0))
    assert [line.split()[0] for line in report.as_text().splitlines()[:2]] == ["file", "b.tif"]


@pytest.mark.parametrize(
    ("terminal", "quiet", "kind"),
    [(True, False, BatchBars), (True, True, BatchErrors), (False, False, BatchLines)],
)
def test_view_fits_the_screen(monkeypatch, terminal, quiet, kind):
    screen = io.StringIO()
    monkeypatch.setattr(
        batch_screen, "Console", lambda **_: Console(file=screen, force_terminal=terminal)
    )
    monkeypatch.delenv("TERM", raising=False)
    with on_screen(quiet=quiet) as view:
        assert type(view) is kind


def test_a_state_that_cannot_be_kept_is_told_for_its_image(capsys):
    BatchLines().show(FileProgress("a.tif", NotKept("The training goes on, but.")))
    assert capsys.readouterr().err == "a.tif: The training goes on, but.\n"


def test_an_image_that_is_not_learned_from_is_told(capsys):
    BatchLines().show(FileProgress("a.tif", Untrained("Channel 1: neighbouring pixels.")))
    assert capsys.readouterr().err == "a.tif: Channel 1: neighbouring pixels.\n"


def test_memory_that_runs_out_is_told_for_its_image(capsys):
    BatchLines().show(FileProgress("a.tif", Halved((64, 64), "Memory ran out.")))
    assert capsys.readouterr().err == "a.tif: Memory ran out.\n"
