"""Which part of the layer to learn from, and what to denoise."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from napari.layers import Shapes
from qtpy.QtWidgets import QComboBox, QFormLayout, QLabel, QSpinBox, QVBoxLayout, QWidget

from napari_blindspot._gui.layer_choice import LayerChoice
from napari_blindspot._gui.layout import row
from napari_blindspot._gui.parts import part_text, planes_text, rectangle_region
from napari_blindspot._gui.texts import tip
from napari_blindspot._gui.view import InView
from napari_blindspot.params import InputError

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_blindspot.io.base import Volume

WHOLE, VIEW, RECTANGLE, PLANES = "whole layer", "current view", "rectangle", "chosen planes"
SAME, ALL, OTHER = "the same part", "the whole layer", "another layer"
_WORDS = {"T": "Time points", "Z": "Planes"}


class PartPanel(QWidget):
    """Learn from, and apply to.

    Parameters
    ----------
    viewer : ViewerModel
        The viewer.
    """

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self.ranges: dict[str, tuple[QSpinBox, QSpinBox]] = {}
        self.learn_from = QComboBox()
        self.learn_from.addItems([WHOLE, VIEW, RECTANGLE, PLANES])
        self.learn_from.setToolTip(
            tip("What the network learns from. A part that is like the rest learns faster.")
        )
        self.shapes = LayerChoice(viewer, Shapes)
        self.apply_to = QComboBox()
        self.apply_to.addItems([SAME, ALL, OTHER])
        self.other = LayerChoice(viewer)
        self._rows = QFormLayout()
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.addRow("Learn from", self.learn_from)
        self._rows.addRow("Shapes", self.shapes)
        self._planes = QFormLayout()
        self._rows.addRow(self._planes)
        self._rows.addRow("Apply to", self.apply_to)
        self._rows.addRow("Layer", self.other)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(self._rows)
        self.learn_from.currentTextChanged.connect(lambda _: self._update())
        self.apply_to.currentTextChanged.connect(lambda _: self._update())
        self._update()

    def show_axes(self, volume: Volume | None) -> None:
        """Offer the time points and planes of an image."""
        while self._planes.rowCount():
            self._planes.removeRow(0)
        self.ranges = {}
        if volume is not None:
            for letter, length in zip(volume.axes, volume.shape, strict=True):
                if letter in _WORDS and length > 1:
                    self.ranges[letter] = self._range_row(letter, length)
        self._update()

    def learned_part(self, layer: Any, volume: Volume) -> str | None:
        """Text of the region to learn from, see `parse_region`; None for the whole layer.

        Raises
        ------
        InputError
            If nothing fit is chosen.
        """
        chosen = self.learn_from.currentText()
        if chosen == VIEW:
            return self._part_in_view(layer, volume.axes)
        if chosen == RECTANGLE:
            return self._part_in_rectangle(layer, volume)
        if chosen == PLANES:
            ranges = {letter: (a.value(), b.value()) for letter, (a, b) in self.ranges.items()}
            return planes_text(volume.axes, ranges, volume.shape) or None
        return None

    def applied_part(self, learned: str | None) -> str | None:
        """Text of the region to denoise."""
        return learned if self.apply_to.currentText() == SAME else None

    @property
    def target(self) -> Any | None:
        """Another layer to apply the model to; None for the layer that it learned from.

        Raises
        ------
        InputError
            If there is no layer to choose.
        """
        if self.apply_to.currentText() != OTHER:
            return None
        if self.other.layer is None:
            raise InputError("There is no layer to apply the model to; open one.")
        return self.other.layer

    def release(self) -> None:
        """Follow the viewer no longer."""
        self.shapes.close_choice()
        self.other.close_choice()

    def _part_in_view(self, layer: Any, axes: str) -> str | None:
        with closing(InView(self._viewer, layer)) as view:
            return view.text(axes) or None

    def _part_in_rectangle(self, layer: Any, volume: Volume) -> str | None:
        shapes = self.shapes.layer
        if shapes is None:
            raise InputError(
                "There is no Shapes layer; add one and draw a rectangle, or learn from all."
            )
        region = rectangle_region(shapes, layer, volume.axes)
        return part_text(volume.axes, volume.shape, region) or None

    def _range_row(self, letter: str, length: int) -> tuple[QSpinBox, QSpinBox]:
        first, last = QSpinBox(), QSpinBox()
        for box in (first, last):
            box.setRange(0, length - 1)
        last.setValue(length - 1)
        first.valueChanged.connect(last.setMinimum)
        self._planes.addRow(_WORDS[letter], row(first, QLabel("to"), last))
        return first, last

    def _update(self) -> None:
        chosen = self.learn_from.currentText()
        self._rows.setRowVisible(self.shapes, chosen == RECTANGLE)
        self._rows.setRowVisible(self._planes, chosen == PLANES and bool(self.ranges))
        self._rows.setRowVisible(self.other, self.apply_to.currentText() == OTHER)
