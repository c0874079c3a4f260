"""Whatever a damaged file raises, in one sentence."""

from __future__ import annotations

import contextlib
import logging
import struct
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path

import tifffile

from napari_blindspot.params import InputError

# What the readers and their decoders raise on mutated files; broken XML is a SyntaxError.
_BROKEN = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    tifffile.TiffFileError,
    zlib.error,
)
_TALKATIVE = ("tifffile", "bioio", "bioio_base", "bioio_czi", "bioio_lif", "liffile", "nd2")


@contextlib.contextmanager
def reading(path: Path, kind: str) -> Iterator[None]:
    """Turn whatever a damaged file of some kind raises into one sentence."""
    try:
        with _quiet():
            yield
    except InputError as error:
        raise InputError(f"{path} cannot be used: {error}") from None
    except MemoryError:
        raise InputError(f"{path} does not fit into memory; use a smaller image.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror or error}).") from error
    except _BROKEN as error:
        reason = " ".join(str(error).split())[:100] or type(error).__name__
        message = f"{path} cannot be read as {kind} ({reason}); it is damaged or of another format."
        raise InputError(message) from error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the libraries' remarks on odd files off the terminal, in this thread only."""
    silence = _Silence()
    # A filter holds for one logger, not for those below it.
    names = {*_TALKATIVE, *list(logging.root.manager.loggerDict)}
    logs = [logging.getLogger(name) for name in names if name.split(".")[0] in _TALKATIVE]
    for log in logs:
        log.addFilter(silence)
    try:
        yield
    finally:
        for log in logs:
            log.removeFilter(silence)


class _Silence(logging.Filter):
    def __init__(self) -> None:
        super().__init__()
        self._thread = threading.get_ident()

    def filter(self, record: logging.LogRecord) -> bool:
        return record.thread != self._thread
