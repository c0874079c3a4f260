"""How far a run is and how fast it goes, in words, for the terminal and the window alike."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from napari_blindspot.events import Step, Tile

if TYPE_CHECKING:
    from napari_blindspot.events import Event


class TimeLeft:
    """Place of the run within its training or prediction, and the time left.

    Attributes
    ----------
    networks : int
        Networks to train.
    """

    def __init__(self) -> None:
        self.networks = 1
        self._phase: type[Event] | None = None
        self._began = 0.0

    def fraction(self, event: Step | Tile) -> float:
        """Part of the training, or of the prediction, that is done."""
        if type(event) is not self._phase:
            # The first event ends the first piece of work, which took about this long.
            first = event.elapsed_s if isinstance(event, Step) else 0.0
            self._phase, self._began = type(event), time.monotonic() - first
        if isinstance(event, Tile):
            return event.done / event.total
        return (event.network + event.fraction) / self.networks

    def left(self, fraction: float) -> str:
        """Time left in words, if the rest goes on as what was done."""
        if fraction <= 0:
            return ""
        seconds = round((time.monotonic() - self._began) * (1 - fraction) / fraction)
        return f"{seconds // 60}:{seconds % 60:02d} left"


def describe(event: Step | Tile, networks: int) -> tuple[str, str]:
    """What is being done, and how it goes."""
    if isinstance(event, Tile):
        return "Denoising", place(event, networks)
    words = [f"loss {event.loss:.4g}", speed(event), place(event, networks)]
    return "Training", ", ".join(filter(None, words))


def place(event: Step | Tile, networks: int) -> str:
    """Which tile or network it is; empty for the only network."""
    if isinstance(event, Tile):
        return f"tile {event.done} of {event.total}"
    return f"network {event.network + 1} of {networks}" if networks > 1 else ""


def speed(step: Step) -> str:
    """Training speed in words."""
    steps_per_s = step.step / max(step.elapsed_s, 1e-9)
    return f"{steps_per_s:.0f} steps/s" if steps_per_s >= 10 else f"{steps_per_s:.2g} steps/s"
