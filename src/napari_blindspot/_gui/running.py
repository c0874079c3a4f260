"""A run on a layer: from an order to the layers that it adds."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal

from napari_blindspot._gui.order import Order, add_results, look_of_part, region_of
from napari_blindspot._gui.preview_layer import PreviewLayer
from napari_blindspot._gui.suitability import mismatches
from napari_blindspot._gui.task import Task
from napari_blindspot._gui.view import InView
from napari_blindspot.events import Finished, Preview, Watching
from napari_blindspot.halting import Stop
from napari_blindspot.regions import cropped

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from napari.components import ViewerModel

    from napari_blindspot._gui.suitability import Mismatch
    from napari_blindspot.events import Event, View
    from napari_blindspot.halting import StopFlag
    from napari_blindspot.measure import NoiseReport

    Misfits = Callable[[], list[Mismatch]]


class Running(QObject):
    """One order at work.

    Parameters
    ----------
    viewer : ViewerModel
        Where the layers go.
    order : Order
        What to do.
    interval_s : float or None
        Seconds between previews, at least; None for none.
    check : bool
        Whether to look first whether the model fits the image, and to end if it does not.
    report : NoiseReport or None
        The noise of the image, where it was analysed.

    Attributes
    ----------
    happened : Signal(object)
        An event of the run, previews and the end left out.
    misfits : Signal(list)
        The model does not fit, for these reasons; nothing was done.
    finished : Signal(object, list)
        The end of the run, and the layers that were added.
    failed : Signal(str, str)
        A sentence and details.
    over : Signal
        The last of all signals.
    """

    happened = Signal(object)
    misfits = Signal(list)
    finished = Signal(object, list)
    failed = Signal(str, str)
    over = Signal()

    def __init__(
        self,
        viewer: ViewerModel,
        order: Order,
        *,
        interval_s: float | None,
        check: bool = False,
        report: NoiseReport | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.order = order
        self._viewer = viewer
        self._view: InView | None = None
        self.preview: PreviewLayer | None = None
        watching = None
        if interval_s is not None and order.model is None:
            watching = Watching(self._watch(), interval_s)
        misfits = None
        if check and order.model is not None:
            misfits = partial(mismatches, order.model, order.target.volume, report)
        work = partial(_work, order, misfits, watching)
        self.task = Task(work, f"denoising {order.target.look.name}", self)
        self.task.happened.connect(self._show)
        self.task.failed.connect(self.failed)
        self.task.over.connect(self._end)

    def start(self) -> None:
        """Begin."""
        self.task.start()

    def stop(self, answer: Stop) -> None:
        """End the run, or end its training and go on to the result."""
        self.task.stop(answer)

    def abandon(self) -> None:
        """End the run and hear no more of it: the widget closes."""
        self.task.abandon()
        self._leave()

    def _watch(self) -> View:
        """Previews of what the viewer shows of the layer that is learned from."""
        order = self.order
        part = None if order.is_double else order.job.apply_on
        region = region_of(part, order.source.volume)
        self._view = InView(self._viewer, order.source.layer, region)
        look = look_of_part(order.source.look, region)
        shape = cropped(order.source.volume, part).shape
        self.preview = PreviewLayer(self._viewer, order.source.layer, look, shape)
        return self._view

    def _show(self, event: Event | list[Mismatch]) -> None:
        if isinstance(event, list):
            self.misfits.emit(event)
        elif isinstance(event, Preview) and self.preview is not None:
            self.preview.show(event)
        elif isinstance(event, Finished):
            self._leave()
            layers = add_results(self._viewer, self.order, event)
            self.finished.emit(event, layers)
        else:
            self.happened.emit(event)

    def _end(self) -> None:
        self._leave()
        self.over.emit()

    def _leave(self) -> None:
        if self._view is not None:
            self._view.close()
        if self.preview is not None:
            self.preview.remove()
        self._view = self.preview = None


def _work(
    order: Order, misfits: Misfits | None, watching: Watching | None, stop: StopFlag
) -> Generator[Any, None, None]:
    """The order, after a look at whether the model fits."""
    found = misfits() if misfits else []
    if found:
        yield found
        return
    yield from order.work(stop, watching)
