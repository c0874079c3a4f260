"""Noisy and denoised at the same place with the same contrast: side by side, or in turns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, final

import numpy as np
from qtpy.QtCore import QObject, QTimer

from napari_blindspot._gui.layers import pixels_of
from napari_blindspot._gui.look import Look, add_above

if TYPE_CHECKING:
    from napari.components import ViewerModel

BLINK_MS = 600
_REDRAW_MS = 80


class Comparison(ABC):
    """A way to compare two layers, as long as it is not ended."""

    @abstractmethod
    def end(self) -> None:
        """Show everything as it was before."""


@final
class Blink(Comparison):
    """Shows the denoised layer and the noisy one in turns.

    Parameters
    ----------
    viewer, noisy, denoised : ViewerModel, Image, Image
        The viewer and the layers.
    """

    def __init__(
        self, viewer: ViewerModel, noisy: Any, denoised: Any, parent: QObject | None = None
    ) -> None:
        self._viewer, self._denoised = viewer, denoised
        self._was = noisy.visible, denoised.visible
        self._noisy = noisy
        noisy.visible, denoised.visible = False, True
        noisy.contrast_limits = denoised.contrast_limits
        self._timer = QTimer(parent)
        self._timer.timeout.connect(self._turn)
        self._timer.start(BLINK_MS)

    def end(self) -> None:
        """Show both as before."""
        self._timer.stop()
        self._timer.deleteLater()
        self._noisy.visible, self._denoised.visible = self._was

    def _turn(self) -> None:
        # One at a time: layers that add up would show their sum.
        shown = self._denoised.visible
        self._denoised.visible, self._noisy.visible = not shown, shown


@final
class Split(Comparison):
    """Shows the noisy image in the left half of the view, the denoised one in the right half.

    The left half is a layer of its own, cut from the noisy pixels without copying them.

    Parameters
    ----------
    viewer, noisy, denoised : ViewerModel, Image, Image
        The viewer and the layers.
    """

    def __init__(
        self, viewer: ViewerModel, noisy: Any, denoised: Any, parent: QObject | None = None
    ) -> None:
        self._viewer, self._denoised = viewer, denoised
        self._was, self._look, self._pixels = denoised.visible, Look.of(noisy), pixels_of(noisy)
        self._to_data = noisy.world_to_data
        denoised.visible = True
        self._timer = QTimer(parent)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._draw)
        self._left: Any = None
        self._cut: tuple[int, int] | None = None
        for events in self._events():
            events.connect(self._later)
        self._draw()

    def end(self) -> None:
        """Take the left half away."""
        for events in self._events():
            events.disconnect(self._later)
        self._timer.stop()
        self._timer.deleteLater()
        if self._left is not None and self._left in self._viewer.layers:
            self._viewer.layers.remove(self._left)
        self._denoised.visible = self._was

    def _events(self) -> tuple[Any, ...]:
        camera, dims = self._viewer.scene.camera.events, self._viewer.dims.events
        return camera.center, camera.zoom, dims.order, dims.ndisplay

    def _later(self) -> None:
        if not self._timer.isActive():
            self._timer.start(_REDRAW_MS)

    def _draw(self) -> None:
        """Cut the noisy pixels at the middle of the view."""
        if self._denoised not in self._viewer.layers:
            return
        cut = self._middle()
        if cut == self._cut:
            return
        self._cut = cut
        axis, column = cut
        shape = self._pixels.shape
        half = self._pixels[
            tuple(slice(column if place == axis else n) for place, n in enumerate(shape))
        ]
        if self._left is None:
            fields = self._look.denoised("noisy half", {"comparison": True})
            fields |= {
                "blending": "translucent_no_depth",
                "contrast_limits": self._denoised.contrast_limits,
                "colormap": self._denoised.colormap,
            }
            self._left = add_above(self._viewer, self._denoised, half, fields)
        else:
            self._left.data = half

    def _middle(self) -> tuple[int, int]:
        """Axis of the noisy pixels that runs from left to right, and its place in the middle."""
        dims, point = self._viewer.dims, np.array(self._viewer.dims.point, float)
        shown = list(dims.displayed)
        point[shown] = self._viewer.scene.camera.center[-len(shown) :]
        ndim = len(self._pixels.shape)
        axis = max(shown[-1] - (dims.ndim - ndim), 0)
        column = round(float(self._to_data(point)[axis]))
        return axis, int(np.clip(column, 1, self._pixels.shape[axis] - 1))
