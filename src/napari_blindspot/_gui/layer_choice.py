"""A chooser of image layers that follows the viewer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.layers import Image
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QSizePolicy

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer
    from qtpy.QtWidgets import QWidget

_EVENTS = ("inserted", "removed", "reordered", "renamed")


class LayerChoice(QComboBox):
    """Chooses one of the viewer's layers of a kind.

    Parameters
    ----------
    viewer : ViewerModel
        The viewer.
    kind : type
        Class of the layers to choose from.

    Attributes
    ----------
    chosen : Signal()
        Another layer is chosen, or none.
    """

    chosen = Signal()

    def __init__(
        self, viewer: ViewerModel, kind: type[Layer] = Image, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._viewer, self._kind = viewer, kind
        self._layers: list[Any] = []
        # Long names are cut off in the box, not in the list.
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        for name in _EVENTS:
            getattr(viewer.layers.events, name).connect(self.update_choices)
        self.currentIndexChanged.connect(lambda _: self.chosen.emit())
        self.update_choices()

    @property
    def layer(self) -> Any | None:
        """The chosen layer, or None where there is none to choose."""
        index = self.currentIndex()
        return self._layers[index] if 0 <= index < len(self._layers) else None

    @layer.setter
    def layer(self, layer: Any) -> None:
        places = [place for place, known in enumerate(self._layers) if known == layer]
        if places:
            self.setCurrentIndex(places[0])

    def update_choices(self) -> None:
        """List the layers that are there now; the choice stays if it can."""
        before = self.layer
        self._layers = [layer for layer in self._viewer.layers if isinstance(layer, self._kind)]
        self.blockSignals(True)
        self.clear()
        self.addItems([layer.name for layer in self._layers])
        if self._layers:
            self.layer = before if before in self._layers else self._layers[-1]
        self.blockSignals(False)
        if self.layer != before:
            self.chosen.emit()

    def close_choice(self) -> None:
        """Follow the viewer no longer."""
        for name in _EVENTS:
            getattr(self._viewer.layers.events, name).disconnect(self.update_choices)
