"""The state of an unfinished training in a file, so that it can go on after a crash."""

from __future__ import annotations

import dataclasses
import glob
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open

from napari_blindspot.events import NotKept
from napari_blindspot.noise import NoiseLaw
from napari_blindspot.params import InputError
from napari_blindspot.tensors import save_tensors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor, nn

    from napari_blindspot.job import Job
    from napari_blindspot.optimizer import Optimizer
    from napari_blindspot.pace import Clock
    from napari_blindspot.patches import Patches

INTERVAL_S = 30.0
_TRAINING = (
    "method",
    "params",
    "budget",
    "pace",
    "axes",
    "train_on",
    "held_out",
    "early_stop",
    "joint",
    "dims",
    "seed",
)
_KEY, _FORMAT = "napari_blindspot_checkpoint", 6


class UnfitError(InputError):
    """A file that is no checkpoint of this training."""


@dataclass
class Progress:
    """All that changes while a network is trained.

    Attributes
    ----------
    network, optimizer : Module, Optimizer
        With their own states.
    averages : list of Tensor
        Averaged weights.
    generator : torch.Generator
        The source of randomness.
    patches : Patches
        Where batches come from.
    clock : Clock
        How far the training is.
    step : int
        Steps done.
    elapsed_s : float
        Training time so far.
    losses : list of float
        Loss of every step.
    laws : list of tuple of NoiseLaw
        What every update of the noise has found.
    best : list of Tensor
        Averaged weights with the smallest error on held-out pixels; empty where none is known.
    """

    network: nn.Module
    optimizer: Optimizer
    averages: list[Tensor]
    generator: torch.Generator
    patches: Patches
    clock: Clock
    step: int = 0
    elapsed_s: float = 0.0
    losses: list[float] = field(default_factory=list)
    laws: list[tuple[NoiseLaw, ...]] = field(default_factory=list)
    best: list[Tensor] = field(default_factory=list)

    def count(self, loss: float, elapsed_s: float) -> int:
        """Add a step and return the number of steps so far."""
        self.step += 1
        self.elapsed_s = elapsed_s
        self.losses.append(loss)
        self.clock.tick(self.step, elapsed_s)
        return self.step

    def go_back(self) -> None:
        """Take up the best weights, if any are known, and forget them."""
        weights = zip(self.network.parameters(), self.averages, self.best, strict=bool(self.best))
        with torch.no_grad():
            for weight, average, best in weights:
                weight.copy_(best)
                average.copy_(best)
            for moment in self.optimizer.tensors().values():
                moment.nan_to_num_(0.0, 0.0, 0.0)  # of steps that went astray since
        self.best = []

    def tensors(self) -> dict[str, Tensor]:
        """Every tensor of the state, by name."""
        found = {f"network.{name}": value for name, value in self.network.state_dict().items()}
        found |= {f"average.{i}": value for i, value in enumerate(self.averages)}
        found |= {f"best.{i}": value for i, value in enumerate(self.best)}
        moments = self.optimizer.tensors()
        found |= {f"optimizer.{name}": value for name, value in moments.items()}
        found["generator"] = self.generator.get_state()
        return {name: value.detach().cpu().contiguous() for name, value in found.items()}

    def header(self) -> dict[str, Any]:
        """All else, ready for JSON."""
        return {
            "step": self.step,
            "elapsed_s": self.elapsed_s,
            "losses": self.losses,
            "laws": [[dataclasses.asdict(law) for law in laws] for laws in self.laws],
            "patches": self.patches.state(),
            "clock": self.clock.state(),
        }

    def restore(self, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> None:
        """Take up a state that was saved."""
        self.network.load_state_dict(_below(tensors, "network."))
        with torch.no_grad():
            for i, average in enumerate(self.averages):
                average.copy_(tensors[f"average.{i}"])
        best = [tensors.get(f"best.{i}") for i in range(len(self.averages))]
        self.best = [one.to(self.averages[0].device) for one in best if one is not None]
        self.optimizer.restore(_below(tensors, "optimizer."))
        self.generator.set_state(tensors["generator"])
        self.patches.restore(header["patches"])
        self.clock.restore(header["clock"])
        self.step, self.elapsed_s = int(header["step"]), float(header["elapsed_s"])
        self.losses = [float(loss) for loss in header["losses"]]
        self.laws = [tuple(NoiseLaw(**law) for law in laws) for laws in header["laws"]]


@dataclass
class Checkpoint:
    """A file that holds the state of one training, written anew now and then.

    Attributes
    ----------
    path : Path
        The file.
    identity : str
        What is trained on what; a file of something else is not taken up.
    resume : bool
        Whether to go on from an existing file.
    interval_s : float
        Least time between two writes.
    told : list of str
        Why the state of this run could not be written, once it was said.
    """

    path: Path
    identity: str
    resume: bool
    interval_s: float
    told: list[str] = field(default_factory=list)
    _written: float = field(default_factory=time.perf_counter)

    def restore(self, progress: Progress) -> None:
        """Go on from the file if that is wanted and there is one.

        Raises
        ------
        UnfitError
            If the file is damaged or of another training.
        """
        if not self.resume or not self.path.exists():
            return
        try:
            with safe_open(self.path, framework="pt") as file:
                header = json.loads((file.metadata() or {}).get(_KEY, "null"))
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            self._check(header)
            progress.restore(tensors, header)
        except (OSError, SafetensorError) as error:
            raise UnfitError(self._refusal(f"cannot be read ({error})")) from error
        except UnfitError:
            raise
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise UnfitError(self._refusal(f"is damaged ({error})")) from error

    def keep(self, progress: Progress) -> Iterator[NotKept]:
        """Write the state, beside the file and renamed when whole.

        Yields
        ------
        NotKept
            If it cannot be written, the first time only: no training ends for want of it.
        """
        header = {"format": _FORMAT, "identity": self.identity, **progress.header()}
        try:
            save_tensors(self.path, progress.tensors(), {_KEY: json.dumps(header)})
        except InputError as error:
            if not self.told:
                self.told.append(str(error))
                yield NotKept(f"The training goes on, but its state cannot be kept: {error}")
        self._written = time.perf_counter()

    def keep_when_due(self, progress: Progress) -> Iterator[NotKept]:
        """Write the state if the last time is long enough ago."""
        if time.perf_counter() - self._written >= self.interval_s:
            yield from self.keep(progress)

    def keep_at_the_end(self, progress: Progress) -> Iterator[NotKept]:
        """Write the state of a training that was long enough to be kept at all."""
        if progress.elapsed_s >= self.interval_s:
            yield from self.keep(progress)

    def _check(self, header: Any) -> None:
        if not isinstance(header, dict) or header.get("format") != _FORMAT:
            raise UnfitError(self._refusal("is no checkpoint of this version"))
        if header["identity"] != self.identity:
            raise UnfitError(self._refusal("belongs to a run with other inputs or parameters"))

    def _refusal(self, reason: str) -> str:
        return f"{self.path} {reason}; delete it, or start without --resume."


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints of a run, one for each of its networks.

    Attributes
    ----------
    target : Path
        Result of the run, beside which they lie.
    identity : dict
        What is trained, ready for JSON.
    resume : bool
        Whether to go on from existing ones.
    told : list of str
        See `Checkpoint`; one for all.
    """

    target: Path
    identity: dict[str, Any]
    resume: bool = False
    told: list[str] = field(default_factory=list)

    @classmethod
    def of_job(cls, job: Job, *, resume: bool = False) -> Checkpoints | None:
        """Those of a job; None where it trains nothing or names no file."""
        target = job.save_model or job.output
        if job.model or not target:
            return None
        identity = {name: getattr(job, name) for name in _TRAINING}
        return cls(Path(target).resolve(), identity, resume)

    def of(self, index: int, data: Mapping[str, Any]) -> Checkpoint:
        """Checkpoint of one network, for data that are described in plain values."""
        state_of = json.dumps({**self.identity, "network": index, "data": data}, sort_keys=True)
        return Checkpoint(self._path(str(index)), state_of, self.resume, INTERVAL_S, self.told)

    @property
    def paths(self) -> list[Path]:
        """Files that exist."""
        return sorted(self.target.parent.glob(glob.escape(self._path("").name) + "*"))

    def remove(self) -> None:
        """Delete them: the run has finished."""
        for path in self.paths:
            path.unlink(missing_ok=True)

    def _path(self, index: str) -> Path:
        return self.target.with_name(f".{self.target.name}.checkpoint-{index}")


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)
    }
