"""How long the images of a batch will take: told by those that are done, and by the budget."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from napari_blindspot.batch.events import (
    FileDone,
    FileFailed,
    FileProgress,
    FileStarted,
    FileStopped,
    ModelReady,
    ModelStarted,
)
from napari_blindspot.events import Started, Step, Tile

if TYPE_CHECKING:
    from napari_blindspot.batch.events import BatchEvent, RunEvent
    from napari_blindspot.budget import Budget


class Times:
    """Hears the events of a batch that does one image at a time.

    Parameters
    ----------
    budget : Budget or None
        Of each training; None where a saved model is applied.
    trains_each : bool
        Whether every image has a training of its own.
    clock : callable
        Time in seconds.
    """

    def __init__(
        self,
        budget: Budget | None,
        *,
        trains_each: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._budget_s = None if budget is None else budget.seconds
        self._trains_each = trains_each
        self._clock = clock
        self._run: _Run | None = None
        self._whole_s: list[float] = []
        self._predicting_s: list[float] = []

    def hear(self, event: BatchEvent) -> None:
        """Take notice of an event."""
        now = self._clock()
        match event:
            case ModelStarted():
                self._run = _Run(now, trains=True, predicts=False)
            case FileStarted():
                self._run = _Run(now, trains=self._trains_each)
            case FileProgress() if self._run:
                self._run.hear(event.event, now)
            case FileDone():
                self._whole_s.append(event.elapsed_s)
                if self._run and self._run.predicting_since is not None:
                    self._predicting_s.append(now - self._run.predicting_since)
                self._run = None
            case ModelReady() | FileFailed() | FileStopped():
                self._run = None

    @property
    def fraction(self) -> float | None:
        """Part of the training or of the prediction at hand that is behind us; None: unknown."""
        return self._run.fraction if self._run else None

    @property
    def predicts(self) -> bool:
        """Whether the image at hand is past its training."""
        return self._run is not None and self._run.predicting_since is not None

    def left_s(self) -> float | None:
        """Seconds until the image or the training at hand is done, 0 if there is none."""
        run, now = self._run, self._clock()
        if run is None:
            return 0.0
        if run.predicting_since is not None:
            return self._predicting_left_s(run, now)
        left = self._training_left_s(run, now) if run.trains else None
        if left is None and run.predicts and self._whole_s:
            return max(fmean(self._whole_s) - (now - run.began), 0.0)
        return left

    def each_s(self) -> float | None:
        """Seconds that an image takes from its beginning to its end."""
        if self._whole_s:
            return fmean(self._whole_s)
        if not self._trains_each:
            return None
        left = self.left_s()
        if self._run is not None and left is not None:
            return self._clock() - self._run.began + left
        return self._budget_s

    def _predicting_left_s(self, run: _Run, now: float) -> float | None:
        rest = run.rest_s(now)
        if rest is not None:
            return rest
        if self._predicting_s:
            return max(fmean(self._predicting_s) - (now - run.since), 0.0)
        # Beside a training it is short; on its own nothing is known of it.
        return 0.0 if run.trains else None

    def _training_left_s(self, run: _Run, now: float) -> float | None:
        tail = fmean(self._predicting_s) if run.predicts and self._predicting_s else 0.0
        if self._budget_s is not None:
            return self._budget_s * (1 - (run.fraction or 0.0)) + tail
        rest = run.rest_s(now)
        return None if rest is None else rest + tail


@dataclass
class _Run:
    """The training and the prediction at hand.

    `since` is when the phase began of which `fraction` is done.
    """

    began: float
    trains: bool
    predicts: bool = True
    fraction: float | None = None
    since: float = 0.0
    predicting_since: float | None = None
    _networks: int = 1

    def hear(self, event: RunEvent, now: float) -> None:
        if isinstance(event, Started):
            self._networks, self.since = event.networks, now
            if not self.trains:
                self._predict(now)
        elif isinstance(event, Step):
            self.fraction = (event.network + event.fraction) / self._networks
            if self.fraction >= 1 and self.predicts:
                self._predict(now)
        elif isinstance(event, Tile):
            self.fraction = event.done / event.total

    def _predict(self, now: float) -> None:
        self.predicting_since = self.since = now
        self.fraction = None

    def rest_s(self, now: float) -> float | None:
        if not self.fraction:
            return None
        return (now - self.since) * (1 - self.fraction) / self.fraction
