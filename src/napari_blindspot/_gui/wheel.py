"""The mouse wheel scrolls a panel and changes nothing in it."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QWidget


class _WheelPasses(QObject):
    """Hands the wheel of a widget on to what lies behind it."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: ARG002, N802
        """Keep the wheel from the widget; ignored, it goes on to the widget's parent."""
        if event.type() != QEvent.Type.Wheel:
            return False
        event.ignore()
        return True


def ignore_wheel(widget: QWidget) -> None:
    """Let the wheel pass a spin box or combo box, even while it has the focus.

    Someone who scrolls a panel must not change a number that comes to lie under the pointer.
    """
    widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    widget.installEventFilter(_WheelPasses(widget))
