"""What a batch is to do, as one frozen value."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_blindspot import methods
from napari_blindspot.axes import check_axes
from napari_blindspot.job import Job
from napari_blindspot.params import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

TRAININGS = ("each", "first", "together")
FORMATS = ("auto", "ome.tif", "ome.zarr", "npy")


@dataclass(frozen=True)
class Part:
    """Part `number` of `total`, from 1: every `total`-th image, beginning with the `number`-th."""

    number: int
    total: int

    @classmethod
    def parse(cls, text: str) -> Part:
        """Part written as `3/8`.

        Raises
        ------
        InputError
            If the text is not of this form, or the number is not one of 1 to the total.
        """
        match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text.strip())
        if not match or not 1 <= int(match[1]) <= int(match[2]):
            raise InputError(f"part={text!r} is not known; write it as 3/8, from 1/8 to 8/8.")
        return cls(int(match[1]), int(match[2]))

    def of(self, items: Sequence[Any]) -> list[Any]:
        """The items of this part."""
        return list(items[self.number - 1 :: self.total])


@dataclass(frozen=True)
class Batch:
    """Many images and what to do with each.

    Attributes
    ----------
    inputs : tuple of str
        Image files, folders of images, and patterns such as ``"data/**/*.tif"``.
    output : str
        Folder of the results and of the journal.
    job : Job
        What to do with each image. Its `inputs`, `output`, `uncertainty`, `save_model` and
        `train_only` are filled in for each; a `model` is applied in place of training.
    train : {"each", "first", "together"}
        Train on each image anew, on the first one for all, or on all of them together.
    pattern : str
        Only images whose name matches, such as ``"*.tif"``; case does not matter.
    recursive : bool
        Look into the subfolders of folders too.
    format : {"auto", "ome.tif", "ome.zarr", "npy"}
        Format of the results; auto keeps that of the input where it can.
    part : Part or None
        Do only this part of the images, with a journal of its own.
    uncertainty : bool
        Write the posterior standard deviation of each image beside its result.
    save_models : bool
        Keep the model of each image beside its result.
    resume : bool
        Go on where the journal in the output folder ends.
    jobs : int
        Images at a time, each in a process of its own.

    Raises
    ------
    InputError
        If a value is not allowed.
    """

    inputs: tuple[str, ...]
    output: str
    job: Job = field(default_factory=Job)
    train: str = "each"
    pattern: str = "*"
    recursive: bool = False
    format: str = "auto"
    part: Part | None = None
    uncertainty: bool = False
    save_models: bool = False
    resume: bool = False
    jobs: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs", tuple(self.inputs))
        for name, allowed in (("train", TRAININGS), ("format", FORMATS)):
            value = getattr(self, name)
            if value not in allowed:
                raise InputError(f"{name}={value!r} is not known; use {', '.join(allowed)}.")
        if self.jobs < 1:
            raise InputError(f"jobs={self.jobs} is not allowed; use 1 or more.")
        if self.job.axes is not None:
            check_axes(self.job.axes, len(self.job.axes))
        self._check_training()

    def _check_training(self) -> None:
        if self.job.model and self.train != "each":
            raise InputError(f"A saved model is applied as it is; leave out train={self.train}.")
        if self.save_models and not self.trains_each:
            raise InputError("save_models is for train=each; the model for all is kept anyway.")
        if self.part and self.shares_a_model:
            raise InputError(
                f"Parts with train={self.train} would train a model each; train one first and "
                "give it as model."
            )
        method = methods.get(self.job.method)
        if self.uncertainty and not self.job.model and not method.has_std:
            able = ", ".join(name for name, cls in methods.available().items() if cls.has_std)
            raise InputError(f"Method {method.name!r} has no uncertainty; use one of: {able}.")

    @property
    def trains_each(self) -> bool:
        """Whether every image trains a model of its own."""
        return self.train == "each" and not self.job.model

    @property
    def shares_a_model(self) -> bool:
        """Whether the batch trains one model for all images."""
        return self.train != "each"

    @property
    def folder(self) -> Path:
        """Absolute path of the output folder."""
        return Path(self.output).absolute()

    @property
    def journal(self) -> Path:
        """The journal of this batch, or of this part of it."""
        part = f".part-{self.part.number}-of-{self.part.total}" if self.part else ""
        return self.folder / f"blindspot_batch{part}.jsonl"

    @property
    def shared_model(self) -> Path:
        """Where the model for all images is kept."""
        return self.folder / "blindspot_batch.model.safetensors"

    def options(self) -> dict[str, Any]:
        """All of this as values that JSON has."""
        return dataclasses.asdict(self)
