"""What is to be done for each image, and what is done already."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_blindspot.batch import images, journal
from napari_blindspot.batch.fingerprint import Fingerprint
from napari_blindspot.job import Job
from napari_blindspot.params import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_blindspot.batch.images import Image
    from napari_blindspot.batch.journal import Entry
    from napari_blindspot.batch.spec import Batch

FINISHED = ""
_INTERRUPTED = ("begin", "stopped")
_UNFINISHED = {"begin": "was cut off", "failed": "failed before", "stopped": "was stopped"}


@dataclass(frozen=True)
class Task:
    """One image and its job.

    Attributes
    ----------
    file : str
        The image.
    job : Job
        What to do with it.
    reason : str
        Why it is to be done, in words; `FINISHED` if it is done already.
    """

    file: str
    job: Job
    reason: str

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to do."""
        return self.reason == FINISHED

    @property
    def targets(self) -> list[str]:
        """Images and models that the job writes."""
        return self.job.targets


@dataclass(frozen=True)
class Plan:
    """All tasks of a batch.

    Attributes
    ----------
    tasks : tuple of Task
        One for each image, in order, the finished ones among them.
    model : str or None
        Model that is to be applied to all images: given, or the batch's own.
    train : bool
        Whether that model is still to be trained.
    interrupted : dict of str to Entry
        What the journal says of the images, and of that model, whose work was cut off or stopped:
        the states of their trainings may lie there.
    """

    tasks: tuple[Task, ...]
    model: str | None
    train: bool
    interrupted: dict[str, Entry]

    @property
    def targets(self) -> dict[str, list[str]]:
        """What is or was to be written for each image and for the model to be trained."""
        model = {self.model: [self.model]} if self.train and self.model else {}
        return model | {task.file: task.targets for task in self.tasks}


def make_plan(batch: Batch) -> Plan:
    """Find the images and what is left to do; nothing is written.

    Parameters
    ----------
    batch : Batch
        What to do.

    Raises
    ------
    InputError
        If there is no image, the model is missing, the output folder has a journal and the
        batch is not to be resumed, or a file that no batch wrote is in the way of a result.
    """
    found = images.find(batch)
    if batch.journal.exists() and not batch.resume:
        raise InputError(
            f"{batch.folder} has a journal of a batch already ({batch.journal.name}); use "
            "--resume to go on with it, or choose another folder."
        )
    entries = journal.read_all(batch.folder) if batch.resume else []
    train = batch.shares_a_model and not _model_stays(batch, entries)
    model = str(batch.shared_model) if batch.shares_a_model else batch.job.model
    print_ = None if train or model is None else Fingerprint.of(Path(model))
    mine = batch.part.of(found) if batch.part else found
    before = journal.latest(entries)
    tasks = []
    for image in mine:
        job = _job(batch, image)
        last = before.get(str(image.path))
        reason = "the model is new" if train and last else _reason(job, last, print_)
        tasks.append(Task(str(image.path), job, reason))
    written = [path for task in tasks for path in task.targets]
    _refuse_strangers([*written, *([str(batch.shared_model)] if train else [])], entries)
    interrupted = {file: entry for file, entry in before.items() if entry.kind in _INTERRUPTED}
    return Plan(tuple(tasks), model, train, interrupted)


def training_job(batch: Batch, files: Sequence[str]) -> Job:
    """Job that trains the model for all images on some of them."""
    return dataclasses.replace(
        batch.job,
        inputs=tuple(files),
        save_model=str(batch.shared_model),
        train_only=True,
        float32=False,
    )


def _job(batch: Batch, image: Image) -> Job:
    given = batch.job
    common = Job(
        inputs=(str(image.path),),
        output=str(image.output),
        uncertainty=str(image.uncertainty) if batch.uncertainty else None,
        threads=given.threads,
        axes=given.axes,
        device=given.device,
        seed=given.seed,
        float32=given.float32,
    )
    if not batch.trains_each:
        # Training options have no effect here, and must not make what is done look undone.
        model = str(batch.shared_model) if batch.shares_a_model else given.model
        return dataclasses.replace(common, model=model)
    return dataclasses.replace(
        given,
        inputs=common.inputs,
        output=common.output,
        uncertainty=common.uncertainty,
        save_model=str(image.model) if batch.save_models else None,
    )


def _model_stays(batch: Batch, entries: Sequence[Entry]) -> bool:
    """Whether the batch's own model is whole and would be trained in the same way again.

    Images that came later, or are gone, do not call for a new one.
    """
    last = journal.latest(entries).get(str(batch.shared_model))
    if last is None or last.kind != "done":
        return False
    same_job = last.job == training_job(batch, last.job.inputs)
    same_inputs = all(
        Fingerprint.of(Path(path)).same(print_)
        for path, print_ in last.inputs.items()
        if Path(path).exists()
    )
    return same_job and same_inputs and _unharmed(last, training_job(batch, last.job.inputs))


def _reason(job: Job, last: Entry | None, model: Fingerprint | None) -> str:
    """Why a job is to be done, in words; `FINISHED` if it was done and all is as it was."""
    if last is None:
        return "new"
    if last.kind != "done":
        return _UNFINISHED[last.kind]
    if last.job != job:
        return "the options have changed"
    if job.model and not (model and model.same_content(last.inputs.get(job.model))):
        return "the model has changed"
    source = Path(job.inputs[0])
    if not source.exists() or not Fingerprint.of(source).same(last.inputs.get(job.inputs[0])):
        return "the image has changed"
    return FINISHED if _unharmed(last, job) else "a result is missing or damaged"


def _unharmed(last: Entry, job: Job) -> bool:
    """Whether all that a job wrote is there and as it was written."""
    return all(
        Path(path).exists() and Fingerprint.of(Path(path)).same_content(last.outputs.get(path))
        for path in job.targets
    )


def _refuse_strangers(written: Sequence[str], entries: Sequence[Entry]) -> None:
    """Never replace a file that no batch has written."""
    ours = {path for entry in entries for path in entry.targets}
    strangers = [path for path in written if path not in ours and Path(path).exists()]
    if strangers:
        more = f" and {len(strangers) - 1} more" if len(strangers) > 1 else ""
        raise InputError(
            f"{strangers[0]}{more} would be replaced, and the journal does not know it; remove it "
            "or choose another folder."
        )
