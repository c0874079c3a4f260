"""When a training is over before its budget is used: the loss on held-out pixels falls no more."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

PATIENCE = 0.5  # steps without a better loss, as a part of those up to the best one
FEWEST = 200  # steps before which nothing is settled, if no more are wanted
LEAVING = 0.25  # steps in which the rest of the schedule is done, as a part of those so far


@dataclass
class Settling:
    """Sees from the losses on held-out pixels when waiting is of no more use.

    Attributes
    ----------
    fewest : int
        Steps before which nothing is settled.
    best : float
        Smallest loss so far.
    best_step : int
        Step after which it was found.
    """

    fewest: int = FEWEST
    best: float = math.inf
    best_step: int = 0

    def forget(self, step: int) -> None:
        """Begin anew: losses from here on are not those of before."""
        self.best, self.best_step = math.inf, step

    def is_settled(self, step: int, loss: float) -> bool:
        """Whether the loss has not fallen for so long that it will not, or is not a number."""
        if loss < self.best:
            self.best, self.best_step = loss, step
            return False
        return step >= max((1 + PATIENCE) * self.best_step, self.fewest)

    def state(self) -> list[float | None]:
        """What changes, ready for JSON."""
        return [self.best if math.isfinite(self.best) else None, self.best_step]

    def restore(self, state: Sequence[float | None]) -> None:
        """Go on from a saved `state`."""
        best, step = state
        self.best = math.inf if best is None else best
        self.best_step = int(step or 0)


@dataclass(frozen=True)
class Leave:
    """The rest of a schedule in fewer steps.

    Attributes
    ----------
    step : int
        Step from which on it goes faster.
    fraction : float
        Part of the schedule that was done by then.
    """

    step: int
    fraction: float

    @staticmethod
    def is_shorter(fraction: float) -> bool:
        """Whether that takes fewer steps than to go on, after a part of the schedule."""
        return fraction * (1 + LEAVING) < 1

    @property
    def end(self) -> int:
        """Step after which the schedule is done."""
        return self.step + max(math.ceil(LEAVING * self.step), 1)

    def at(self, step: int) -> float:
        """Part of the schedule after a step."""
        part = (step - self.step) / (self.end - self.step)
        return min(self.fraction + (1 - self.fraction) * part, 1.0)
