"""Whatever a damaged file raises, in one sentence."""

from __future__ import annotations

import contextlib
import logging
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import tifffile

from napari_blindspot.params import InputError

# What tifffile and its decoders raise on mutated files; the other readers raise some of it.
_BROKEN = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    tifffile.TiffFileError,
)


@contextlib.contextmanager
def reading(path: Path, kind: str) -> Iterator[None]:
    """Turn whatever a damaged file of some kind raises into one sentence."""
    log = logging.getLogger("tifffile")
    silence = _Silence()
    log.addFilter(silence)
    try:
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
    finally:
        log.removeFilter(silence)


class _Silence(logging.Filter):
    """Keep tifffile's remarks on odd files off the terminal, in this thread only."""

    def __init__(self) -> None:
        super().__init__()
        self._thread = threading.get_ident()

    def filter(self, record: logging.LogRecord) -> bool:
        return record.thread != self._thread
