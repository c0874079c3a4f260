"""What a batch has done, one JSON object per line, on the disk before the work goes on."""

from __future__ import annotations

import dataclasses
import json
import os
import socket
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_blindspot.batch.fingerprint import Fingerprint
from napari_blindspot.job import Job
from napari_blindspot.params import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import TracebackType

    from napari_blindspot.batch.spec import Batch

FORMAT = 1


@dataclass(frozen=True)
class Entry:
    """What happened to one image, or to the model for all.

    Attributes
    ----------
    kind : {"begin", "done", "failed", "stopped"}
        What happened.
    file : str
        The image; for the training of the model for all images, the model.
    job : Job
        What was to be done.
    inputs : dict of str to Fingerprint
        All inputs of the job as they were when it began, the model among them.
    outputs : dict of str to Fingerprint
        What was written.
    seconds : float or None
        Wall time.
    message : str
        What went wrong, or what the result could not keep of the input.
    found : dict
        What the run found out: axes, shape, device, noise.
    time : str
        When it happened, ISO 8601 in UTC; filled in when it is written.
    """

    kind: str
    file: str
    job: Job
    inputs: dict[str, Fingerprint] = field(default_factory=dict)
    outputs: dict[str, Fingerprint] = field(default_factory=dict)
    seconds: float | None = None
    message: str = ""
    found: dict[str, Any] = field(default_factory=dict)
    time: str = ""

    @property
    def targets(self) -> list[str]:
        """Images and models that the job writes."""
        return self.job.targets

    def to_json(self) -> dict[str, Any]:
        """The entry as values that JSON has, without what is empty."""
        values = {
            "kind": self.kind,
            "time": self.time,
            "file": self.file,
            "output": self.job.output,
            "seconds": self.seconds,
            "message": self.message,
            "found": self.found,
            "inputs": {path: print_.to_json() for path, print_ in self.inputs.items()},
            "outputs": {path: print_.to_json() for path, print_ in self.outputs.items()},
            "job": dataclasses.asdict(self.job),
        }
        return {name: value for name, value in values.items() if value not in ("", None, {})}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Entry | None:
        """Entry from a line of the journal; None if it is not one, or of unknown content."""
        if not isinstance(values.get("file"), str) or values.get("kind") not in _KINDS:
            return None
        try:
            job = Job.from_json(json.dumps(values.get("job")))
        except InputError:
            return None
        return cls(
            kind=values["kind"],
            file=values["file"],
            job=job,
            inputs=_fingerprints(values.get("inputs")),
            outputs=_fingerprints(values.get("outputs")),
            time=str(values.get("time", "")),
        )


_KINDS = ("begin", "done", "failed", "stopped")


def _fingerprints(values: Any) -> dict[str, Fingerprint]:
    if not isinstance(values, dict):
        return {}
    found = {path: Fingerprint.from_json(entry) for path, entry in values.items()}
    return {path: entry for path, entry in found.items() if entry is not None}


class Journal:
    """The journal of one batch, open for appending. Use it in a `with` statement.

    A last line that a kill has torn is cut off; all others stay as they are.

    Parameters
    ----------
    path : Path
        The file; it is made if it is missing.

    Raises
    ------
    InputError
        If the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
            self._mend()
        except OSError as error:
            raise self._cannot(error) from error

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._file)

    def head(self, batch: Batch, version: str, files: int) -> None:
        """Note that a batch begins, or goes on, and with which options."""
        self._append(
            {
                "kind": "batch",
                "format": FORMAT,
                "time": _now(),
                "version": version,
                "host": socket.gethostname(),
                "process": os.getpid(),
                "files": files,
                "options": batch.options(),
            }
        )

    def note(self, entry: Entry) -> None:
        """Write an entry; it is on the disk when this returns."""
        self._append(dataclasses.replace(entry, time=_now()).to_json())

    def _append(self, values: dict[str, Any]) -> None:
        line = json.dumps(values, ensure_ascii=False) + "\n"
        rest = line.encode("utf-8", "surrogatepass")
        try:
            os.lseek(self._file, 0, os.SEEK_END)
            while rest:
                rest = rest[os.write(self._file, rest) :]
            os.fsync(self._file)
        except OSError as error:
            raise self._cannot(error) from error

    def _mend(self) -> None:
        """Cut off what follows the last whole line."""
        size = os.lseek(self._file, 0, os.SEEK_END)
        whole = self.path.read_bytes().rfind(b"\n") + 1
        if whole < size:
            os.ftruncate(self._file, whole)

    def _cannot(self, error: OSError) -> InputError:
        reason = error.strerror or str(error)
        return InputError(
            f"The journal {self.path} cannot be written ({reason}); make that possible and go on "
            "with --resume."
        )


def read(path: Path) -> list[Entry]:
    """Entries of a journal, the oldest first; torn and unknown lines are left out.

    Raises
    ------
    InputError
        If the file cannot be read, or was not written by this program in this format.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise InputError(f"The journal {path} cannot be read ({error.strerror}).") from error
    # What follows the last line end is empty, or torn.
    values = [_parsed(line) for line in lines[:-1]]
    if not values:
        return []
    first = values[0]
    if first is None or first.get("kind") != "batch" or first.get("format") != FORMAT:
        raise InputError(
            f"{path} is not a journal that this version can read; choose another folder, or move "
            "the file away to begin anew."
        )
    entries = (Entry.from_json(line) for line in values if line is not None)
    return [entry for entry in entries if entry is not None]


def read_all(folder: Path) -> list[Entry]:
    """Entries of all journals in a folder, those of parts of a batch too, in order of time."""
    paths = sorted(folder.glob("blindspot_batch*.jsonl"))
    return sorted((entry for path in paths for entry in read(path)), key=lambda e: e.time)


def latest(entries: Iterable[Entry]) -> dict[str, Entry]:
    """The last entry of each file."""
    return {entry.file: entry for entry in entries}


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        values = json.loads(line)
    except ValueError:
        return None
    return values if isinstance(values, dict) else None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
