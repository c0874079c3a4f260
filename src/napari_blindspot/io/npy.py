"""NumPy's own files, in and out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from napari_blindspot.axes import check_axes, guess_axes
from napari_blindspot.io.base import Volume, replacing
from napari_blindspot.io.failures import reading
from napari_blindspot.params import InputError


def read_npy(
    path: Path, axes: str | None = None, channel_names: Sequence[str] | None = None
) -> Volume:
    """Open an array as a memory map; nothing is unpickled.

    Parameters
    ----------
    path : Path
        Existing file.
    axes : str or None
        Axes; guessed from the shape if left out.
    channel_names : sequence of str or None
        Names of the channels.

    Raises
    ------
    InputError
        If the file is damaged or holds no real numbers.
    """
    with reading(path, "npy"):
        pixels = np.load(path, mmap_mode="r", allow_pickle=False)
        if not isinstance(pixels, np.ndarray) or pixels.dtype.kind not in "biuf":
            kind = getattr(pixels, "dtype", "several arrays")
            raise InputError(f"it holds {kind}; use bool, integers or floats.")
        letters = guess_axes(pixels.shape) if axes is None else check_axes(axes, pixels.ndim)
        origin = f"guessed from shape {pixels.shape}" if axes is None else "as given"
        return Volume(
            pixels,
            letters,
            channel_names=tuple(channel_names or ()),
            metadata={"format": "npy"},
            note=f"axes {letters} {origin}",
            source=path.resolve(),
        )


def write_npy(path: Path, volume: Volume) -> str:
    """Write the pixels as an array.

    Returns
    -------
    str
        What the format could not keep, in words.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    with replacing(path) as part, part.open("wb") as file:
        np.save(file, volume.read(), allow_pickle=False)
    if any(step != 1.0 for step in volume.scale) or volume.channel_names:
        return "axes, scale and names are lost: npy has no place for them"
    return ""
