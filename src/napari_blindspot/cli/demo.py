"""The sample images, denoised and compared with the truth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from napari_blindspot import picture
from napari_blindspot._samples import sample_data_path
from napari_blindspot.cli.execution import carry_out, check
from napari_blindspot.cli.exits import INTERRUPTED, say
from napari_blindspot.cli.outcome import duration
from napari_blindspot.cli.progress import on_screen
from napari_blindspot.io import open_volume
from napari_blindspot.job import Job
from napari_blindspot.params import InputError
from napari_blindspot.quality import psnr

if TYPE_CHECKING:
    from napari_blindspot.events import Finished

SAMPLES = ("planaria", "filaments", "timelapse")


@dataclass(frozen=True)
class Comparison:
    """How far a denoised sample is from the truth.

    Attributes
    ----------
    name : str
        The sample.
    before_db, after_db : float
        PSNR of the noisy and of the denoised image, with the range of the truth as peak.
    elapsed_s : float
        Time from the start to the saved result.
    """

    name: str
    before_db: float
    after_db: float
    elapsed_s: float

    def __str__(self) -> str:
        gain_db = self.after_db - self.before_db
        return (
            f"{self.name:<10} PSNR {self.before_db:.1f} dB → {self.after_db:.1f} dB "
            f"({gain_db:+.1f} dB) in {duration(self.elapsed_s)}"
        )


def demonstrate(folder: Path, *, budget: str, quiet: bool = False) -> None:
    """Denoise every sample into `folder`: image, uncertainty and a picture of both.

    Raises
    ------
    InputError
        If the folder cannot be made or a sample is missing.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder} cannot be made ({error.strerror}); choose another.") from error
    jobs = {name: _job(name, folder.absolute(), budget) for name in SAMPLES}
    for job in jobs.values():
        check(job)
    for name, job in jobs.items():
        comparison = _denoise(name, job, folder, quiet)
        if not quiet:
            typer.echo(comparison)
    if not quiet:
        typer.echo(f"The images, their uncertainties and pictures of both lie in {folder}.")


def _job(name: str, folder: Path, budget: str) -> Job:
    return Job(
        inputs=(str(sample_data_path(f"{name}_noisy.ome.tif")),),
        output=str(folder / f"{name}_denoised.ome.tif"),
        uncertainty=str(folder / f"{name}_uncertainty.ome.tif"),
        budget=budget,
    )


def _denoise(name: str, job: Job, folder: Path, quiet: bool) -> Comparison:
    with on_screen(quiet=quiet) as view:
        outcome = carry_out(job, view)
    if outcome.finished is None or outcome.halted:
        say("Interrupted; the samples before are complete.")
        raise typer.Exit(INTERRUPTED)
    return _compare(name, job, outcome.finished, folder)


def _compare(name: str, job: Job, finished: Finished, folder: Path) -> Comparison:
    noisy = open_volume(job.inputs[0])
    truth = open_volume(sample_data_path(f"{name}_truth.ome.tif"))
    denoised = finished.denoised
    if denoised is None:
        raise RuntimeError("a run that was not halted has an image")
    peak = float(truth.read().max() - truth.read().min())
    before_db, after_db = (psnr(v.read(), truth.read(), peak) for v in (noisy, denoised))
    images = {
        f"noisy · {before_db:.1f} dB": noisy,
        f"denoised · {after_db:.1f} dB": denoised,
        "truth": truth,
    }
    picture.save(picture.compare(images, finished.std), folder / f"{name}.png")
    return Comparison(name, before_db, after_db, finished.elapsed_s)
