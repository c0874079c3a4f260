"""Commands of the palette."""

from __future__ import annotations

from napari.utils.notifications import notification_manager

from napari_blindspot import methods
from napari_blindspot._gui.commands import show_methods


def test_show_methods_names_every_method():
    before = len(notification_manager.records)
    show_methods()
    (shown,) = notification_manager.records[before:]
    assert shown.severity == "info"
    lines = shown.message.splitlines()
    assert lines == [f"{name}: {cls.title}" for name, cls in methods.available().items()]
