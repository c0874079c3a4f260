"""Whether a file or an image folder is still the same, found out without reading all of it."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_blindspot.params import InputError

WHOLE_BYTES = 4 * 2**20
_BLOCKS, _BLOCK_BYTES = 16, 2**16
_DESCRIPTIONS = {"zarr.json", ".zgroup", ".zarray", ".zattrs", ".zmetadata"}


@dataclass(frozen=True)
class Fingerprint:
    """Size, time and content of a file or folder.

    Up to 4 MiB are hashed whole. Of more than that, the hash is over the names and sizes of all
    files, the metadata of Zarr, and 16 blocks of 64 KiB spread evenly from the first byte to the
    last: a change of a few bytes elsewhere shows only in the time of the last change.

    Attributes
    ----------
    size : int
        Bytes, of all files together.
    mtime_ns : int
        Time of the last change in nanoseconds since 1970, of the file changed last.
    content : str
        Hash of the content.
    whole : bool
        Whether the hash is over all bytes.
    """

    size: int
    mtime_ns: int
    content: str
    whole: bool

    @classmethod
    def of(cls, path: Path) -> Fingerprint:
        """Fingerprint of a file or folder.

        Raises
        ------
        InputError
            If it is missing or cannot be read.
        """
        try:
            return _measured(path)
        except FileNotFoundError as error:
            raise InputError(f"{path} does not exist.") from error
        except OSError as error:
            raise InputError(f"{path} cannot be read ({error.strerror or error}).") from error

    @classmethod
    def from_json(cls, values: Any) -> Fingerprint | None:
        """Fingerprint from a line of the journal; None if it is none."""
        kinds = {"size": int, "mtime_ns": int, "content": str, "whole": bool}
        if not isinstance(values, dict) or set(values) != set(kinds):
            return None
        if not all(isinstance(values[name], kind) for name, kind in kinds.items()):
            return None
        return cls(**values)

    def to_json(self) -> dict[str, Any]:
        """The same as values that JSON has."""
        return dataclasses.asdict(self)

    def same_content(self, other: Fingerprint | None) -> bool:
        """Whether the content is the same, as far as it was hashed; the time does not matter."""
        return other is not None and (self.size, self.content) == (other.size, other.content)

    def same(self, other: Fingerprint | None) -> bool:
        """Whether the content is the same; where not all of it was hashed, the time counts too."""
        if other is None or not self.same_content(other):
            return False
        return self.whole or self.mtime_ns == other.mtime_ns


@dataclass(frozen=True)
class _File:
    path: Path
    name: str
    size: int
    mtime_ns: int


def _measured(path: Path) -> Fingerprint:
    files = sorted(_files(path), key=lambda file: file.name)
    size = sum(file.size for file in files)
    whole = size <= WHOLE_BYTES
    digest = hashlib.blake2b(digest_size=16)
    for file in files:
        digest.update(f"{file.name}\0{file.size}\0".encode("utf-8", "surrogatepass"))
        if whole or file.path.name in _DESCRIPTIONS:
            digest.update(file.path.read_bytes())
    if not whole:
        for block in _blocks(files, size):
            digest.update(block)
    newest = max((file.mtime_ns for file in files), default=0)
    return Fingerprint(size, newest, digest.hexdigest(), whole)


def _files(path: Path) -> Iterator[_File]:
    """The file itself, nameless, or all files below a folder."""
    if not path.is_dir():
        yield _stated(path, "")
        return
    for folder, _, names in os.walk(path, onerror=_raise):
        for name in names:
            file = Path(folder, name)
            yield _stated(file, file.relative_to(path).as_posix())


def _stated(path: Path, name: str) -> _File:
    status = path.stat()
    return _File(path, name, status.st_size, status.st_mtime_ns)


def _raise(error: OSError) -> None:
    raise error


def _blocks(files: list[_File], size: int) -> Iterator[bytes]:
    """Blocks at even distances through all files, as if they were one."""
    starts = [(size - _BLOCK_BYTES) * k // (_BLOCKS - 1) for k in range(_BLOCKS)]
    end = 0
    for file in files:
        begin, end = end, end + file.size
        inside = [start - begin for start in starts if begin <= start < end]
        if inside:
            with file.path.open("rb") as stream:
                for offset in inside:
                    stream.seek(offset)
                    yield stream.read(_BLOCK_BYTES)
