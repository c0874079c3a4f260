"""From the chosen layer to the denoised one: the panels, and the run between them."""

from __future__ import annotations

import contextlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QCheckBox, QFrame, QScrollArea, QVBoxLayout, QWidget

from napari_blindspot._gui.actions import Actions
from napari_blindspot._gui.device_note import device_note
from napari_blindspot._gui.image_panel import ImagePanel
from napari_blindspot._gui.layout import SPACE, heading, note, row, write
from napari_blindspot._gui.look import Look
from napari_blindspot._gui.method_panel import MethodPanel
from napari_blindspot._gui.model_panel import ModelPanel
from napari_blindspot._gui.order import Order, Subject, repeat_of, stored
from napari_blindspot._gui.part_panel import PartPanel
from napari_blindspot._gui.progress_panel import ProgressPanel
from napari_blindspot._gui.result_panel import ResultPanel
from napari_blindspot._gui.running import Running
from napari_blindspot._gui.settings import read_settings
from napari_blindspot._gui.task import spare_threads
from napari_blindspot._gui.texts import tip
from napari_blindspot._gui.wording import done_text, in_window_words, stopped_text
from napari_blindspot.events import Tile
from napari_blindspot.halting import Stop
from napari_blindspot.job import Job
from napari_blindspot.params import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari.components import ViewerModel
    from qtpy.QtGui import QShowEvent

    from napari_blindspot._gui.suitability import Mismatch
    from napari_blindspot.events import Event, Finished

_GIGABYTE = 1e9


class DenoiseTab(QWidget):
    """Choose an image and a method, denoise, look, keep.

    Parameters
    ----------
    viewer : ViewerModel
        The viewer.

    Attributes
    ----------
    busy_changed : Signal(bool)
        A run begins or is over.
    """

    busy_changed = Signal(bool)

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self.running: Running | None = None
        self._warned = False
        self._taken_by: set[str] = set()
        self._make()
        self._connect()
        self._image_changed()

    def _make(self) -> None:
        self.image = ImagePanel(self._viewer)
        self.method = MethodPanel()
        self.part = PartPanel(self._viewer)
        self.uncertainty = QCheckBox("Uncertainty")
        self.uncertainty.setToolTip(
            tip(
                "Adds a layer with the standard deviation of every pixel, in the units of the "
                "image."
            )
        )
        self.residual = QCheckBox("Residual")
        self.residual.setToolTip(
            tip(
                "Adds a layer with noisy minus denoised: where structures show in it, some "
                "were lost."
            )
        )
        self.live = QCheckBox("Live preview")
        self.live.setToolTip(
            tip("Shows what the network makes of the slice in view while it learns.")
        )
        self.live.setChecked(True)
        self.device = note()
        self.actions = Actions()
        self.progress = ProgressPanel()
        self.result = ResultPanel(self._viewer)
        self.model = ModelPanel()
        self._lay_out()

    def _lay_out(self) -> None:
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(2, 2, SPACE, 2)
        column.setSpacing(SPACE)
        self._settings_widgets = (self.image, self.method, self.part)
        for title, widgets in (
            ("Image", (self.image,)),
            ("Method", (self.method,)),
            ("Part and results", (self.part, row(self.uncertainty, self.residual, self.live))),
            ("Model", (self.model,)),
        ):
            column.addWidget(heading(title))
            for widget in widgets:
                column.addWidget(widget)
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidget(inside)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scroll, 1)
        # What a user needs while it runs is always in sight.
        for widget in (self.device, self.actions, self.progress, self.result):
            layout.addWidget(widget)
        self.progress.setVisible(False)

    def _connect(self) -> None:
        self.image.changed.connect(self._image_changed)
        self.image.advised.connect(self.method.set_fields)
        self.method.changed.connect(self._method_changed)
        self.image.busy_changed.connect(lambda busy: self.set_taken(busy, by="analysis"))
        self.model.wanted.connect(self.apply_model)
        self.model.taken.connect(self._model_taken)
        self.actions.denoise.connect(self.denoise)
        self.actions.enough.connect(partial(self.stop, Stop.APPLY))
        self.actions.stop.connect(partial(self.stop, Stop.HALT))
        self.result.failed.connect(self._fail)
        self._method_changed()

    @property
    def busy(self) -> bool:
        """Whether a run is on."""
        return self.running is not None

    def fields(self) -> dict[str, Any]:
        """What of a job is chosen here, whatever the image."""
        settings = read_settings()
        return {
            **self.method.fields(),
            "device": settings.device,
            "threads": spare_threads(),
        }

    def choose(self, *, method: str | None = None, layer: Any = None) -> None:
        """Set a method and a layer."""
        if method is not None:
            self.method.method = method
        if layer is not None:
            self.image.choose(layer)

    def denoise(self) -> None:
        """Learn from the chosen layer and denoise it."""
        with self._telling():
            self._begin(self._learning())

    def apply_model(self) -> None:
        """Denoise the chosen layer with the model in hand; first tell what does not fit."""
        with self._telling():
            self._begin(self._applying())

    def stop(self, answer: Stop) -> None:
        """End the run, or end its training and go on to the result."""
        if self.running is not None:
            self.running.stop(answer)
            ending = "Stopping …" if answer is Stop.HALT else "Applying what was learned …"
            self.progress.say(ending)

    def set_taken(self, taken: bool, *, by: str) -> None:
        """Forbid to begin a run as long as another work is on; each is told by its name."""
        (self._taken_by.add if taken else self._taken_by.discard)(by)
        free = not self._taken_by
        self.actions.set_free(free)
        self.model.set_free(free)

    def release(self) -> None:
        """End what runs and follow the viewer no longer: the widget closes."""
        if self.running is not None:
            self.running.abandon()
            self.running = None
        for panel in (self.image, self.part, self.result, self.model):
            panel.release()

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        """Say in a sentence why a run cannot begin."""
        try:
            yield
        except InputError as error:
            self._fail(str(error), "")

    def _learning(self) -> Order:
        source = self._subject(self.image.layer)
        other = self.part.target
        target = source if other is None else self._subject(other)
        train_on = self.part.learned_part(source.layer, source.volume)
        job = Job(
            **self.fields(),
            axes=None,
            held_out=True,
            with_std=self.uncertainty.isChecked() and self.method.has_std,
            train_on=train_on,
            apply_on=None if other is not None else self.part.applied_part(train_on),
        )
        return self._stored(Order(job, source, target, residual=self.residual.isChecked()))

    def _applying(self) -> Order:
        model, subject = self.model.model, self._subject(self.image.layer)
        if model is None:
            raise InputError("There is no model yet; denoise an image, or open a model.")
        settings = read_settings()
        job = Job(
            method=model.method.name,
            params=model.method.values(),
            device=settings.device,
            threads=spare_threads(),
            with_std=self.uncertainty.isChecked() and model.method.has_std,
        )
        order = Order(job, subject, subject, model, self.residual.isChecked(), self.model.file)
        return self._stored(order)

    def _subject(self, layer: Any) -> Subject:
        volume = self.image.volume_of(layer)
        return Subject(layer, Look.of(layer), volume)

    def _stored(self, order: Order) -> Order:
        settings = read_settings()
        opened = order.target.layer.source.path
        beside = Path(opened).parent if opened else Path.home()
        folder = Path(settings.output_folder or beside)
        return stored(order, settings.memory_limit_gb * _GIGABYTE, folder)

    def _begin(self, order: Order) -> None:
        interval_s = read_settings().preview_interval_s if self.live.isChecked() else 0.0
        self.running = Running(
            self._viewer,
            order,
            interval_s=interval_s or None,
            check=not self._warned,
            report=self.image.report,
            parent=self,
        )
        self.running.happened.connect(self._show)
        self.running.misfits.connect(self._warn)
        self.running.finished.connect(self._finish)
        self.running.failed.connect(self._fail)
        self.running.over.connect(self._over)
        self.result.clear()
        self._tell_device()
        self.progress.setVisible(True)
        self.progress.begin(1)
        self._set_busy(True)
        self.running.start()

    def _show(self, event: Event) -> None:
        self.progress.show(event)
        if isinstance(event, Tile):
            self.actions.learned()

    def _fail(self, text: str, details: str) -> None:
        self.progress.setVisible(True)
        self.progress.fail(in_window_words(text), details)

    def _warn(self, found: list[Mismatch]) -> None:
        """Say what does not fit; a second click applies the model all the same."""
        words = " ".join(mismatch.text for mismatch in found)
        self._warned = not any(mismatch.is_fatal for mismatch in found)
        again = " Apply it again to do so all the same." if self._warned else ""
        self._fail(words + again, "")

    def _finish(self, finished: Finished, layers: list[Any]) -> None:
        if self.running is None:
            return
        order = self.running.order
        self._warned = False
        if order.model is None:
            self.model.take(finished.model, f"learned from {order.source.look.name}")
        self.result.take(order, repeat_of(order, finished), layers)
        if finished.stopped:
            self.progress.say("")
        text = stopped_text if finished.stopped else partial(done_text, title=order.title)
        self.progress.end(text(finished))

    def _over(self) -> None:
        self.running = None
        self._set_busy(False)

    def _set_busy(self, busy: bool) -> None:
        for widget in self._settings_widgets:
            widget.setEnabled(not busy)
        learns = self.running is not None and self.running.order.model is None
        self.actions.set_busy(busy, learning=busy and learns)
        self.set_taken(busy, by="run")
        self.busy_changed.emit(busy)

    def _image_changed(self) -> None:
        self._warned = False
        volume = None
        with contextlib.suppress(InputError):
            volume = self.image.volume
        self.part.show_axes(volume)
        self.actions.set_ready(volume is not None)

    def _method_changed(self) -> None:
        model = self.model.model
        self.uncertainty.setEnabled(
            self.method.has_std or (model is not None and model.method.has_std)
        )

    def _model_taken(self) -> None:
        self._warned = False
        self._method_changed()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Tell the device as the preferences have it now."""
        super().showEvent(event)
        self._tell_device()

    def _tell_device(self) -> None:
        write(self.device, device_note(read_settings().device, spare_threads()))
