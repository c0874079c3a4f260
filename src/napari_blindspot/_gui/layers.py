"""From a napari layer to a volume: its axes, pixels, units and file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image

from napari_blindspot._gui.lazy import sliceable
from napari_blindspot._gui.sampling import spread
from napari_blindspot._samples import sample_data_path
from napari_blindspot.axes import check_axes, guess_axes
from napari_blindspot.io import open_volume
from napari_blindspot.io.base import Volume, unknown_scale
from napari_blindspot.io.calibration import TIME_UNITS, unit_name
from napari_blindspot.params import InputError

if TYPE_CHECKING:
    from napari.components import ViewerModel

KEY = "napari_blindspot"  # of what this plugin writes into `layer.metadata`
LETTERS = "TCZYX"

_COLOURS = ("red", "green", "blue")
_NO_COLOUR = 5  # an axis of this length is not taken for the samples of an RGB pixel


def axes_of(layer: Image) -> str:
    """Axes of a layer: those that its labels name, else a guess from its shape and units.

    Parameters
    ----------
    layer : Image
        Any image layer.

    Returns
    -------
    str
        One letter of TCZYX per axis. A label counts by its first letter.

    Raises
    ------
    InputError
        If the layer has colours, or a shape whose axes cannot be guessed.
    """
    check_no_colours(layer)
    named = "".join(label[:1] for label in layer.axis_labels).upper()
    try:
        if set(named) <= set(LETTERS):
            return check_axes(named, layer.ndim)
    except InputError:
        pass
    *outer, last = pixels_of(layer).shape
    guess = guess_axes((*outer, max(last, _NO_COLOUR)))
    units = {letter: str(unit) for letter, unit in zip(guess, layer.units, strict=True)}
    return guess.replace("Z", "T") if "T" not in guess and units.get("Z") in TIME_UNITS else guess


def check_no_colours(layer: Image) -> None:
    """Refuse a layer whose pixels are red, green and blue.

    Raises
    ------
    InputError
        If it is one.
    """
    if layer.rgb:
        raise InputError(
            f"The layer {layer.name!r} is a colour image (RGB); split it into one layer per colour "
            "and denoise those."
        )


def pixels_of(layer: Image) -> Any:
    """Pixels of a layer, of the finest level of a multiscale one; nothing is read."""
    return layer.data[0] if layer.multiscale else layer.data


def volume_of(layer: Image, axes: str | None = None) -> Volume:
    """A layer as a volume whose pixels are read region by region.

    Parameters
    ----------
    layer : Image
        Any image layer without colours.
    axes : str, optional
        One letter of TCZYX per axis; those of the layer if left out.

    Returns
    -------
    Volume
        With steps above 0 whatever the sign of the layer's scale, and the units in the words that
        files use.

    Raises
    ------
    InputError
        If the layer has colours or values that are no real numbers, or the axes do not fit.
    """
    check_no_colours(layer)
    letters = check_axes(axes, layer.ndim) if axes else axes_of(layer)
    if "S" in letters:
        raise InputError(f"axes={axes!r} has S, the colours of a pixel; use letters of {LETTERS}.")
    pixels = pixels_of(layer)
    _check_values(layer.name, pixels)
    return Volume(
        pixels,
        letters,
        scale=tuple(abs(float(step)) or 1.0 for step in layer.scale),
        units=tuple(map(_unit, letters, layer.units)),
        note=f"axes {letters} of the layer {layer.name}",
    )


def _check_values(name: str, pixels: Any) -> None:
    try:
        is_real = np.dtype(pixels.dtype).kind in "biuf"
    except TypeError:
        is_real = False
    if not is_real:
        raise InputError(
            f"The layer {name!r} has values of type {pixels.dtype}; "
            "use an array of bool, integers or floats."
        )


def _unit(letter: str, unit: Any) -> str:
    """Unit of an axis in the words that files use, where they have one for it."""
    text = str(unit)
    unknown = unknown_scale(letter)[1]
    return unknown if text in ("pixel", "dimensionless") else unit_name(text, text)


def spatial_fields(layer: Image) -> dict[str, Any]:
    """The seven fields that say where a layer lies, as copies for another layer."""
    return {
        "scale": np.array(layer.scale),
        "translate": np.array(layer.translate),
        "rotate": np.array(layer.rotate),
        "shear": np.array(layer.shear),
        "affine": np.array(layer.affine.affine_matrix),
        "units": tuple(layer.units),
        "axis_labels": tuple(layer.axis_labels),
    }


def split_channels(viewer: ViewerModel, layer: Image) -> list[Image]:
    """Add one layer per colour of an RGB layer above it, and hide it.

    The layers share the memory of numpy arrays; all others are read when they are looked at.
    Transparency is left out.

    Parameters
    ----------
    viewer : ViewerModel
        The viewer.
    layer : Image
        Its RGB or RGBA layer.

    Returns
    -------
    list of Image
        Red, green and blue, as they lie in the layer list.

    Raises
    ------
    InputError
        If the layer has no colours.
    """
    if not layer.rgb:
        raise InputError(f"The layer {layer.name!r} has no colours to split.")
    shown = {
        **spatial_fields(layer),
        "contrast_limits": tuple(layer.contrast_limits),
        "gamma": layer.gamma,
        "projection_mode": str(layer.projection_mode),
        "multiscale": layer.multiscale,
        "blending": "additive",
    }
    levels = [sliceable(level) for level in (layer.data if layer.multiscale else [layer.data])]
    above = viewer.layers.index(layer) + 1
    for number, colour in enumerate(_COLOURS):
        data = [level[..., number] for level in levels]
        channel = Image(
            data if layer.multiscale else data[0],
            name=f"{layer.name} · {colour}",
            colormap=colour,
            metadata=dict(layer.metadata),
            **shown,
        )
        viewer.layers.insert(above + number, channel)
    layer.visible = False
    return list(viewer.layers[above : above + len(_COLOURS)])


def file_of(layer: Image) -> Path | None:
    """File whose pixels a layer shows unchanged.

    Parameters
    ----------
    layer : Image
        Any image layer.

    Returns
    -------
    Path or None
        The file that the layer was opened from, or that of a sample of this plugin; None unless
        shape, type and some of the values, at most a million, are those of the layer.
    """
    if layer.rgb:
        return None
    # Whatever may be wrong with a file that another reader opened: it is no file of ours then.
    try:
        file = origin_of(layer)
        return file if file is not None and _holds(file, pixels_of(layer)) else None
    except Exception:
        return None


def origin_of(layer: Image) -> Path | None:
    """File that a layer was opened from, or that of a sample; its pixels may have been changed."""
    if layer.source.path:
        return Path(layer.source.path)
    plugin, sample = layer.source.sample or ("", "")
    return sample_data_path(f"{sample}_noisy.ome.tif") if plugin == "napari-blindspot" else None


def _holds(file: Path, pixels: Any) -> bool:
    volume = open_volume(file)
    native = np.dtype(pixels.dtype).newbyteorder("=")
    if volume.shape != tuple(pixels.shape) or volume.dtype != native:
        return False
    return all(
        np.array_equal(volume.read(part), np.asarray(pixels[part]), equal_nan=native.kind == "f")
        for part in spread(volume.shape)
    )
