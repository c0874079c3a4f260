"""Pictures of the real window for the documentation.

    xvfb-run -a -s "-screen 0 1400x1000x24" python docs/make_images.py            all of them
    xvfb-run -a -s "-screen 0 1400x1000x24" python docs/make_images.py --only live

Each scene opens napari at 1280 x 800 with the widget docked, does what a user would do, waits for
the end of the run, and saves what the window shows into docs/images.
"""

from __future__ import annotations

import argparse
import io
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import napari
from napari.settings import get_settings
from PIL import Image
from qtpy.QtWidgets import QApplication

from napari_blindspot import sample_data_path

FOLDER = Path(__file__).resolve().parent / "images"
SIZE = (1280, 800)
WIDTH = 800  # of the film
COLOURS = 128
FRAME_S = 0.7


def widget(theme: str) -> None:
    """After a run, with the uncertainty beside the denoised layer."""
    with window(theme) as (viewer, dock):
        viewer.open_sample("napari-blindspot", "timelapse")
        tab = dock.denoise_tab
        wait(1)
        tab.image.analyse.click()
        wait_until(lambda: tab.image.report is not None)
        tab.method.budget = "12s"
        tab.uncertainty.setChecked(True)
        tab.denoise()
        wait_until(lambda: not tab.busy)
        wait(1)
        shoot(viewer, f"widget_{theme}")


def compare() -> None:
    """The noisy image in the left half, the denoised one in the right half."""
    with window("dark") as (viewer, dock):
        viewer.open_sample("napari-blindspot", "filaments")
        tab = dock.denoise_tab
        tab.method.budget = "12s"
        tab.denoise()
        wait_until(lambda: not tab.busy)
        tab.result.compare.click()
        wait(1)
        shoot(viewer, "compare")


def live() -> None:
    """A film of a training with its previews, and of the result."""
    frames = []
    with window("dark") as (viewer, dock):
        viewer.open_sample("napari-blindspot", "filaments")
        tab = dock.denoise_tab
        tab.method.budget = "12s"
        wait(1)
        frames.append(picture(viewer))
        tab.denoise()
        while tab.busy:
            wait(FRAME_S)
            frames.append(picture(viewer))
        wait(1)
        frames += [picture(viewer)] * 3
        tab.result.compare.click()
        wait(1)
        frames += [picture(viewer)] * 5
    save_film(frames, FOLDER / "live.gif")


def batch() -> None:
    """Five files, one of which is damaged."""
    with window("dark") as (viewer, dock), tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "experiment"
        folder.mkdir()
        for number in range(1, 5):
            source = sample_data_path("filaments_noisy.ome.tif")
            shutil.copy(source, folder / f"cells_{number}.ome.tif")
        (folder / "cells_5.ome.tif").write_bytes(source.read_bytes()[:5000])
        dock.denoise_tab.method.method = "n2v"
        dock.denoise_tab.method.budget = "150steps"
        dock.tabs.setCurrentIndex(1)
        dock.batch_tab.add([str(folder)])
        wait(1)
        dock.batch_tab.start()
        wait_until(lambda: not dock.batch_tab.busy)
        wait(1)
        shoot(viewer, "batch_dark")


SCENES: dict[str, Callable[[], None]] = {
    "widget_dark": lambda: widget("dark"),
    "widget_light": lambda: widget("light"),
    "compare": compare,
    "live": live,
    "batch": batch,
}


@contextmanager
def window(theme: str) -> Iterator[tuple[napari.Viewer, object]]:
    """A window with the widget docked."""
    get_settings().appearance.theme = theme
    viewer = napari.Viewer()
    viewer.window.resize(*SIZE)
    _, dock = viewer.window.add_plugin_dock_widget("napari-blindspot", "Blind-spot denoising")
    wait(0.5)
    yield viewer, dock
    viewer.close()
    wait(0.2)


def picture(viewer: napari.Viewer) -> Image.Image:
    pixels = viewer.window.screenshot(canvas_only=False, flash=False)
    return Image.fromarray(pixels).convert("RGB").resize(SIZE, Image.Resampling.LANCZOS)


def shoot(viewer: napari.Viewer, name: str) -> None:
    shot = picture(viewer)
    shot.save(FOLDER / f"{name}.png", optimize=True)
    print(name)


def save_film(frames: list[Image.Image], path: Path) -> None:
    """A GIF with one palette for all frames, each shown for half a second."""
    size = (WIDTH, WIDTH * SIZE[1] // SIZE[0])
    small = [frame.resize(size, Image.Resampling.LANCZOS) for frame in frames]
    palette = small[-1].quantize(COLOURS)
    shown = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in small]
    file = io.BytesIO()
    shown[0].save(
        file, "GIF", save_all=True, append_images=shown[1:], duration=500, loop=0, optimize=True
    )
    path.write_bytes(file.getvalue())
    print(f"{path.name}, {len(shown)} frames, {path.stat().st_size / 1e6:.2f} MB")


def wait(seconds: float) -> None:
    """Let the window work."""
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        QApplication.processEvents()
        time.sleep(0.005)


def wait_until(condition: Callable[[], bool], most_s: float = 300.0) -> None:
    until = time.perf_counter() + most_s
    while not condition():
        if time.perf_counter() > until:
            raise TimeoutError("the window did not get ready")
        wait(0.1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", choices=SCENES, default=list(SCENES))
    FOLDER.mkdir(exist_ok=True)
    for name in parser.parse_args().only:
        SCENES[name]()


if __name__ == "__main__":
    main()
