"""Which image, how its axes are understood, and what its noise is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFormLayout, QLineEdit, QVBoxLayout, QWidget

from napari_blindspot._gui.layer_choice import LayerChoice
from napari_blindspot._gui.layers import KEY, axes_of, split_channels, volume_of
from napari_blindspot._gui.layout import button, note, row, write
from napari_blindspot._gui.task import Task
from napari_blindspot._gui.texts import tip
from napari_blindspot._gui.wording import advised, noise_text, summary_text
from napari_blindspot.params import InputError

if TYPE_CHECKING:
    from collections.abc import Generator, Hashable

    from napari.components import ViewerModel

    from napari_blindspot.halting import StopFlag
    from napari_blindspot.io.base import Volume
    from napari_blindspot.measure import NoiseReport


class ImagePanel(QWidget):
    """Layer, axes and noise.

    Parameters
    ----------
    viewer : ViewerModel
        The viewer.

    Attributes
    ----------
    changed : Signal()
        Another layer, or other axes.
    advised : Signal(dict)
        The user takes the advice that goes with the noise: method and parameters.
    busy_changed : Signal(bool)
        The analysis of the noise begins or is over.
    report : NoiseReport or None
        The noise of the chosen layer, where it was analysed.
    """

    changed = Signal()
    advised = Signal(dict)
    busy_changed = Signal(bool)

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._axes: dict[Hashable, str] = {}
        self._task: Task | None = None
        self.report: NoiseReport | None = None
        self._make()
        self._follow()
        viewer.layers.selection.events.active.connect(self._follow)
        self.choice.chosen.connect(self._layer_changed)
        self._layer_changed()

    def _make(self) -> None:
        self.choice = LayerChoice(self._viewer)
        self.axes = QLineEdit()
        self.axes.setToolTip(
            tip(
                "One letter for each axis, slowest first: T time, C channel, Z, Y, X. Correct it "
                "where "
                "the file did not say, for instance TYX in place of ZYX."
            )
        )
        self.axes.setMaximumWidth(90)
        self.axes.editingFinished.connect(self._axes_edited)
        self.summary = note()
        self.analyse = button(
            "Analyse noise",
            self._analyse,
            "Measures gain and read noise, and whether the noise of neighbouring pixels is "
            "correlated, which decides which method fits. Nothing is trained.",
        )
        self.split = button(
            "Split into channels",
            self._split,
            "Adds one layer for each colour; this one is hidden.",
        )
        self.noise = note()
        self.use = button("Use this method", self._use)
        rows = QFormLayout()
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addRow("Layer", self.choice)
        rows.addRow("Axes", row(self.axes, self.analyse, self.split))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(rows)
        for widget in (self.summary, self.noise, self.use):
            layout.addWidget(widget)
        self.use.hide()

    @property
    def layer(self) -> Any | None:
        """The chosen layer."""
        return self.choice.layer

    @property
    def volume(self) -> Volume:
        """The chosen layer as a volume.

        Raises
        ------
        InputError
            If there is no layer, or it cannot be denoised as it is.
        """
        return self.volume_of(self.layer)

    def volume_of(self, layer: Any | None) -> Volume:
        """A layer as a volume, with the axes that the user gave it."""
        if layer is None:
            raise InputError("There is no image layer; open an image, or a sample under File.")
        return volume_of(layer, self._axes.get(layer.unique_id))

    def choose(self, layer: Any) -> None:
        """Choose a layer."""
        self.choice.layer = layer

    def release(self) -> None:
        """Follow the viewer no longer, end what runs."""
        self._viewer.layers.selection.events.active.disconnect(self._follow)
        self.choice.close_choice()
        if self._task is not None:
            self._task.abandon()

    def _follow(self) -> None:
        """Choose the layer that is selected in the viewer, unless it is a result."""
        layer = self._viewer.layers.selection.active
        if layer is not None and KEY not in layer.metadata and self.isEnabled():
            self.choice.layer = layer

    def _layer_changed(self) -> None:
        self.report = None
        self._tell_noise("")
        self._describe()
        self.changed.emit()

    def _describe(self) -> None:
        layer = self.layer
        is_rgb = layer is not None and layer.rgb
        self.split.setVisible(is_rgb)
        self.analyse.setVisible(not is_rgb)
        try:
            volume = self.volume
        except InputError as error:
            write(self.summary, str(error))
            usable = layer is not None and not is_rgb
            self.axes.setEnabled(usable)
            self.analyse.setEnabled(False)
            return
        self.axes.setEnabled(True)
        self.axes.setText(volume.axes)
        self.analyse.setEnabled(self._task is None)
        write(self.summary, summary_text(volume))

    def _axes_edited(self) -> None:
        layer, text = self.layer, self.axes.text().strip().upper()
        if layer is None:
            return
        before = self._axes.get(layer.unique_id)
        self._axes[layer.unique_id] = text
        try:
            self.volume_of(layer)
        except InputError as error:
            self._restore(layer, before)
            write(self.summary, str(error))
            return
        if text != (before or axes_of(layer)):
            self._layer_changed()
        else:
            self._describe()

    def _restore(self, layer: Any, before: str | None) -> None:
        """Take back axes that do not fit; the box keeps what was typed, to be corrected."""
        if before is None:
            del self._axes[layer.unique_id]
        else:
            self._axes[layer.unique_id] = before

    def _split(self) -> None:
        split_channels(self._viewer, self.layer)

    def _analyse(self) -> None:
        volume = self.volume

        def work(_stop: StopFlag) -> Generator[NoiseReport, None, None]:
            from napari_blindspot.reporting import report_of

            yield report_of(volume)

        layer = self.layer
        self._task = Task(work, "Analysing the noise", self)
        self._task.happened.connect(lambda report: self._analysed(layer, report))
        self._task.failed.connect(lambda text, _: self._tell_noise(text))
        self._task.over.connect(self._idle)
        self.analyse.setEnabled(False)
        self._tell_noise("Analysing the noise …")
        self._task.start()
        self.busy_changed.emit(True)

    def _analysed(self, layer: Any, report: NoiseReport) -> None:
        if layer != self.layer:
            return
        self.report = report
        self._tell_noise(noise_text(report))
        self.use.setVisible(bool(advised(report)))

    def _tell_noise(self, text: str) -> None:
        write(self.noise, text)
        self.use.hide()

    def _idle(self) -> None:
        self._task = None
        self._describe()
        self.busy_changed.emit(False)

    def _use(self) -> None:
        if self.report is not None:
            self.advised.emit(advised(self.report))
