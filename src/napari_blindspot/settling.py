"""When a training is over before its budget is used: the loss on held-out pixels falls no more."""

from __future__ import annotations

import dataclasses
import enum
import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Steps without better marks, as a part of those up to the best ones: where they have become worse,
# and where chance explains all differences.
PATIENCE, LONG_PATIENCE = 0.5, 2.0
FEWEST = 200  # steps before which nothing is settled, if no more are wanted
LEAVING = 0.5  # steps in which the rest of the schedule is done, as a part of those up to the best
_FIRST_LOOK = 0.5  # as a part of the fewest steps
_LOOKS = 8  # at held-out pixels while the steps double
_TOGETHER = 4  # looks whose mean counts: weights wander, and one look can be lucky
_GAIN = 0.5  # standard errors by which the mean has to be better


class Verdict(enum.Enum):
    """What a loss on held-out pixels says."""

    WAIT = enum.auto()
    BEST = enum.auto()
    LEAVE = enum.auto()


@dataclass(frozen=True)
class Marks:
    """Losses on groups of pixels that are held out.

    Attributes
    ----------
    losses, weights : tuple of float
        Loss on each group, and how many pixels it has.
    """

    losses: tuple[float, ...]
    weights: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Loss on all pixels."""
        return self._mean(self.losses)

    @classmethod
    def averaged(cls, several: Sequence[Marks]) -> Marks:
        """The mean of each group."""
        groups = zip(*(marks.losses for marks in several), strict=True)
        return cls(tuple(map(statistics.fmean, groups)), several[-1].weights)

    def is_better_than(self, other: Marks, errors: float = 1.0) -> bool:
        """Whether the loss is smaller by more than so many standard errors of the difference."""
        gains = [theirs - ours for ours, theirs in zip(self.losses, other.losses, strict=True)]
        gain = self._mean(gains)
        spread = self._mean([(one - gain) ** 2 for one in gains])
        return gain > errors * math.sqrt(spread / max(len(gains) - 1, 1))

    def _mean(self, values: Sequence[float]) -> float:
        pairs = zip(values, self.weights, strict=True)
        return sum(value * weight for value, weight in pairs) / sum(self.weights)


@dataclass
class Settling:
    """Sees from the losses on held-out pixels when waiting is of no more use.

    Attributes
    ----------
    fewest : int
        Steps before which nothing is settled.
    is_eager : bool
        Whether it is over, too, where marks are no better for as long as they might be worse.
    best : Marks or None
        The best ones so far, means of several looks in a row.
    best_step : int
        Step of the last of these looks.
    recent : tuple of Marks
        What was seen in the last looks.

    Notes
    -----
    With the marks of single looks `noise2self` left the middle of a photograph (`test003`, noise of
    25, 6,400 steps) after 512 steps for those after 280, which were lucky, and had 24.43 dB; the
    loss fell until some 2,000 steps. With means of four it has 24.86 dB. On the small images of
    `benchmarks/small_images.py`, whose noise is learned by heart early, five methods end 0 to 182
    steps later and have -0.2 to 0.2 dB more, 0.03 in the mean.
    """

    fewest: int = FEWEST
    is_eager: bool = False
    best: Marks | None = None
    best_step: int = 0
    recent: tuple[Marks, ...] = ()

    def forget(self, step: int) -> None:
        """Begin anew: losses from here on are not those of before."""
        self.best, self.best_step, self.recent = None, step, ()

    def is_due(self, step: int) -> bool:
        """Whether to look after a step, ever more seldom."""
        if step < _FIRST_LOOK * self.fewest:
            return False
        return int(_LOOKS * math.log2(step)) != int(_LOOKS * math.log2(max(step - 1, 1)))

    def judged(self, step: int, marks: Marks) -> Verdict:
        """What to do; to leave where nothing has been better for so long that nothing will be.

        Marks that are no numbers are not better, and where there are no others nothing is said.
        """
        is_number = math.isfinite(marks.mean)
        if is_number:
            self.recent = (*self.recent, marks)[-_TOGETHER:]
        elif not self.recent:
            return Verdict.WAIT
        seen = Marks.averaged(self.recent)
        if self.best is None or (is_number and seen.is_better_than(self.best, _GAIN)):
            self.best, self.best_step = seen, step
            return Verdict.BEST
        is_worse = self.best.is_better_than(seen)
        patience = PATIENCE if is_worse or self.is_eager else LONG_PATIENCE
        is_settled = step >= max((1 + patience) * self.best_step, self.fewest)
        return Verdict.LEAVE if is_settled else Verdict.WAIT

    def state(self) -> dict[str, Any]:
        """What changes, ready for JSON."""
        best = dataclasses.astuple(self.best) if self.best else []
        recent = [dataclasses.astuple(marks) for marks in self.recent]
        return {"best": best, "step": self.best_step, "recent": recent}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved `state`."""
        self.best = _restored(state["best"]) if state["best"] else None
        self.best_step = int(state["step"])
        self.recent = tuple(map(_restored, state["recent"]))


def _restored(state: Sequence[Sequence[float]]) -> Marks:
    losses, weights = state
    return Marks(tuple(losses), tuple(weights))


@dataclass(frozen=True)
class Leave:
    """The rest of a schedule in fewer steps.

    Attributes
    ----------
    step : int
        Step from which on it goes faster.
    fraction : float
        Part of the schedule that was done by then.
    end : int
        Step after which all of it is done.
    best_step : int
        Step whose weights are taken up again.
    """

    step: int
    fraction: float
    end: int
    best_step: int

    @classmethod
    def after(cls, step: int, fraction: float, best_step: int) -> Leave:
        """From a step on, with weights of an earlier one."""
        steps = max(LEAVING * best_step, 1)
        left = round(step * (1 / fraction - 1))
        end = step + math.ceil(min(steps, max(left, 1)))
        return cls(step, fraction, end, best_step)

    @property
    def is_hurried(self) -> bool:
        """Whether the budget ends before so many steps: it is better used as planned, then."""
        return self.end - self.step < math.ceil(LEAVING * self.best_step)

    def at(self, step: int) -> float:
        """Part of the schedule after a step."""
        part = (step - self.step) / (self.end - self.step)
        return min(self.fraction + (1 - self.fraction) * part, 1.0)
