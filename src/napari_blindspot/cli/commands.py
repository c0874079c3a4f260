"""The commands of `blindspot`. What they need beyond their options is imported when they run."""

from __future__ import annotations

import json
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import typer

from napari_blindspot import methods
from napari_blindspot.cli import options
from napari_blindspot.cli.exits import Commands
from napari_blindspot.params import InputError

app = typer.Typer(
    cls=Commands,
    name="blindspot",
    help="Denoise microscopy images with networks that learn from the noisy images themselves.",
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def main() -> None:
    """Entry point of the command `blindspot`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A letter that the terminal does not have must not cost the result.
            stream.reconfigure(errors="replace")
    app(prog_name="blindspot")


@app.callback(invoke_without_command=True)
def blindspot(context: typer.Context, version: options.Version = False) -> None:
    """Print the version, or the help if no command is given."""
    if version:
        import napari_blindspot

        typer.echo(f"napari-blindspot {napari_blindspot.__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def denoise(
    noisy: options.Noisy,
    output: options.Output,
    uncertainty: options.Uncertainty = None,
    save_model: options.SaveModel = None,
    float32: options.Float32 = False,
    method: options.MethodName = methods.DEFAULT,
    budget: options.BudgetText = "balanced",
    param: options.Param = None,
    joint: options.Joint = False,
    dims: options.Dims = "auto",
    seed: options.Seed = 0,
    device: options.Device = "auto",
    threads: options.Threads = None,
    pace: options.Pace = None,
    axes: options.Axes = None,
    train_on: options.LearnFrom = None,
    held_out: options.HeldOut = False,
    early_stop: options.EarlyStop = False,
    apply_on: options.ApplyOn = None,
    resume: options.Resume = False,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
) -> None:
    """Train on an image and denoise it.

    Ctrl-C ends the training and keeps the model so far. A training of more than half a minute
    that was interrupted goes on with --resume.
    """
    _do(
        quiet,
        as_json,
        resume,
        inputs=[noisy],
        output=output,
        uncertainty=uncertainty,
        save_model=save_model,
        float32=float32,
        method=method,
        budget=budget,
        params=_params(param),
        joint=joint,
        dims=dims,
        seed=seed,
        device=device,
        threads=threads,
        pace=pace or (),
        axes=axes,
        train_on=train_on,
        held_out=held_out,
        early_stop=early_stop,
        apply_on=apply_on,
    )


@app.command()
def train(
    noisy: options.TrainingImages,
    output: options.ModelOutput,
    method: options.MethodName = methods.DEFAULT,
    budget: options.BudgetText = "balanced",
    param: options.Param = None,
    joint: options.Joint = False,
    dims: options.Dims = "auto",
    seed: options.Seed = 0,
    device: options.Device = "auto",
    threads: options.Threads = None,
    pace: options.Pace = None,
    axes: options.Axes = None,
    train_on: options.LearnFrom = None,
    held_out: options.HeldOut = False,
    early_stop: options.EarlyStop = False,
    resume: options.Resume = False,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
) -> None:
    """Train a model on one or several images, to be used with `apply`.

    Ctrl-C ends the training and keeps the model so far.
    """
    _do(
        quiet,
        as_json,
        resume,
        inputs=noisy,
        save_model=output,
        train_only=True,
        method=method,
        budget=budget,
        params=_params(param),
        joint=joint,
        dims=dims,
        seed=seed,
        device=device,
        threads=threads,
        pace=pace or (),
        axes=axes,
        train_on=train_on,
        held_out=held_out,
        early_stop=early_stop,
    )


@app.command()
def apply(
    model: options.ModelFile,
    noisy: options.Noisy,
    output: options.Output,
    uncertainty: options.Uncertainty = None,
    float32: options.Float32 = False,
    seed: options.Seed = 0,
    device: options.Device = "auto",
    threads: options.Threads = None,
    axes: options.Axes = None,
    apply_on: options.ApplyOn = None,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
) -> None:
    """Denoise an image with a saved model."""
    _do(
        quiet,
        as_json,
        model=model,
        inputs=[noisy],
        output=output,
        uncertainty=uncertainty,
        float32=float32,
        seed=seed,
        device=device,
        threads=threads,
        axes=axes,
        apply_on=apply_on,
    )


@app.command()
def run(
    job: options.JobFile,
    resume: options.Resume = False,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
) -> None:
    """Repeat a run from the Job beside its result.

    The same machine gives the same result to the last bit.
    """
    from napari_blindspot.cli.execution import execute
    from napari_blindspot.job import Job

    execute(Job.load(job), resume=resume, quiet=quiet, as_json=as_json)


@app.command()
def batch(
    noisy: options.Images,
    output: options.ResultFolder,
    uncertainty: options.WithUncertainty = False,
    save_model: options.SaveModels = False,
    float32: options.Float32 = False,
    format: options.ResultFormat = "auto",  # noqa: A002 - the word for the option
    train: options.TrainOn = "each",
    model: options.GivenModel = None,
    method: options.MethodName = methods.DEFAULT,
    budget: options.BudgetText = "balanced",
    param: options.Param = None,
    joint: options.Joint = False,
    dims: options.Dims = "auto",
    early_stop: options.EarlyStop = False,
    seed: options.Seed = 0,
    device: options.Device = "auto",
    threads: options.Threads = None,
    pattern: options.Pattern = "*",
    recursive: options.Recursive = False,
    part: options.PartText = None,
    jobs: options.Jobs = 1,
    resume: options.ResumeBatch = False,
    dry_run: options.DryRun = False,
    axes: options.Axes = None,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
) -> None:
    """Denoise many images, with a journal from which the work can be resumed.

    An image that cannot be used is reported, and the others go on. Ctrl-C ends the batch.
    """
    from napari_blindspot.batch import Batch, Part
    from napari_blindspot.cli.batch import execute
    from napari_blindspot.job import Job

    job = Job(
        model=str(Path(model).absolute()) if model else None,
        float32=float32,
        method=method,
        budget=budget,
        params=_params(param),
        joint=joint,
        dims=dims,
        early_stop=early_stop,
        seed=seed,
        device=device,
        threads=threads,
        axes=axes,
    )
    wanted = Batch(
        inputs=tuple(noisy),
        output=output,
        job=job,
        train=train,
        pattern=pattern,
        recursive=recursive,
        format=format,
        part=Part.parse(part) if part else None,
        uncertainty=uncertainty,
        save_models=save_model,
        resume=resume,
        jobs=jobs,
    )
    execute(wanted, dry_run=dry_run, quiet=quiet, as_json=as_json)


@app.command()
def noise(
    noisy: options.Noisy,
    model: options.BlindModel = None,
    plot: options.Plot = None,
    black_level: options.BlackLevel = None,
    axes: options.Axes = None,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
) -> None:
    """Measure the noise of an image: gain, read noise, defects, correlation."""
    from napari_blindspot.cli.noise import report_noise

    report_noise(
        noisy,
        axes=axes,
        black_level=black_level,
        model=model,
        plot=plot,
        quiet=quiet,
        as_json=as_json,
    )


@app.command("methods")
def list_methods(name: options.OneMethod = None, as_json: options.AsJson = False) -> None:
    """List the methods, or the parameters of one."""
    from napari_blindspot.cli import catalogue

    if as_json:
        typer.echo(json.dumps(catalogue.as_json(name), indent=2))
    elif name:
        catalogue.show(name)
    else:
        catalogue.show_all()


@app.command()
def demo(
    output: options.Folder = "blindspot_demo",
    budget: options.BudgetText = "15s",
    quiet: options.Quiet = False,
) -> None:
    """Denoise the sample images and compare them with the truth."""
    from napari_blindspot.cli.demo import demonstrate

    demonstrate(Path(output), budget=budget, quiet=quiet)


def _do(quiet: bool, as_json: bool, resume: bool = False, **fields: Any) -> None:
    from napari_blindspot.cli.execution import execute
    from napari_blindspot.job import Job

    execute(Job(**_absolute(fields)), resume=resume, quiet=quiet, as_json=as_json)


def _absolute(fields: dict[str, Any]) -> dict[str, Any]:
    """The same fields with absolute paths, so that a Job can be repeated from any folder."""
    fixed = dict(fields, inputs=tuple(str(Path(path).absolute()) for path in fields["inputs"]))
    for name in ("output", "uncertainty", "save_model", "model"):
        if fixed.get(name):
            fixed[name] = str(Path(fixed[name]).absolute())
    return fixed


def _params(given: list[str] | None) -> dict[str, str]:
    """Parameters written as `KEY=VALUE`."""
    params: dict[str, str] = {}
    for text in given or []:
        name, equals, value = text.partition("=")
        if not equals:
            raise InputError(f"--param {text!r} has no '='; write it as KEY=VALUE.")
        if name.strip() in params:
            raise InputError(f"--param {name.strip()!r} is given twice; give it once.")
        params[name.strip()] = value
    return params
