"""Sample data for napari's File > Open Sample."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from napari_blindspot._gui.look import limits_of
from napari_blindspot._samples import sample_data_path
from napari_blindspot.io import open_volume

if TYPE_CHECKING:
    import numpy.typing as npt

LayerData: TypeAlias = tuple[Any, dict[str, Any], str]

_COLORMAPS = ("green", "magenta", "cyan", "yellow")


def planaria() -> list[LayerData]:
    """Nuclei of a Planaria-like worm, noisy, `(Z, Y, X)`."""
    return _layers("planaria_noisy.ome.tif", "Planaria-like nuclei")


def filaments() -> list[LayerData]:
    """Filaments, noisy, `(Y, X)`."""
    return _layers("filaments_noisy.ome.tif", "Filaments")


def timelapse() -> list[LayerData]:
    """Two-channel time-lapse, noisy, one layer `(T, Y, X)` per channel."""
    return _layers("timelapse_noisy.ome.tif", "Time-lapse")


def _layers(file_name: str, title: str) -> list[LayerData]:
    """One image layer per channel with the scale, units and axes of the file."""
    volume = open_volume(sample_data_path(file_name))
    pixels = volume.read()
    kept = [axis for axis, letter in enumerate(volume.axes) if letter != "C"]
    described = {
        "scale": tuple(volume.scale[axis] for axis in kept),
        "units": tuple(volume.units[axis] or "pixel" for axis in kept),
        "axis_labels": tuple(volume.axes[axis].lower() for axis in kept),
    }
    if "C" not in volume.axes:
        return [_layer(pixels, {"name": title, **described})]
    channels = np.moveaxis(pixels, volume.axes.index("C"), 0)
    names = volume.channel_names or tuple(f"channel {index}" for index in range(len(channels)))
    return [
        _layer(
            channel,
            {
                "name": f"{title} · {name}",
                "colormap": color,
                "blending": "additive",
                **described,
            },
        )
        for channel, name, color in zip(channels, names, _COLORMAPS, strict=False)
    ]


def _layer(pixels: npt.NDArray[Any], described: dict[str, Any]) -> LayerData:
    """Layer whose contrast is not set by its few brightest noise pixels."""
    return pixels, {**described, "contrast_limits": limits_of(pixels)}, "image"
