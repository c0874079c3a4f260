"""Whether a wheel brings all that napari shows of it: the program of `make wheel-check`.

It runs with the Python of an environment that has the wheel and napari and nothing of the
checkout. It opens a real window, and clicks what a user would click.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import napari
from napari.settings import get_plugin_settings
from qtpy.QtWidgets import QApplication, QMenu

import napari_blindspot
from napari_blindspot import methods

PLUGIN = "napari-blindspot"
TITLE = "Blind-spot denoising"
SAMPLES = {
    "Planaria-like nuclei (3D, noisy)": [(24, 160, 160)],
    "Filaments (2D, noisy)": [(256, 256)],
    "Two-channel time-lapse (noisy)": [(8, 128, 128), (8, 128, 128)],
}
SETTINGS = {"device", "memory_limit_gb", "preview_interval_s", "output_folder"}
PATIENCE_S = 300


def check(what, found, wanted):
    """Say what was looked at; end the program if it is not as it should be."""
    if found != wanted:
        sys.exit(f"NOT  {what}: {found!r}, should be {wanted!r}")
    print(f"ok   {what}: {found}", flush=True)


def entries(menu, *path):
    """Entries by their texts in a submenu of a menu of the window."""
    menu.aboutToShow.emit()
    found = {action.text().replace("&", ""): action for action in menu.actions()}
    if not path:
        return found
    first, *rest = path
    if first not in found:
        sys.exit(f"NOT  {first!r} is not in the menu: {', '.join(filter(None, found))}")
    below = found[first].menu()
    return entries(below, *rest) if isinstance(below, QMenu) else sys.exit(f"NOT  menu: {first}")


def check_package():
    """The package is the one that was installed, and finds its samples."""
    environment = Path(sys.prefix).resolve()
    file = Path(napari_blindspot.__file__).resolve()
    check("the package is that of this environment", file.is_relative_to(environment), True)
    print(f"     version {napari_blindspot.__version__}, napari {napari.__version__}")


def check_widget(viewer):
    """Plugins > Blind-spot denoising opens the widget, without torch."""
    found = entries(viewer.window.plugins_menu)
    (entry,) = [text for text in found if text.startswith(TITLE)]
    begun = time.perf_counter()
    found[entry].trigger()
    QApplication.processEvents()
    print(f"     Plugins > {entry} opened in {time.perf_counter() - begun:.2f} s")
    titles = [name for name in viewer.window.dock_widgets if name.startswith(TITLE)]
    check("docked widgets", titles, [f"{TITLE} ({PLUGIN})"])
    check("torch is imported by the widget", "torch" in sys.modules, False)


def check_samples(viewer):
    """File > Open Sample opens all samples, with their units."""
    found = entries(viewer.window.file_menu, "Open Sample", PLUGIN)
    check("File > Open Sample", sorted(found), sorted(SAMPLES))
    for text, shapes in SAMPLES.items():
        before = list(viewer.layers)
        found[text].trigger()
        added = [layer for layer in viewer.layers if layer not in before]
        check(text, [layer.data.shape for layer in added], shapes)
        units = {str(layer.units[-1]) for layer in added}
        check(f"{text}, unit along X", units, {"micrometer"})


def check_menu(viewer):
    """Layers > Filter > Denoise has an entry for each method, which sets the widget to it."""
    found = entries(viewer.window.layers_menu, "Filter", "Denoise")
    titles = {name: method.title for name, method in methods.available().items()}
    check("entries of Layers > Filter > Denoise", len(found), len(titles))
    layer = viewer.layers[-1]
    viewer.layers.selection = [layer]
    for name, title in titles.items():
        (text,) = [text for text in found if text.startswith(f"Denoise: {title},")]
        found[text].trigger()
        tab = tab_of(viewer)
        check(text, (tab.method.method, tab.image.layer.name), (name, layer.name))


def check_settings():
    """The preferences have a page for the plugin."""
    page = get_plugin_settings(PLUGIN).denoising
    names = set(type(page).model_fields)
    check("preferences", sorted(names & SETTINGS), sorted(SETTINGS))


def check_run(viewer):
    """Denoise makes a layer."""
    tab = tab_of(viewer)
    tab.choose(method="n2v", layer=viewer.layers["Filaments"])
    tab.method.budget = "3steps"
    tab.actions.denoise_button.click()
    end = time.monotonic() + PATIENCE_S
    while tab.busy and time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.01)
    print(f"     {tab.progress.text}")
    check("denoised layer", "Filaments · Noise2Void" in viewer.layers, True)


def tab_of(viewer):
    """The Denoise tab of the open widget."""
    _, widget = viewer.window.add_plugin_dock_widget(PLUGIN, TITLE)
    return widget.denoise_tab


def main():
    """Check one thing after the other."""
    check_package()
    viewer = napari.Viewer()
    check_widget(viewer)
    check_samples(viewer)
    check_menu(viewer)
    check_settings()
    check_run(viewer)
    viewer.close()
    print("all there")


if __name__ == "__main__":
    main()
