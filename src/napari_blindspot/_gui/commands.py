"""Entries of the menu Layers > Filter > Denoise and of the command palette."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import napari
from napari.layers import Image
from napari.utils.notifications import show_info, show_warning

from napari_blindspot import methods
from napari_blindspot._gui.widget import TITLE

if TYPE_CHECKING:
    from napari_blindspot._gui.widget import DenoisingWidget

_PREFIX = "open_"


def show_methods() -> None:
    """Tell the user which denoising methods there are."""
    lines = [f"{name}: {method.title}" for name, method in methods.available().items()]
    show_info("\n".join(lines))


def open_widget(method: str) -> DenoisingWidget | None:
    """Open the widget, set to a method and to the selected layer."""
    viewer = napari.current_viewer()
    if viewer is None:
        show_warning("There is no napari window to open the widget in; open one first.")
        return None
    widget: DenoisingWidget
    dock, widget = viewer.window.add_plugin_dock_widget("napari-blindspot", TITLE)
    dock.show()
    dock.raise_()
    selected = viewer.layers.selection.active
    widget.choose(method=method, layer=selected if isinstance(selected, Image) else None)
    return widget


def __getattr__(name: str) -> Any:
    """`open_NAME` opens the widget set to the method NAME, for every method there is."""
    method = name.removeprefix(_PREFIX)
    if name.startswith(_PREFIX) and method in methods.available():
        return partial(open_widget, method)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
