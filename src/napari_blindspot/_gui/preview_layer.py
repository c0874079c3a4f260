"""The layer in which the user sees the network learn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_blindspot._gui.look import Look, add_above

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel
    from numpy.typing import NDArray

    from napari_blindspot.events import Preview
    from napari_blindspot.io.base import Region


class PreviewLayer:
    """Shows previews of a layer in a layer of their own, with the contrast of the source.

    Parameters
    ----------
    viewer : ViewerModel
        The viewer.
    source : Image
        The layer that is being learned from.
    look : Look
        How it, or its part that is previewed, is placed and shown.
    shape : sequence of int
        Shape of the layer, or of that part.
    """

    def __init__(self, viewer: ViewerModel, source: Any, look: Look, shape: Sequence[int]) -> None:
        self._viewer, self._source, self._look = viewer, source, look
        self._pixels = Excerpt(shape)
        self._layer: Any = None

    def show(self, preview: Preview) -> None:
        """Show one; a preview that the user has removed stays away."""
        self._pixels.put(preview.image, preview.region)
        if self._layer is None:
            fields = self._look.denoised("preview", {"preview": True})
            fields["blending"] = "translucent_no_depth"
            self._layer = add_above(self._viewer, self._source, self._pixels, fields)
        elif self._layer in self._viewer.layers:
            if self._source in self._viewer.layers:
                self._layer.contrast_limits = self._source.contrast_limits
            self._layer.refresh()

    def remove(self) -> None:
        """Take the layer out of the viewer."""
        if self._layer is not None and self._layer in self._viewer.layers:
            self._viewer.layers.remove(self._layer)
        self._layer = None


class Excerpt:
    """An array that has values in one region and is NaN, which is transparent, elsewhere.

    A layer of the region alone would leave the view with every move of the slider; to take such a
    layer out of the viewer makes some OpenGL drivers crash.

    Parameters
    ----------
    shape : sequence of int
        Shape of the whole.
    """

    dtype = np.dtype(np.float32)

    def __init__(self, shape: Sequence[int]) -> None:
        self.shape = tuple(shape)
        self.ndim = len(self.shape)
        self._image: NDArray[np.float32] = np.empty((0,) * self.ndim, np.float32)
        self._region: Region = (slice(0, 0),) * self.ndim

    def put(self, image: NDArray[np.float32], region: Region) -> None:
        """Have these values there, and no others."""
        self._image, self._region = image, region

    def __getitem__(self, index: Any) -> NDArray[np.float32]:
        given = index if isinstance(index, tuple) else (index,)
        places = [
            range(length)[each] for each, length in zip(self._all(given), self.shape, strict=True)
        ]
        wanted = [range(p, p + 1) if isinstance(p, int) else p for p in places]
        values = np.full([len(p) for p in wanted], np.nan, np.float32)
        targets, sources = [], []
        for places_of_axis, own in zip(wanted, self._region, strict=True):
            found = [(at, p) for at, p in enumerate(places_of_axis) if own.start <= p < own.stop]
            targets.append([at for at, _ in found])
            sources.append([p - own.start for _, p in found])
        if all(targets):
            values[np.ix_(*targets)] = self._image[np.ix_(*sources)]
        kept = [0 if isinstance(p, int) else slice(None) for p in places]
        result: NDArray[np.float32] = values[tuple(kept)]
        return result

    def _all(self, given: tuple[Any, ...]) -> list[Any]:
        """One index per axis."""
        if Ellipsis in given:
            at = given.index(Ellipsis)
            missing = self.ndim - len(given) + 1
            given = (*given[:at], *(slice(None),) * missing, *given[at + 1 :])
        rest = (slice(None),) * (self.ndim - len(given))
        return [each if isinstance(each, slice) else int(each) for each in (*given, *rest)]
