"""Where the sample data lies."""

from __future__ import annotations

from pathlib import Path

from napari_blindspot.params import InputError


def sample_data_path(name: str) -> Path:
    """Path of a sample file, in a checkout as well as in an installed package.

    Parameters
    ----------
    name : str
        File name, for example `"planaria_noisy.ome.tif"`.

    Returns
    -------
    Path
        The existing file.

    Raises
    ------
    InputError
        If there is no such file.
    """
    package = Path(__file__).parent
    folders = (package / "sample_data", package.parents[1] / "sample_data")
    found = [file for folder in folders for file in sorted(folder.glob("*.tif"))]
    for file in found:
        if file.name == name:
            return file
    names = ", ".join(file.name for file in found) or "none, sample_data/ is missing"
    raise InputError(f"Sample {name!r} is not known; available are: {names}.")
