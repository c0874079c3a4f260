"""Jobs as shell commands and as Python scripts."""

from __future__ import annotations

import dataclasses
import os
import shlex
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from napari_blindspot.job import Job
from napari_blindspot.params import InputError

_DEFAULTS = Job()
_FIELDS = tuple(field.name for field in dataclasses.fields(Job))
_TRAINING = {"method", "params", "budget", "joint", "dims", "pace", "train_on"}
_TRAINING |= {"held_out", "early_stop"}
_RESULT = {"uncertainty", "float32", "apply_on", "with_std"}
_ANYWHERE = {"seed", "device", "threads", "axes"}
# Beside inputs, model and target. Other fields change nothing in what such a job does.
_MATTERS = {
    "denoise": _TRAINING | _RESULT | _ANYWHERE | {"save_model"},
    "train": _TRAINING | _ANYWHERE,
    "apply": _RESULT | _ANYWHERE,
}
_FLAGS = {"save_model": "--save-model", "train_on": "--train-on", "apply_on": "--apply-on"}
_SWITCHES = {
    name: f"--{name.replace('_', '-')}" for name in ("joint", "held_out", "early_stop", "float32")
}


def as_command(jobs: Iterable[Job], *, windows: bool = os.name == "nt") -> str:
    """Jobs as lines for a shell: bash and its like, or that of Windows.

    Raises
    ------
    InputError
        If a job cannot be written as a command.
    """
    join = subprocess.list2cmdline if windows else shlex.join
    return "\n".join(join(_words(job)) for job in jobs)


def as_python(jobs: Iterable[Job]) -> str:
    """Jobs as a Python script that reads the files, denoises and saves.

    Raises
    ------
    InputError
        If a job has no input or no target, or is two in one.
    """
    parts = [_in_arrays(job) if _fits_arrays(job) else _by_job(job) for job in jobs]
    needed: dict[str, set[str]] = {}
    for names, _ in parts:
        for name in names:
            module, _, function = name.rpartition(".")
            needed.setdefault(module, set()).add(function)
    plain = [f"import {name}" for name in sorted(needed.pop("", ()))]
    named = [
        f"from {module} import {', '.join(sorted(needed[module]))}" for module in sorted(needed)
    ]
    return "\n".join([*plain, *named, *(f"\n{text}" for _, text in parts)]) + "\n"


def verb_of(job: Job) -> str:
    """Command for a job: `denoise`, `train` or `apply`.

    Raises
    ------
    InputError
        If there is none.
    """
    verb = "train" if job.train_only else "apply" if job.model else "denoise"
    if not job.inputs:
        raise InputError("The job names no input; save the image in a file first.")
    if verb != "train" and len(job.inputs) > 1:
        raise InputError("Training on several images is one job, denoising the first another.")
    if job.model and (job.train_only or job.save_model):
        raise InputError("The job names a model and trains or saves one; make it two jobs.")
    if not (job.save_model if verb == "train" else job.output):
        wanted = "save_model" if verb == "train" else "output"
        raise InputError(f"The job has no {wanted}; its result would be lost.")
    if verb != "train" and job.with_std and not job.uncertainty:
        raise InputError("The job finds a standard deviation; give it a file, uncertainty.")
    return verb


def changed(job: Job) -> dict[str, Any]:
    """Fields that matter to a job and differ from their defaults, but inputs, model and target."""
    matters = _MATTERS[verb_of(job)]
    values = {name: getattr(job, name) for name in _FIELDS if name in matters}
    return {name: value for name, value in values.items() if value != getattr(_DEFAULTS, name)}


def _words(job: Job) -> list[str]:
    """The words of the command that does a job."""
    verb = verb_of(job)
    model = [_path(job.model)] if verb == "apply" else []
    target = _path(job.save_model if verb == "train" else job.output)
    words = ["blindspot", verb, *model, *map(_path, job.inputs), "-o", target]
    for name, value in changed(job).items():
        words += _flag(name, value)
    return words


def _flag(name: str, value: Any) -> list[str]:
    if name == "with_std":  # it is found for the file that it goes to
        return []
    if name in _SWITCHES:
        return [_SWITCHES[name]]
    if name == "params":
        given = ((key, "auto" if each is None else each) for key, each in value.items())
        return [word for key, each in given for word in ("--param", f"{key}={each}")]
    if name == "pace":
        return [word for each in value for word in ("--pace", each)]
    return [_FLAGS.get(name, f"--{name}"), str(value)]


def _path(path: str | None) -> str:
    """Path that is not taken for a flag."""
    text = str(path)
    return f".{os.sep}{text}" if text.startswith("-") else text


def _fits_arrays(job: Job) -> bool:
    """Whether the public functions, which know arrays only, can do the same."""
    files = [path for path in (*job.inputs, job.output) if path]
    # What may not fit into memory comes from OME-Zarr or goes there.
    is_small = all(Path(path).suffix != ".zarr" for path in files)
    is_whole = job.apply_on is None and (job.float32 or job.train_only)
    return is_small and is_whole and len(job.inputs) == 1


def _in_arrays(job: Job) -> tuple[set[str], str]:
    """Imports, and the job as a call of `napari_blindspot.denoise`, `train` or `apply`."""
    verb, options = verb_of(job), changed(job)
    axes = f", axes={job.axes!r}" if options.pop("axes", None) else ""
    targets = {name: options.pop(name, None) for name in ("uncertainty", "save_model")}
    options = {**options.pop("params", {}), **options}
    options.pop("float32", None)
    if targets["uncertainty"]:
        options["with_std"] = True
    model = [repr(job.model)] if verb == "apply" else []
    arguments = [*model, "noisy.read()", "axes=noisy.axes", *_pairs(options)]
    result = "model" if verb == "train" else "result"
    lines = [
        f"noisy = open_volume({job.inputs[0]!r}{axes})",
        f"{result} = napari_blindspot.{verb}(\n{_indented(arguments)})",
    ]
    if verb == "train":
        lines.append(f"model.save({job.save_model!r})")
    else:
        lines += _saving(job, targets)
    names = ["open_volume"] if verb == "train" else ["open_volume", "save_volume"]
    needed = {"napari_blindspot", *(f"napari_blindspot.io.{name}" for name in names)}
    return needed, "\n".join(lines)


def _saving(job: Job, targets: dict[str, str | None]) -> list[str]:
    lines = [f"save_volume({job.output!r}, noisy.like(result.image))"]
    if targets["uncertainty"]:
        lines.append(f"save_volume({job.uncertainty!r}, noisy.like(result.std))")
    if targets["save_model"]:
        lines.append(f"result.model.save({job.save_model!r})")
    return lines


def _by_job(job: Job) -> tuple[set[str], str]:
    """Imports, and the job carried out as it is."""
    target = "save_model" if verb_of(job) == "train" else "output"
    fixed = {name: getattr(job, name) for name in ("inputs", "model", "train_only", target)}
    values = {**{name: value for name, value in fixed.items() if value}, **changed(job)}
    text = f"job = Job(\n{_indented(_pairs(values))})\n*_, finished = run(job)"
    return {"napari_blindspot.job.Job", "napari_blindspot.run.run"}, text


def _pairs(values: dict[str, Any]) -> list[str]:
    return [f"{name}={value!r}" for name, value in values.items()]


def _indented(arguments: list[str]) -> str:
    return "".join(f"    {argument},\n" for argument in arguments)
