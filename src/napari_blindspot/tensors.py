"""Tensors into safetensors files. Nothing is pickled."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

from safetensors import SafetensorError
from safetensors.torch import save_file

from napari_blindspot.io.base import replacing

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor


def save_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    """Write tensors beside a file and rename it when whole.

    Parameters
    ----------
    path : Path
        Target.
    tensors : dict of str to Tensor
        What to write.
    metadata : dict of str to str
        What else to write.

    Raises
    ------
    InputError
        If the operating system does not let the file be written.
    """
    with replacing(path) as part:
        try:
            save_file(tensors, part, metadata)
        except SafetensorError as error:
            raise _of_the_system(error) from error


def _of_the_system(error: SafetensorError) -> OSError:
    """The error of the operating system, of which safetensors gives the number in words."""
    number = re.search(r"\(os error (\d+)\)", str(error))
    if number is None:
        return OSError(str(error))
    if sys.platform == "win32":
        return OSError(0, "", None, int(number[1]))
    return OSError(int(number[1]), os.strerror(int(number[1])))
