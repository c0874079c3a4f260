"""What part of a layer the viewer shows, as a training thread may ask for it."""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_blindspot._gui.layers import pixels_of
from napari_blindspot._gui.parts import part_text
from napari_blindspot._gui.places import Place
from napari_blindspot.params import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_blindspot.io.base import Region

MOST_PIXELS = 1024  # along an axis of a preview

_MOVES = ("visible", "data", "scale", "translate", "rotate", "shear", "affine", "units")


class InView:
    """Region of a layer that is in view, kept up to date in the main thread.

    Calling it gives the region; that may be done from any thread. Keep a reference for as long
    as it shall follow the viewer.

    Parameters
    ----------
    viewer : ViewerModel
        The viewer.
    layer : Image
        Its layer.
    part : tuple of slice, optional
        The part of the layer in whose pixels the region is counted, where only that is denoised.
    """

    def __init__(self, viewer: ViewerModel, layer: Image, part: Region | None = None) -> None:
        self._viewer, self._layer, self._part = viewer, layer, part
        self._lock = threading.Lock()
        self._region: Region | None = None
        self._emitters: list[Any] = [
            viewer.dims.events,
            viewer.scene.camera.events,
            viewer.canvas.events.size,
            viewer.canvas.grid.events,
            viewer.layers.events.inserted,
            viewer.layers.events.removed,
            *(getattr(layer.events, name) for name in _MOVES),
        ]
        for emitter in self._emitters:
            emitter.connect(self.update)
        self.update()

    def __call__(self) -> Region | None:
        """The region in view, or None where there is nothing to preview.

        Returns
        -------
        tuple of slice or None
            One slice per axis: up to 1024 pixels around the middle along the axes that are
            displayed, one place along the others.
        """
        with self._lock:
            return self._region

    def update(self) -> None:
        """Look at the viewer; in the main thread only."""
        region = region_in_view(self._viewer, self._layer)
        if region is not None and self._part is not None:
            region = _inside(self._part, region)
        middle = None if region is None else tuple(map(_middle, region))
        with self._lock:
            self._region = middle

    def text(self, axes: str) -> str:
        """What is in view, all of it, as the text of a region to learn from.

        Whole axes are left out, and so are channels: a network learns all of them.

        Parameters
        ----------
        axes : str
            One letter per axis of the layer.

        Raises
        ------
        InputError
            If nothing of the layer is in view.
        """
        region = region_in_view(self._viewer, self._layer)
        if region is None:
            raise InputError(
                f"Nothing of the layer {self._layer.name!r} is in view; show it, in 2D."
            )
        shape = pixels_of(self._layer).shape
        kept = [slice(None) if a == "C" else s for a, s in zip(axes, region, strict=True)]
        return part_text(axes, shape, tuple(kept))

    def close(self) -> None:
        """Follow the viewer no longer."""
        for emitter in self._emitters:
            emitter.disconnect(self.update)
        self._emitters.clear()


def region_in_view(viewer: ViewerModel, layer: Image) -> Region | None:
    """The region of a layer that the canvas shows.

    Parameters
    ----------
    viewer : ViewerModel
        The viewer.
    layer : Image
        Any image layer; of a multiscale one the region is that of the finest level.

    Returns
    -------
    tuple of slice or None
        One slice per axis; None in 3D, and where nothing of the layer is visible.
    """
    dims = viewer.dims
    # A layer's axes are the last of the viewer's.
    shown = [axis - dims.ndim + layer.ndim for axis in dims.displayed]
    if dims.ndisplay != 2 or min(shown) < 0 or not layer.visible or layer not in viewer.layers:
        return None
    hidden = [axis for axis in range(layer.ndim) if axis not in shown]
    place = Place.of(layer, dims.units)
    section = place.section(hidden, np.asarray(dims.point[-layer.ndim :])[hidden])
    window = place.plane(shown, _corners(viewer))
    ends = {axis: (at, at) for axis, at in zip(hidden, section, strict=True)}
    ends |= {axis: (at.min(), at.max()) for axis, at in zip(shown, window.T, strict=True)}
    lengths = pixels_of(layer).shape
    region = tuple(_span(*ends[axis], int(lengths[axis])) for axis in range(layer.ndim))
    return region if all(span.stop > span.start for span in region) else None


def _corners(viewer: ViewerModel) -> list[tuple[float, ...]]:
    """Corners of the canvas in the world, along the axes that are displayed."""
    camera = viewer.scene.camera
    middle = np.asarray(camera.center[-2:], np.float64)
    half = np.asarray(viewer.canvas.viewbox_size(viewer.layers), np.float64) / camera.zoom / 2
    return list(itertools.product(*zip(middle - half, middle + half, strict=True)))


def _span(low: float, high: float, length: int) -> slice:
    """Pixels of an axis that lie between two places."""
    start, stop = (round(float(np.clip(end, -1, length))) for end in (low, high))
    return slice(max(start, 0), min(stop + 1, length))


def _middle(span: slice) -> slice:
    if span.stop - span.start <= MOST_PIXELS:
        return span
    start = (span.start + span.stop - MOST_PIXELS) // 2
    return slice(start, start + MOST_PIXELS)


def _inside(part: Sequence[slice], region: Region) -> Region | None:
    """A region in the pixels of a part; None where they have nothing in common."""
    found = []
    for own, span in zip(part, region, strict=True):
        first, step = own.start or 0, own.step or 1
        start = max(-(-(span.start - first) // step), 0)
        stop = -(-(min(span.stop, own.stop or span.stop) - first) // step)
        if stop <= start:
            return None
        found.append(slice(start, stop))
    return tuple(found)
