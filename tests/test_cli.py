"""The command line: what it prints, writes and returns."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys

import numpy as np
import pytest
import tifffile
import torch
from typer.testing import CliRunner

import napari_blindspot
from napari_blindspot import methods
from napari_blindspot.cli import app
from napari_blindspot.cli.execution import Interrupt
from napari_blindspot.cli.progress import Lines, Silence
from napari_blindspot.events import Step
from napari_blindspot.halting import Stop
from napari_blindspot.io import open_volume
from napari_blindspot.job import Job
from napari_blindspot.locks import writing

PARAMS = [
    f"--param={text}"
    for text in ("width=4", "depth=1", "patch=32", "batch=64", "mask_fraction=0.1")
]
TINY = ["--method=n2v", "--budget=3steps", "--device=cpu", *PARAMS]


def invoke(*arguments):
    """Result of the command line in this process."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def command(*arguments, **options):
    """The command line in a process of its own."""
    program = [sys.executable, "-c", "from napari_blindspot.cli import main; main()"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONFAULTHANDLER": "1"}
    return subprocess.Popen(
        [*program, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        **options,
    )


@pytest.fixture(autouse=True)
def one_thread(few_pixels):
    """Images this small only wait for one another's threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def noisy(tmp_path):
    """File of a small noisy stack with pixel sizes."""
    pixels = np.random.default_rng(0).poisson(40.0, (2, 32, 32)).astype(np.uint16)
    path = tmp_path / "noisy.ome.tif"
    metadata = {"axes": "TYX", "PhysicalSizeX": 0.1, "PhysicalSizeY": 0.1}
    tifffile.imwrite(path, pixels, ome=True, metadata=metadata)
    return path


@pytest.fixture
def output(tmp_path):
    return tmp_path / "denoised.ome.tif"


def one_sentence(result):
    """The single line on stderr of a run that was refused."""
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: ")
    return line


def test_denoise_writes_the_image_and_its_job(noisy, output):
    result = invoke("denoise", noisy, "-o", output, *TINY)
    assert result.exit_code == 0, result.output
    written, source = open_volume(output), open_volume(noisy)
    assert (written.axes, written.shape, written.dtype) == ("TYX", (2, 32, 32), np.uint16)
    assert written.scale == source.scale
    job = Job.load(f"{output}.job.json")
    assert (job.inputs, job.output) == ((str(noisy),), str(output))
    assert (job.method, job.params["width"], job.budget) == ("n2v", 4, "3steps")
    for words in ("2 × 32 × 32, axes TYX", "Noise2Void, 2D, on CPU", "3 steps in", "variance ="):
        assert words in result.stdout
    assert "Training 100 %" in result.stderr


def test_json_is_all_there_is_on_stdout(noisy, output, tmp_path):
    model = tmp_path / "model.safetensors"
    result = invoke(
        "denoise", noisy, "-o", output, *TINY, "--save-model", model, "--json", "--seed=7"
    )
    report = json.loads(result.stdout)
    assert report["status"] == "done"
    assert (report["output"], report["model"]) == (str(output), str(model))
    assert report["job"] == f"{output}.job.json"
    assert (report["axes"], report["shape"], report["dims"]) == ("TYX", [2, 32, 32], "2D")
    assert (report["method"], report["steps"], report["seed"]) == ("n2v", [3], 7)
    assert report["noise"][0].keys() == {
        "channel",
        "gain",
        "gain_interval",
        "offset",
        "offset_interval",
    }
    assert model.is_file()


def test_quiet_prints_nothing(noisy, output):
    result = invoke("denoise", noisy, "-o", output, *TINY, "--quiet")
    assert (result.exit_code, result.output) == (0, "")
    assert output.is_file()


def test_float32_and_axes(noisy, output):
    invoke("denoise", noisy, "-o", output, *TINY, "--float32", "--axes=ZYX", "--dims=2D")
    written = open_volume(output)
    assert (written.axes, written.dtype) == ("ZYX", np.float32)


def test_train_then_apply(noisy, output, tmp_path):
    model = tmp_path / "model.safetensors"
    trained = invoke("train", noisy, noisy, "-o", model, *TINY, "--json")
    report = json.loads(trained.stdout)
    assert (report["output"], report["model"]) == (None, str(model))
    assert not output.exists()
    applied = invoke("apply", model, noisy, "-o", output, "--device=cpu")
    assert applied.exit_code == 0, applied.output
    assert "Noise2Void" in applied.stdout
    assert "none, model" in applied.stdout
    assert open_volume(output).shape == (2, 32, 32)


def test_train_and_apply_equal_denoise(noisy, output, tmp_path):
    invoke("denoise", noisy, "-o", output, *TINY, "--float32")
    invoke("train", noisy, "-o", tmp_path / "m.safetensors", *TINY)
    again = tmp_path / "again.tif"
    invoke("apply", tmp_path / "m.safetensors", noisy, "-o", again, "--float32", "--device=cpu")
    assert np.array_equal(open_volume(again).read(), open_volume(output).read())


def test_run_repeats_a_job_to_the_last_bit(noisy, output, tmp_path):
    """Two fresh processes in two folders; only the Job goes from one to the other."""
    first = command("denoise", noisy.name, "-o", output.name, *TINY, "--float32", cwd=tmp_path)
    assert first.wait() == 0, first.communicate()
    pixels = open_volume(output).read().copy()
    output.unlink()
    second = command("run", f"{output}.job.json", cwd=tmp_path.parent)
    assert second.wait() == 0, second.communicate()
    for process in (first, second):
        process.communicate()
    assert np.array_equal(open_volume(output).read(), pixels)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"noisy": "missing.tif"}, "missing.tif does not exist."),
        ({"output": "denoised.gif"}, "'.gif', which is not supported; use .tif"),
        ({"output": "nowhere/denoised.tif"}, "create it first."),
        ({"output": "noisy.ome.tif"}, "would overwrite an input"),
        ({"save_model": "model.pt"}, "'.pt'; a model is saved as .safetensors."),
        ({"save_model": "nowhere/m.safetensors"}, "create it first."),
        ({"extra": ["--budget=soon"]}, "budget='soon' is not known"),
        ({"extra": ["--method=magic"]}, "Method 'magic' is not known; use one of:"),
        ({"extra": ["--param=widht=8"]}, "Unknown parameter 'widht'; allowed are: "),
        ({"extra": ["--param=neighbourhood=0"]}, "neighbourhood=0 is not allowed; use 3 to"),
        ({"extra": ["--param=depth"]}, "write it as KEY=VALUE."),
        ({"extra": ["--param=width=8"]}, "'width' is given twice"),
        ({"extra": ["--dims=4D"]}, "dims='4D' is not known; use auto, 2D, 3D, 2D+T."),
        ({"extra": ["--device=tpu"]}, "device='tpu' is not known; use auto, cpu"),
        ({"extra": ["--axes=TQX"]}, "unknown letter 'Q'"),
        ({"extra": ["--seed=many"]}, "(see blindspot denoise --help)."),
        ({"extra": ["--sede=1"]}, "No such option: --sede"),
    ],
)
def test_unusable_input_is_one_sentence_and_code_2(noisy, tmp_path, monkeypatch, changes, words):
    monkeypatch.chdir(tmp_path)
    save = ["--save-model", changes["save_model"]] if "save_model" in changes else []
    result = invoke(
        "denoise",
        changes.get("noisy", noisy),
        "-o",
        changes.get("output", "denoised.tif"),
        *TINY,
        *save,
        *changes.get("extra", []),
    )
    assert words in one_sentence(result)
    assert sorted(path.name for path in tmp_path.iterdir()) == [noisy.name]


def test_targets_are_checked_before_the_training(noisy, tmp_path, monkeypatch):
    def train(*_, **__):
        raise AssertionError("the run was begun")

    monkeypatch.setattr("napari_blindspot.run.run", train)
    result = invoke("denoise", noisy, "-o", tmp_path / "nowhere" / "x.tif", *TINY)
    assert "create it first" in one_sentence(result)


@pytest.mark.parametrize(
    ("job", "words"),
    [
        ("{", "The job is not JSON"),
        ('{"inputs": [], "output": "x.tif", "method": "n2v"}', "names no input"),
        ('{"inputs": ["a.tif"], "method": "n2v"}', "The job has no output"),
        ('{"inputs": ["a.tif"], "method": "n2v", "train_only": true}', "has no save_model"),
        ('{"budget": 3}', "budget=3 is not of type str"),
    ],
)
def test_unusable_job(tmp_path, job, words):
    path = tmp_path / "job.json"
    path.write_text(job)
    assert words in one_sentence(invoke("run", path))


def test_missing_command_arguments():
    assert "(see blindspot apply --help)." in one_sentence(invoke("apply"))
    assert "(see blindspot --help)." in one_sentence(invoke("sharpen"))


def test_other_errors_are_one_sentence_and_code_1(noisy, output, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("the cable is loose")

    monkeypatch.setattr("napari_blindspot.run.run", fail)
    result = invoke("denoise", noisy, "-o", output, *TINY)
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line == "Error: RuntimeError: the cable is loose. Set BLINDSPOT_DEBUG=1 to see where."
    monkeypatch.setenv("BLINDSPOT_DEBUG", "1")
    assert "Traceback" in invoke("denoise", noisy, "-o", output, *TINY).stderr


def test_methods_as_json_and_text():
    listed = json.loads(invoke("methods", "--json").stdout)
    assert [entry["name"] for entry in listed] == list(methods.available())
    n2v = next(entry for entry in listed if entry["name"] == "n2v")
    assert n2v.keys() >= {"title", "reference", "assumption", "dims", "default", "parameters"}
    batch = next(p for p in n2v["parameters"] if p["name"] == "batch")
    assert (batch["kind"], batch["minimum"], batch["maximum"]) == ("int", 1, 256)
    text = invoke("methods").stdout
    for entry in listed:
        assert entry["reference"] in text


def test_one_method_is_listed_with_its_parameters():
    (listed,) = json.loads(invoke("methods", "zs_n2n", "--json").stdout)
    text = invoke("methods", "zs_n2n").stdout
    assert listed["reference"] in text
    assert all(parameter["name"] in text for parameter in listed["parameters"])
    assert listed["paper"]["learning_rate"] == 0.001
    assert "--budget paper: patch=512" in text
    assert "--budget paper" not in invoke("methods", "n2v2").stdout
    wrong = invoke("methods", "n2n")
    assert wrong.exit_code == 2
    assert "zs_n2n" in wrong.stderr


def test_version_and_help():
    assert invoke("--version").stdout == f"napari-blindspot {napari_blindspot.__version__}\n"
    for arguments in ([], ["--help"], ["-h"]):
        result = invoke(*arguments)
        assert result.exit_code == 0
        assert all(name in result.stdout for name in ("denoise", "train", "apply", "run", "demo"))


def test_help_is_quick_and_free_of_torch():
    program = (
        "import sys, time; began = time.perf_counter(); sys.argv = ['blindspot', '--help']\n"
        "from napari_blindspot.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: code = end.code\n"
        "heavy = {'torch', 'scipy', 'skimage', 'tifffile', 'numpy'} & set(sys.modules)\n"
        "print(code, sorted(heavy), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stderr.strip() == "0 []"


def started_training(noisy, output, params=PARAMS):
    """Process that has begun a long training."""
    options = ["--method=n2v", "--budget=600s", "--device=cpu", "--json", *params]
    process = command("denoise", noisy, "-o", output, *options)
    wait_for("Training", process)
    return process


def wait_for(words, process):
    for line in process.stderr:
        if line.startswith(words):
            return
    raise AssertionError(f"the process ended without {words!r}")


def test_ctrl_c_keeps_the_model(noisy, output):
    process = started_training(noisy, output)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=120)
    model = f"{output}.model.safetensors"
    assert process.returncode == 130, stderr
    assert "Traceback" not in stderr
    said, farewell = stderr.splitlines()
    assert said == "Stopping; press Ctrl-C again to abort at once."
    assert farewell == f"Interrupted: the model so far is kept in {model}."
    report = json.loads(stdout)
    assert (report["status"], report["output"], report["model"]) == ("stopped", None, model)
    assert napari_blindspot.load(model).method.name == "n2v"
    assert {path.name for path in output.parent.iterdir()} == {noisy.name, os.path.basename(model)}


def test_second_ctrl_c_aborts_at_once(noisy, output):
    # With patches this small, the noise is measured for seconds: time for the second signal.
    params = [f"--param={text}" for text in ("width=4", "depth=1", "patch=16", "batch=1")]
    process = started_training(noisy, output, params)
    process.send_signal(signal.SIGINT)
    wait_for("Stopping", process)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=120)
    assert (process.returncode, stdout) == (130, "")
    assert stderr == "Interrupted at once; nothing more was written.\n"
    assert [path.name for path in output.parent.iterdir()] == [noisy.name]


def test_ctrl_c_in_the_first_of_two_trainings_says_what_is_untrained(noisy, output, monkeypatch):
    show = Lines.show

    def press(view, event):
        show(view, event)
        if isinstance(event, Step):
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Lines, "show", press)
    model = output.parent / "kept.safetensors"
    result = invoke("denoise", noisy, "-o", output, *TINY, "--axes=CYX", "--save-model", model)
    assert result.exit_code == 130
    assert result.stderr.splitlines()[-1].endswith("but network 2 was not trained.")
    assert "channel 0" in result.stdout
    assert "channel 1" not in result.stdout
    assert model.is_file()
    assert not output.exists()


def test_interrupt_before_there_is_anything_to_keep():
    with Interrupt(Silence()) as interrupt:
        assert interrupt() is Stop.NO
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_interrupt_is_told_once_and_puts_the_handler_back():
    before = signal.getsignal(signal.SIGINT)
    said = []
    view = Lines()
    view.say = said.append
    with Interrupt(view) as interrupt:
        interrupt.armed = True
        signal.raise_signal(signal.SIGINT)
        assert (interrupt(), interrupt()) == (Stop.HALT, Stop.HALT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert said == ["Stopping; press Ctrl-C again to abort at once."]
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize(
    ("words", "target"),
    [
        (["denoise", *TINY, "-o", "out.tif"], "out.tif"),
        (["denoise", *TINY, "-o", "out.tif", "--save-model=m.safetensors"], "m.safetensors"),
        (["train", *TINY, "-o", "m.safetensors"], "m.safetensors"),
    ],
)
def test_a_second_run_on_the_same_target_is_one_sentence(
    noisy, tmp_path, monkeypatch, words, target
):
    monkeypatch.chdir(tmp_path)
    with writing([tmp_path / target]):
        before = sorted(tmp_path.iterdir())
        done = invoke(*words, noisy)
        assert sorted(tmp_path.iterdir()) == before
    assert (done.exit_code, done.stdout) == (2, "")
    assert re.fullmatch(
        rf"Error: \S+/{target} is being written by process {os.getpid()} on \S+; wait for its end "
        r"or choose another file\.\n",
        done.stderr,
    )
    assert invoke(*words, noisy).exit_code == 0
    assert not list(tmp_path.glob(".*"))
