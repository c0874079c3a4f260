"""The layer in which the user sees the network learn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_blindspot._gui.look import Look, add_above

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_blindspot.events import Preview


class PreviewLayer:
    """Shows previews of a layer in a layer of their own, with the contrast of the source.

    Parameters
    ----------
    viewer : ViewerModel
        The viewer.
    source : Image
        The layer that is being learned from.
    look : Look
        How it is placed and shown.
    offset : tuple of slice, optional
        Part of the layer in whose coordinates the previews are.
    """

    def __init__(self, viewer: ViewerModel, source: Any, look: Look) -> None:
        self._viewer, self._source, self._look = viewer, source, look
        self._layer: Any = None

    def show(self, preview: Preview) -> None:
        """Show one; a preview that the user has removed stays away."""
        fields = self._look.part(preview.region).denoised("preview", {"preview": True})
        fields["blending"] = "translucent_no_depth"
        if self._layer is None:
            self._layer = add_above(self._viewer, self._source, preview.image, fields)
        elif self._layer in self._viewer.layers:
            self._change(preview, fields)

    def remove(self) -> None:
        """Take the layer out of the viewer."""
        if self._layer is not None and self._layer in self._viewer.layers:
            self._viewer.layers.remove(self._layer)
        self._layer = None

    def _change(self, preview: Preview, fields: dict[str, Any]) -> None:
        layer = self._layer
        # The place first: were the new pixels shown at the old one, the picture would jump.
        if layer.data.shape == preview.image.shape:
            layer.translate = fields["translate"]
            layer.data = preview.image
        else:
            layer.data = preview.image
            layer.translate = fields["translate"]
        source = self._source
        if source in self._viewer.layers:
            layer.contrast_limits = source.contrast_limits
