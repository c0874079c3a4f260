"""Jobs as commands and scripts: every field of a Job is told, of no effect, or refused."""

from __future__ import annotations

import dataclasses
import os
import shlex

import hypothesis
import pytest
from hypothesis import strategies as st

from napari_blindspot import methods
from napari_blindspot._gui.scripts import as_command, as_python, changed, verb_of
from napari_blindspot.job import Job
from napari_blindspot.params import InputError

FIELDS = {field.name for field in dataclasses.fields(Job)}
OTHER = {
    "inputs": ("/b c/in it's.tif",),
    "output": "/b c/$out.ome.tif",
    "uncertainty": "/b/std.ome.tif",
    "save_model": "/b/m.safetensors",
    "model": "/b/given.safetensors",
    "method": "n2v",
    "params": {"width": 24},
    "budget": "5 steps",
    "pace": ("@37", "@20"),
    "threads": 1,
    "axes": "CYX",
    "train_on": "T=0:5,Y=1:9",
    "apply_on": "Z=3",
    "held_out": True,
    "early_stop": True,
    "joint": True,
    "dims": "2D",
    "device": "cpu",
    "seed": -3,
    "float32": True,
    "with_std": True,
    "train_only": True,
}
PLAIN = {
    "denoise": Job(inputs=("/a.tif",), output="/o.tif"),
    "train": Job(inputs=("/a.tif",), save_model="/m.safetensors", train_only=True),
    "apply": Job(inputs=("/a.tif",), output="/o.tif", model="/m.safetensors"),
}
# What changes nothing in such a job.
IDLE = {
    "denoise": set(),
    "train": {"output", "uncertainty", "apply_on", "float32", "with_std"},
    "apply": {"method", "params", "budget", "pace", "train_on", "joint", "dims"}
    | {"held_out", "early_stop"},
}
REFUSED = {"denoise": {"with_std"}, "train": {"model"}, "apply": {"save_model", "with_std"}}


@pytest.fixture
def run_command(monkeypatch):
    """Carry out the words of a command, and return the Job that it made of them."""
    from napari_blindspot.cli import app, execution

    made = []
    monkeypatch.setattr(execution, "execute", lambda job, **_: made.append(job))

    def run(line):
        words = shlex.split(line)
        assert words[0] == "blindspot"
        with pytest.raises(SystemExit) as ended:
            app(words[1:])
        assert ended.value.code == 0
        return made.pop()

    return run


@pytest.mark.parametrize("verb", list(PLAIN))
def test_every_field_is_told_or_idle_or_refused(verb, run_command):
    assert set(OTHER) == FIELDS
    assert run_command(as_command([PLAIN[verb]], windows=False)) == PLAIN[verb]
    for name in FIELDS - {"train_only"} - ({"model"} if verb == "denoise" else set()):
        job = dataclasses.replace(PLAIN[verb], **{name: OTHER[name]})
        if name in REFUSED[verb]:
            with pytest.raises(InputError):
                as_command([job])
            continue
        seen = run_command(as_command([job], windows=False))
        assert seen == (PLAIN[verb] if name in IDLE[verb] else job), name


@pytest.mark.parametrize("name", list(methods.available()))
@hypothesis.given(data=st.data())
@hypothesis.settings(
    max_examples=10, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)
def test_parameters_of_every_method_come_through(name, run_command, data):
    declared = methods.get(name).declared()
    assert not {each.name for each in declared} & FIELDS, "one word would mean two things"
    params = {each.name: data.draw(values_of(each)) for each in declared if each.name != "pattern"}
    job = dataclasses.replace(PLAIN["denoise"], method=name, params=params)
    assert run_command(as_command([job], windows=False)) == job


def values_of(declared):
    numbers = {int: st.integers, float: st.floats}
    if declared.choices:
        values = st.sampled_from(declared.choices)
    elif declared.kind in numbers:
        low, high = (declared.kind(end) for end in (declared.minimum, declared.maximum))
        values = numbers[declared.kind](low, high)
    else:
        values = st.booleans() if declared.kind is bool else st.just(declared.default)
    return st.none() | values if declared.optional else values


def test_two_jobs_are_two_lines():
    lines = as_command([PLAIN["train"], PLAIN["apply"]]).splitlines()
    assert [line.split()[1] for line in lines] == ["train", "apply"]


@pytest.mark.parametrize(
    ("job", "sentence"),
    [
        (Job(output="o.tif"), "names no input"),
        (Job(inputs=("a.tif",)), "has no output"),
        (Job(inputs=("a.tif",), train_only=True), "has no save_model"),
        (Job(inputs=("a.tif", "b.tif"), output="o.tif"), "Training on several images"),
    ],
)
def test_a_job_that_is_no_command_is_refused(job, sentence):
    for write in (as_command, as_python, lambda jobs: verb_of(*jobs)):
        with pytest.raises(InputError, match=sentence):
            write([job])


def test_each_shell_has_quotes_of_its_own():
    job = dataclasses.replace(PLAIN["denoise"], inputs=(r"C:\my data\a.tif",))
    assert as_command([job], windows=True) == r'blindspot denoise "C:\my data\a.tif" -o /o.tif'
    assert as_command([job], windows=False) == r"blindspot denoise 'C:\my data\a.tif' -o /o.tif"


def test_a_file_whose_name_looks_like_a_flag():
    job = dataclasses.replace(PLAIN["denoise"], inputs=("--json",))
    assert f".{os.sep}--json" in as_command([job])


def test_scripts_use_the_public_functions_where_these_can_do_it():
    job = dataclasses.replace(
        PLAIN["denoise"], float32=True, params={"width": 8}, seed=3, axes="YX", with_std=True,
        uncertainty="/s.tif",
    )  # fmt: skip
    assert as_python([job]) == (
        "import napari_blindspot\n"
        "from napari_blindspot.io import open_volume, save_volume\n"
        "\n"
        "noisy = open_volume('/a.tif', axes='YX')\n"
        "result = napari_blindspot.denoise(\n"
        "    noisy.read(),\n"
        "    axes=noisy.axes,\n"
        "    width=8,\n"
        "    seed=3,\n"
        "    with_std=True,\n"
        ")\n"
        "save_volume('/o.tif', noisy.like(result.image))\n"
        "save_volume('/s.tif', noisy.like(result.std))\n"
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"apply_on": "Z=3"},
        {"float32": False},
        {"output": "/o.ome.zarr"},
        {"inputs": ("/a.zarr",)},
    ],
)
def test_scripts_carry_out_the_job_where_they_cannot(fields):
    job = dataclasses.replace(PLAIN["denoise"], **{"float32": True, **fields})
    script = as_python([job])
    assert "napari_blindspot.denoise" not in script
    assert made_by(script) == job
    assert "inputs" not in changed(job)


def made_by(script):
    """The Job that a script makes, which is not run."""
    names = {}
    exec(script.replace("run(job)", "[job]"), names)
    return names["job"]
