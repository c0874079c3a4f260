"""What to do, as one frozen value that is its own JSON."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from napari_blindspot import methods
from napari_blindspot.axes import DIMS, Spatial
from napari_blindspot.budget import INSTANT, PAPER, PRESETS, Budget
from napari_blindspot.io.base import replacing
from napari_blindspot.params import InputError
from napari_blindspot.regions import parse_region

SPATIAL: dict[str, Spatial | Literal["auto"]] = {"auto": "auto", **DIMS}


@dataclass(frozen=True)
class Job:
    """A denoising run.

    Attributes
    ----------
    inputs : tuple of str
        Files to train on; the first one is denoised. Empty for images in memory.
    output, uncertainty, save_model : str or None
        Where the denoised image, the posterior standard deviation and the model go.
    model : str or None
        A saved model to apply in place of training.
    method, params : str, dict
        Name of the method, and the parameters that differ from its defaults.
    budget : str
        See `Budget.parse`; `paper` stands for the parameters of the method's paper, where
        `params` does not say otherwise, and its steps, and is put into these at once.
    pace : tuple of str
        For each network the `Pace` of an earlier run, which is then repeated step by step.
    threads : int or None
        Processor cores to use; None takes all. Another number gives other rounding errors.
    axes : str or None
        Axes of the input in place of those in its metadata.
    train_on, apply_on : str or None
        Region to learn from, and region to denoise, see `parse_region`; None for all.
    held_out : bool
        Learn nothing from 2 % of the pixels, and tell the loss on them meanwhile.
    early_stop : bool
        End a training when the loss on held-out pixels falls no more; holds out pixels, too.
    joint : bool
        Denoise all channels together, with one network.
    dims : {"auto", "2D", "3D", "2D+T"}
        Whether networks see planes, volumes, or planes with those before and after them; auto takes
        volumes from 8 planes on, and else planes.
    device : str
        `auto`, `cpu`, `cuda` or `mps`.
    seed : int
        Start of all random numbers.
    float32 : bool
        Save 32-bit floats in place of the dtype of the input.
    with_std : bool
        Find the standard deviation even if no file of it is asked for.
    train_only : bool
        Train and save the model, denoise nothing.

    Raises
    ------
    InputError
        If a value is not allowed.
    """

    inputs: tuple[str, ...] = ()
    output: str | None = None
    uncertainty: str | None = None
    save_model: str | None = None
    model: str | None = None
    method: str = methods.DEFAULT
    params: dict[str, Any] = field(default_factory=dict)
    budget: str = "balanced"
    pace: tuple[str, ...] = ()
    threads: int | None = None
    axes: str | None = None
    train_on: str | None = None
    apply_on: str | None = None
    held_out: bool = False
    early_stop: bool = False
    joint: bool = False
    dims: str = "auto"
    device: str = "auto"
    seed: int = 0
    float32: bool = False
    with_std: bool = False
    train_only: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs", tuple(self.inputs))
        object.__setattr__(self, "pace", tuple(self.pace))
        if self.budget == PAPER:
            self._take_paper()
        Budget.parse(self.budget)
        method = methods.create(self.method, self.params)
        if self.budget == INSTANT and not (method.is_pretrained or self.model):
            raise _untrained(self.method)
        checked = method.values()
        object.__setattr__(self, "params", {name: checked[name] for name in self.params})
        if self.dims not in SPATIAL:
            raise InputError(f"dims={self.dims!r} is not known; use {', '.join(SPATIAL)}.")
        if self.threads is not None and self.threads < 1:
            raise InputError(f"threads={self.threads} is not allowed; use 1 or more.")
        for region in filter(None, (self.train_on, self.apply_on)):
            parse_region(region)
        self._check_targets()

    @property
    def spatial(self) -> Spatial | Literal["auto"]:
        """Spatial axes of the networks: `auto`, `YX`, `ZYX` or `TYX`."""
        return SPATIAL[self.dims]

    @property
    def targets(self) -> list[str]:
        """Images and model that the job writes."""
        return [path for path in (self.output, self.uncertainty, self.save_model) if path]

    def _take_paper(self) -> None:
        method = methods.get(self.method)
        if not method.paper:
            raise InputError(
                f"budget='paper' is not there for {self.method}, whose defaults are its only "
                f"settings; use {', '.join(PRESETS)}, a time or a number of steps."
            )
        object.__setattr__(self, "params", {**method.paper, **self.params})
        object.__setattr__(self, "budget", method.paper_budget)

    def to_json(self) -> str:
        """The job as JSON text."""
        return json.dumps(dataclasses.asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Job:
        """Job from JSON text.

        Raises
        ------
        InputError
            If the text is not JSON or holds an unknown field or a value of the wrong type.
        """
        try:
            values = json.loads(text)
        except ValueError as error:
            raise InputError(f"The job is not JSON: {error}.") from error
        names = {f.name: f for f in dataclasses.fields(cls)}
        if not isinstance(values, dict) or set(values) - set(names):
            unknown = sorted(set(values) - set(names)) if isinstance(values, dict) else values
            raise InputError(f"The job has unknown fields {unknown}; allowed: {', '.join(names)}.")
        for name, value in values.items():
            _check_type(name, value, str(names[name].type))
        return cls(**values)

    @classmethod
    def load(cls, path: str | Path) -> Job:
        """Job from a JSON file.

        Raises
        ------
        InputError
            If the file cannot be read or is not a job.
        """
        try:
            return cls.from_json(Path(path).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"Cannot read the job {path}: {error}.") from error

    def save_beside(self, result: str | Path) -> Path:
        """Write the job as `<result>.job.json` and return that path."""
        path = Path(f"{result}.job.json")
        with replacing(path) as part:
            part.write_text(self.to_json(), encoding="utf-8")
        return path

    def _check_targets(self) -> None:
        sources = [*self.inputs, *([self.model] if self.model else [])]
        resolved = [Path(p).resolve() for p in self.targets]
        for target in self.targets:
            if Path(target).resolve() in {Path(source).resolve() for source in sources}:
                raise InputError(f"{target} would overwrite an input; choose another output.")
        if len(set(resolved)) < len(resolved):
            raise InputError("Two outputs have the same path; give each its own.")


def _untrained(method: str) -> InputError:
    able = [name for name in methods.available() if methods.create(name, {}).is_pretrained]
    return InputError(
        f"budget={INSTANT!r} is not there for {method} as it is set up: it cannot denoise without "
        f"training; use {', '.join(able)} with its defaults, or another budget."
    )


_KINDS = {
    "str": str,
    "str | None": str | None,
    "bool": bool,
    "int": int,
    "int | None": int | None,
    "dict[str, Any]": dict,
    "tuple[str, ...]": list,
}


def _check_type(name: str, value: Any, declared: str) -> None:
    is_bool_as_int = declared.startswith("int") and isinstance(value, bool)
    fits = isinstance(value, _KINDS[declared]) and not is_bool_as_int
    if declared == "tuple[str, ...]":
        fits = fits and all(isinstance(item, str) for item in value)
    if not fits:
        raise InputError(f"The job's {name}={value!r} is not of type {declared}.")
