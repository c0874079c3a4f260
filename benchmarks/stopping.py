"""How soon a run ends after `Stop.HALT`, for every method and in every phase, with one thread.

    python benchmarks/stopping.py [METHOD...]

Halts runs at random times and prints a table of the longest delays, in seconds of wall time and,
for a busy machine, of processor time.
"""

from __future__ import annotations

import random
import sys
import time
from dataclasses import dataclass, field

import numpy as np

from napari_blindspot import methods, simulate
from napari_blindspot.events import NoiseFitted, Started, Step
from napari_blindspot.halting import Stop
from napari_blindspot.io.arrays import as_volume
from napari_blindspot.job import Job
from napari_blindspot.run import run

SHAPES = {"YX": (512, 512), "ZYX": (24, 160, 160)}
STEPS = 4
HALTS = 4  # in each phase
LONGEST_S = 8.0  # of a phase, that is watched
PHASES = ("preparing", "training", "noise", "prediction")


@dataclass
class Watched:
    """A run that is halted some time after a phase has begun; the stop flag of the run."""

    phase: str
    after_s: float
    now: str = "preparing"
    began: dict[str, float] = field(default_factory=dict)
    halted: tuple[float, float] | None = None

    def __call__(self) -> Stop:
        due = self.began.get(self.phase, float("inf")) + self.after_s
        if self.halted is None and time.perf_counter() >= due:
            # The flag is set at the time that was drawn, whenever it is asked for next.
            self.halted = due, time.process_time() - (time.perf_counter() - due)
        return Stop.HALT if self.halted else Stop.NO

    def enter(self, phase: str) -> None:
        """Note that a phase has begun."""
        self.now = phase
        self.began.setdefault(phase, time.perf_counter())


def watch(job: Job, noisy: np.ndarray, axes: str, phase: str, after_s: float) -> Watched:
    """Run a job; phases are told by its events."""
    watched = Watched(phase, after_s)
    for event in run(job, watched, [as_volume(noisy, axes)], keep_partial=True):
        if isinstance(event, Started):
            watched.enter("preparing")
        elif isinstance(event, Step):
            watched.enter("noise" if event.fraction >= 1 else "training")
        elif isinstance(event, NoiseFitted):
            watched.enter("prediction")
    watched.enter("end")
    return watched


def delays(method: str, axes: str) -> dict[str, tuple[float, float]]:
    """Longest delay of each phase in wall time and processor time."""
    rng = np.random.default_rng(0)
    photons = simulate.nuclei(SHAPES[axes], rng, peak=60.0, background=4.0, radius=6.0)
    repeats = methods.get(method)().repeats
    exposures = [rng.poisson(photons).astype(np.uint16) for _ in range(2 if repeats else 1)]
    noisy, axes = (np.stack(exposures), repeats + axes) if repeats else (exposures[0], axes)
    job = Job(method=method, budget=f"{STEPS}steps", threads=1, with_std=True, held_out=True)
    first = watch(job, noisy, axes, "prediction", LONGEST_S)
    starts = [first.began[phase] for phase in (*PHASES, "end")]
    draw = random.Random(0)
    found = {}
    for phase, start, end in zip(PHASES, starts, starts[1:], strict=False):
        rows = [
            delay(watch(job, noisy, axes, phase, draw.uniform(0, min(end - start, LONGEST_S))))
            for _ in range(HALTS)
        ]
        found[phase] = tuple(max(column) for column in zip(*rows, strict=True))
    return found


def delay(watched: Watched) -> tuple[float, float]:
    """Wall and processor time from the halt to the end; 0 if the phase was over before."""
    if watched.halted is None:
        return 0.0, 0.0
    wall, processor = watched.halted
    return time.perf_counter() - wall, time.process_time() - processor


def main() -> None:
    """Print the table."""
    print("| method | image | " + " | ".join(PHASES) + " |")
    print("|---" * (2 + len(PHASES)) + "|")
    for method in sys.argv[1:] or methods.available():
        for axes in SHAPES:
            cells = [f"{wall:.2f} ({own:.2f})" for wall, own in delays(method, axes).values()]
            print(f"| {method} | {axes} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
