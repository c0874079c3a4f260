"""How long somebody waits before anything happens.

    xvfb-run -s "-screen 0 1280x1024x24" python benchmarks/startup.py      writes the table

From the start of a new Python to the end of `blindspot --help`, to the end of the first training
step of `blindspot train` on 512 x 512 pixels, and to the end of `blindspot denoise` without
training; and, in a napari that is open with an image, from the choice of the widget to the moment
when it is drawn. Each a process of its own, five times; median and range.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tables
import tifffile

from napari_blindspot import simulate

DOCS = Path(__file__).resolve().parents[1] / "docs"
CAMERA = simulate.Camera(gain=2.0, offset=100.0, read_noise=2.0)
# Prints the time of the first step, and ends.
FIRST_STEP = """
import importlib, os, sys, time
from napari_blindspot.cli import main
from napari_blindspot.events import Step
module = importlib.import_module("napari_blindspot.run")
real = module.run
def noted(*given, **named):
    for event in real(*given, **named):
        if isinstance(event, Step):
            print(time.time(), flush=True)
            os._exit(0)
        yield event
module.run = noted
sys.argv = ["blindspot", "train", sys.argv[1], "-o", sys.argv[2], "--method", sys.argv[3]]
main()
"""
WIDGET = """
import sys, time
import napari, numpy as np
from qtpy.QtWidgets import QApplication
viewer = napari.Viewer()
viewer.add_image(np.random.default_rng(0).random((512, 512), np.float32))
for _ in range(20):
    QApplication.processEvents()
    time.sleep(0.02)
began = time.perf_counter()
viewer.window.add_plugin_dock_widget("napari-blindspot", "Blind-spot denoising")
QApplication.processEvents()
print(time.perf_counter() - began, flush=True)
viewer.close()
"""


def output(command: list[str]) -> str:
    """What a process prints; napari may end with a warning."""
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if not run.stdout.strip():
        raise RuntimeError(run.stderr)
    return run.stdout


def whole(command: list[str]) -> float:
    """Seconds of a process."""
    began = time.perf_counter()
    subprocess.run(command, capture_output=True, check=True)
    return time.perf_counter() - began


def until(command: list[str]) -> float:
    """Seconds to the moment that a process prints."""
    began = time.time()
    return float(output(command).split()[-1]) - began


def waits(folder: Path) -> dict[str, Callable[[], float]]:
    """What is measured."""
    rng = np.random.default_rng(0)
    scene = simulate.nuclei((512, 512), rng, peak=60.0, background=4.0)
    noisy, denoised = folder / "noisy.tif", folder / "denoised.ome.tif"
    tifffile.imwrite(noisy, CAMERA.expose(scene, rng).astype(np.uint16))
    python, program = sys.executable, str(Path(sys.executable).with_name("blindspot"))
    first = [python, "-c", FIRST_STEP, str(noisy), str(folder / "model.safetensors")]
    return {
        "`blindspot --help`": lambda: whole([program, "--help"]),
        "first step of `express`": lambda: until([*first, "express"]),
        "first step of `n2v`": lambda: until([*first, "n2v"]),
        "`blindspot denoise --budget instant`": lambda: whole(
            [program, "denoise", str(noisy), "-o", str(denoised), "--budget", "instant"]
        ),
        "widget in the window": lambda: float(output([python, "-c", WIDGET]).split()[-1]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--dry", action="store_true", help="write nothing into the docs")
    options = parser.parse_args()
    lines = ["| until | seconds, median | range |", "| --- | ---: | ---: |"]
    with tempfile.TemporaryDirectory() as name:
        for what, wait in waits(Path(name)).items():
            times = [wait() for _ in range(options.repeats)]
            middle = statistics.median(times)
            lines.append(f"| {what} | {middle:.2f} | {min(times):.2f} to {max(times):.2f} |")
            print(lines[-1], flush=True)
    if not options.dry:
        tables.write_between_markers(DOCS / "benchmarks.md", "startup", "\n".join(lines))


if __name__ == "__main__":
    main()
