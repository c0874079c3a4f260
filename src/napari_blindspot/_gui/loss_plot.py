"""The loss while networks learn, drawn with the colours of the theme."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPen, QPolygonF
from qtpy.QtWidgets import QWidget

from napari_blindspot._gui import colours
from napari_blindspot._gui.plot_scale import Scale
from napari_blindspot._gui.texts import tip

if TYPE_CHECKING:
    from qtpy.QtGui import QPaintEvent

Points: TypeAlias = "list[tuple[float, float]]"

_MOST_POINTS = 400
# Part of the whole training over which the loss is averaged.
_SMOOTHING = 0.02
# The first steps of a training may lie so high that the rest would look flat.
_SETTLING = 0.03
_GAP = 6


class LossPlot(QWidget):
    """Training loss, smoothed, and the loss on held-out pixels.

    The scale is logarithmic where all losses are above 0.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumSize(260, 120)
        self.setToolTip(
            tip(
                "How badly the network explains pixels: those that it learns from, and some that "
                "it never learns from. When the second curve rises, more training makes the "
                "result worse."
            )
        )
        self.clear()

    @property
    def values(self) -> dict[str, Points]:
        """Places (0 to 1) and losses of the curves `training` and `held_out`, as drawn."""
        return {"training": list(self._training.points), "held_out": list(self._held_out.points)}

    def clear(self) -> None:
        """Begin anew."""
        self._training = _Curve(_SMOOTHING)
        self._held_out = _Curve(0.0)
        self.update()

    def add(self, place: float, loss: float, held_out: float | None = None) -> None:
        """Add the loss of a step.

        Parameters
        ----------
        place : float
            Part of the training of all networks that is done, 0 to 1.
        loss, held_out : float
            Loss of the step, and on held-out pixels where it was found; those that are no numbers
            are left out.
        """
        self._training.add(place, loss)
        if held_out is not None:
            self._held_out.add(place, held_out)
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Size that Qt asks for."""
        return QSize(300, 150)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002, N802
        """Draw axes, key and curves."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        scale = self._scale()
        frame = self._frame(scale)
        self._draw_key(painter, frame)
        self._draw_places(painter, frame)
        if scale is not None:
            self._draw_losses(painter, frame, scale)
            painter.setClipRect(frame)
            for curve, pen in self._curves():
                painter.setPen(pen)
                painter.drawPolyline(QPolygonF(_line(curve.points, frame, scale)))
        painter.end()

    def _curves(self) -> tuple[tuple[_Curve, QPen], tuple[_Curve, QPen]]:
        training, held_out = QPen(colours.text(self), 1.5), QPen(colours.accent(self), 2.0)
        return (self._training, training), (self._held_out, held_out)

    def _scale(self) -> Scale | None:
        points = [*self._training.points, *self._held_out.points]
        settled = [loss for place, loss in points if place > _SETTLING]
        losses = settled if len(settled) > 1 else [loss for _, loss in points]
        return Scale(losses) if losses else None

    def _frame(self, scale: Scale | None) -> QRectF:
        """Where the curves lie: room for the texts around it is measured, not guessed."""
        metrics = self.fontMetrics()
        labels = [f"{value:.3g}" for value in scale.ticks()] if scale else []
        left = max(map(metrics.horizontalAdvance, ["loss", *labels])) + 2 * _GAP
        right = metrics.horizontalAdvance("100 %") / 2 + 2
        # Half of the topmost label lies above the frame.
        top, bottom = 1.5 * metrics.height() + 1, metrics.height() + _GAP
        return QRectF(left, top, self.width() - left - right, self.height() - top - bottom)

    def _draw_key(self, painter: QPainter, frame: QRectF) -> None:
        metrics = self.fontMetrics()
        middle = metrics.height() / 2
        painter.setPen(colours.text(self))
        beside = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRectF(0, 0, frame.left() - _GAP, 2 * middle), beside, "loss")
        x = frame.left()
        for name, (curve, pen) in zip(("training", "held-out pixels"), self._curves(), strict=True):
            if self._training.points and not curve.points:
                continue
            painter.setPen(pen)
            painter.drawLine(QPointF(x, middle), QPointF(x + 16, middle))
            painter.setPen(colours.text(self))
            width = metrics.horizontalAdvance(name) + 2
            box = QRectF(x + 20, 0, width, 2 * middle)
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, name)
            x += 20 + width + 12

    def _draw_places(self, painter: QPainter, frame: QRectF) -> None:
        painter.setPen(colours.text(self, 0.35))
        painter.drawRect(frame)
        painter.setPen(colours.text(self))
        metrics = self.fontMetrics()
        for place, name in ((0.0, "0 %"), (0.5, "of the training"), (1.0, "100 %")):
            width = metrics.horizontalAdvance(name) + 2
            x = frame.left() + place * frame.width() - width / 2
            box = QRectF(x, frame.bottom() + _GAP / 2, width, metrics.height())
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, name)

    def _draw_losses(self, painter: QPainter, frame: QRectF, scale: Scale) -> None:
        beside = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        faint: QColor = colours.text(self, 0.15)
        half = self.fontMetrics().height() / 2
        for value in scale.ticks():
            y = frame.bottom() - scale.height(value) * frame.height()
            painter.setPen(faint)
            painter.drawLine(QPointF(frame.left(), y), QPointF(frame.right(), y))
            painter.setPen(colours.text(self))
            box = QRectF(0, y - half, frame.left() - _GAP, 2 * half)
            painter.drawText(box, beside, f"{value:.3g}")


class _Curve:
    """Places and losses; of more than a few hundred every second one is kept.

    So drawing costs the same after an hour as after a second.
    """

    def __init__(self, smoothing: float) -> None:
        self.points: Points = []
        self._smoothing = smoothing
        self._sum, self._weight, self._place = 0.0, 0.0, 0.0
        self._every, self._count = 1, 0

    def add(self, place: float, loss: float) -> None:
        """Add a point, unless the loss is no number."""
        if not math.isfinite(loss):
            return
        passed = abs(place - self._place)
        kept = math.exp(-passed / self._smoothing) if self._smoothing else 0.0
        self._sum, self._weight = kept * self._sum + loss, kept * self._weight + 1
        self._place = place
        if self._count % self._every == 0:
            self.points.append((place, self._sum / self._weight))
        self._count += 1
        if len(self.points) > _MOST_POINTS:
            self.points, self._every = self.points[::2], 2 * self._every


def _line(points: Points, frame: QRectF, scale: Scale) -> list[QPointF]:
    return [
        QPointF(
            frame.left() + place * frame.width(),
            frame.bottom() - scale.height(loss) * frame.height(),
        )
        for place, loss in points
    ]
