"""How long napari's window keeps a user waiting while a network learns.

    xvfb-run -s "-screen 0 1280x1024x24" python benchmarks/latency.py        writes the table
    xvfb-run -s "-screen 0 1280x1024x24" python benchmarks/latency.py --seconds 5 --only express

Opens a real window with the sample stack and the widget, and denoises with each method. A timer
of 30 ms ticks in the thread of the window: where that is busy, a tick comes late. Meanwhile the
slice in view is moved twice a second, as a user would. Reported are the times between ticks.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import tables

ROOT = Path(__file__).resolve().parents[1]
TICK_MS, MOVE_MS = 30, 500
HEADER = "| while | ticks | median, ms | 95th percentile, ms | longest, ms |"
IDLE_S = 10.0
FEWEST = 50  # ticks from which a percentile says something


@dataclass
class Ticks:
    """Times between ticks by what was going on, in ms."""

    phase: str = "idle"
    times: dict[str, list[float]] = field(default_factory=dict)
    last: float | None = None

    def tick(self) -> None:
        now = time.perf_counter()
        if self.last is not None:
            self.times.setdefault(self.phase, []).append(1000 * (now - self.last))
        self.last = now

    def enter(self, phase: str) -> None:
        self.phase = phase


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20.0, help="training time of each method")
    parser.add_argument("--only", nargs="*", help="names of methods; all")
    parser.add_argument("--dry", action="store_true", help="write nothing into the docs")
    options = parser.parse_args()
    rows = rows_of(measure(options))
    print("\n".join([HEADER, *rows]))
    if not options.dry:
        text = "\n".join([HEADER, "|---|---:|---:|---:|---:|", *rows])
        tables.write_between_markers(ROOT / "docs" / "benchmarks.md", "latency", text)


def measure(options: argparse.Namespace) -> dict[str, list[float]]:
    """Times between ticks, by phase."""
    import napari
    from qtpy.QtCore import QTimer

    from napari_blindspot import methods

    viewer = napari.Viewer()
    viewer.window.resize(1280, 800)
    viewer.open_sample("napari-blindspot", "planaria")
    _, widget = viewer.window.add_plugin_dock_widget("napari-blindspot", "Blind-spot denoising")
    ticks = Ticks()
    timers = [every(TICK_MS, ticks.tick), every(MOVE_MS, lambda: move(viewer))]
    wait(IDLE_S)
    alone = [name for name, method in methods.available().items() if not method().repeats]
    for name in options.only or alone:
        denoise(widget, name, options.seconds, ticks)
    for timer in timers:
        timer.stop()
    QTimer.singleShot(0, viewer.close)
    napari.run()
    return ticks.times


def every(interval_ms: int, act: object) -> object:
    from qtpy.QtCore import Qt, QTimer

    timer = QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(act)
    timer.start(interval_ms)
    return timer


def move(viewer: object) -> None:
    """Show the next plane."""
    viewer.dims.current_step = (
        (viewer.dims.current_step[0] + 1) % 20,
        *viewer.dims.current_step[1:],
    )


def denoise(widget: object, name: str, seconds: float, ticks: Ticks) -> None:
    """Denoise the sample with one method; its first seconds, with the imports, count apart."""
    from napari_blindspot import methods
    from napari_blindspot.events import Step, Tile
    from napari_blindspot.halting import Stop

    tab, title = widget.denoise_tab, methods.get(name).title

    def phase(event: object) -> None:
        if isinstance(event, Step):
            ticks.enter(f"{title} learns")
        elif isinstance(event, Tile):
            ticks.enter(f"{title} denoises")

    ticks.enter("beginning of a run")
    tab.choose(method=name)
    tab.method.budget = f"{seconds:g}s"
    tab.denoise()
    tab.running.happened.connect(phase)
    until = time.perf_counter() + 3 * seconds
    while tab.busy:
        wait(0.1)
        if time.perf_counter() > until:
            tab.stop(Stop.HALT)
    ticks.enter("between")


def wait(seconds: float) -> None:
    """Let the window work."""
    from qtpy.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    QTimer.singleShot(int(1000 * seconds), loop.quit)
    loop.exec()


def rows_of(times: dict[str, list[float]]) -> list[str]:
    rows = []
    for phase, values in times.items():
        if len(values) < FEWEST:
            continue
        late = np.percentile(values, 95)
        numbers = f"{statistics.median(values):.0f} | {late:.0f} | {max(values):.0f}"
        rows.append(f"| {phase} | {len(values)} | {numbers} |")
    return rows


if __name__ == "__main__":
    main()
