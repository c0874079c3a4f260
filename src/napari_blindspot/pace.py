"""How a training went through its budget, so that it can be repeated step by step."""

from __future__ import annotations

import dataclasses
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_blindspot.params import InputError
from napari_blindspot.settling import Leave, Verdict

if TYPE_CHECKING:
    from napari_blindspot.budget import Budget
    from napari_blindspot.settling import Marks, Settling

MARKS = (0.01, 0.05, *(k / 10 for k in range(1, 11)))
_FIRST_STEPS = 4
_OVERTIME = 1.1


@dataclass(frozen=True)
class Pace:
    """The steps of one network.

    Attributes
    ----------
    ends : tuple of int
        Steps after which the parts `MARKS` of a budget in seconds were or would have been used;
        empty for a budget in steps, and without those that nobody planned any more.
    done : int or None
        Steps after which the training was ended early.
    left : tuple of int or None
        Step after which it went back to the weights of an earlier one, and that step.
    """

    ends: tuple[int, ...] = ()
    done: int | None = None
    left: tuple[int, int] | None = None

    def __str__(self) -> str:
        done = "" if self.done is None else f"@{self.done}"
        left = "".join(f":{step}" for step in self.left or ())
        return ",".join(map(str, self.ends)) + done + left

    @classmethod
    def parse(cls, text: str) -> Pace:
        """Pace written as `4,20,41,...` or `4,20,41@37`; `@37` alone for a budget in steps.

        `@37:30:20` if after 30 steps it went back to the weights of step 20.

        Raises
        ------
        InputError
            If the text is something else, or the numbers do not grow.
        """
        match = re.fullmatch(r"((?:\d+,)*\d+)?(?:@(\d+))?(?::(\d+):(\d+))?", text)
        if not text or not match:
            raise InputError(f"pace={text!r} is not known; copy it from the Job of an earlier run.")
        listed, done, step, best = match.groups()
        ends = tuple(map(int, listed.split(","))) if listed else ()
        left = (int(step), int(best)) if step else None
        pace = cls(ends, int(done) if done else None, left)
        if list(ends) != sorted(ends) or len(ends) > len(MARKS) or not pace._has_end():
            raise InputError(
                f"pace={text!r} must be {len(MARKS)} numbers that do not fall, or fewer with @ "
                "and a number."
            )
        return pace

    def _has_end(self) -> bool:
        is_all_steps = bool(self.left) and not self.ends
        return self.done is not None or len(self.ends) == len(MARKS) or is_all_steps


class Clock:
    """Tells which part of a budget is used after each step.

    The part is a function of the number of steps alone, so that the same steps can be done
    again. A budget in seconds is turned into steps bit by bit: the speed measured so far says
    with how many steps the next mark will be reached.

    Parameters
    ----------
    budget : Budget
        Steps or seconds.
    given : Pace, optional
        The pace of an earlier run that is to be repeated.
    settling : Settling, optional
        Sees whether marks on held-out pixels end the training before the budget is used.

    Raises
    ------
    InputError
        If the pace given is not one of such a budget.
    """

    def __init__(
        self,
        budget: Budget,
        given: Pace | None = None,
        *,
        settling: Settling | None = None,
    ) -> None:
        self._budget = budget
        self._given = given
        self._ends = list(given.ends) if given else []
        self._since = (0, 0.0)
        self._step = 0
        self._settling = settling
        self._leave: Leave | None = None
        self._is_over = given is not None and given.done == 0
        if given and bool(given.ends) == (budget.steps is not None):
            raise InputError(f"pace={str(given)!r} is not that of such a budget; leave it out.")
        if not self._ends:
            planned = [_FIRST_STEPS] if budget.steps is None else [budget.steps] * len(MARKS)
            self._ends = planned

    def tick(self, step: int, elapsed_s: float) -> None:
        """Count a step, and plan further where the plan ends."""
        self._step = step
        if self._given:
            self._is_over = self._given.done is not None and step >= self._given.done
        elif self._budget.seconds is not None:
            self._watch(step, elapsed_s, self._budget.seconds)

    def fraction(self, step: int) -> float:
        """Part of the budget used after some steps, 0 to 1."""
        if self._is_over:
            return 1.0
        if self._leave and step > self._leave.step:
            return self._leave.at(step)
        if self._budget.steps is not None:
            return 1.0 if step >= self._budget.steps else step / self._budget.steps
        index = bisect_right(self._ends, step)
        if index == len(MARKS):
            return 1.0
        first, last = (0, *self._ends)[index], (*self._ends, step + 1)[index]
        below = (0.0, *MARKS)[index]
        return below + (MARKS[index] - below) * (step - first) / (last - first)

    @property
    def is_exam_due(self) -> bool:
        """Whether the loss on held-out pixels after the last step is asked for."""
        if self._settling is None or self._leave:
            return False
        if self._given:
            return self._step in (self._given.left or ())
        return self._settling.is_due(self._step)

    def examined(self, marks: Marks) -> Verdict:
        """Take note of the losses on held-out pixels after the last step.

        Returns
        -------
        Verdict
            `BEST` for weights to be kept; `LEAVE`, once, if the training is to go back to these
            and on to an end that is near.
        """
        if self._settling is None or self._leave:
            return Verdict.WAIT
        if self._given:
            verdict, best_step = self._repeated(self._given.left)
        else:
            verdict = self._settling.judged(self._step, marks)
            best_step = self._settling.best_step
        if verdict is Verdict.LEAVE:
            leave = Leave.after(self._step, self.fraction(self._step), best_step)
            if leave.is_hurried and not self._given:
                return Verdict.WAIT
            self._leave = leave
        return verdict

    def _repeated(self, left: tuple[int, int] | None) -> tuple[Verdict, int]:
        """What was decided after the last step in an earlier run, and its best step."""
        leaves_at, best_step = left or (0, 0)
        verdicts = {best_step: Verdict.BEST, leaves_at: Verdict.LEAVE}
        return verdicts.get(self._step, Verdict.WAIT), best_step

    @property
    def left(self) -> tuple[int, int] | None:
        """Step after which the training went back, and the earlier one whose weights it took up."""
        return (self._leave.step, self._leave.best_step) if self._leave else None

    def renewed(self) -> None:
        """Losses from here on are not to be compared with those of before."""
        if self._settling:
            self._settling.forget(self._step)

    @property
    def pace(self) -> Pace:
        """The pace so far."""
        ends = tuple(self._ends) if self._budget.steps is None else ()
        at_end = self._step >= self._ends[-1] and len(self._ends) == len(MARKS)
        return Pace(ends, None if at_end else self._step, self.left)

    def state(self) -> dict[str, Any]:
        """What changes with the steps, ready for JSON."""
        return {
            "ends": self._ends,
            "since": self._since,
            "step": self._step,
            "over": self._is_over,
            "settling": self._settling.state() if self._settling else {},
            "leave": dataclasses.astuple(self._leave) if self._leave else [],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a saved `state`."""
        self._ends = [int(end) for end in state["ends"]]
        step, elapsed_s = state["since"]
        self._since = (int(step), float(elapsed_s))
        self._step = int(state["step"])
        self._is_over = bool(state["over"])
        if self._settling:
            self._settling.restore(state["settling"])
        self._leave = Leave(*state["leave"]) if state["leave"] else None

    def _watch(self, step: int, elapsed_s: float, seconds: float) -> None:
        first_ends = len(self._ends) == 1
        if step == 1:
            # The first step is much slower than all others.
            self._since = (step, elapsed_s)
        if elapsed_s >= seconds * (1 if first_ends else _OVERTIME):
            self._is_over = True
        elif not self._leave and step == self._ends[-1] and len(self._ends) < len(MARKS):
            self._plan(step, elapsed_s, seconds - elapsed_s)

    def _plan(self, step: int, elapsed_s: float, left_s: float) -> None:
        if left_s <= 0:
            self._ends += [step] * (len(MARKS) - len(self._ends))
            return
        steps, elapsed = step - self._since[0], elapsed_s - self._since[1]
        below, above = MARKS[len(self._ends) - 1 : len(self._ends) + 1]
        part = (above - below) / (1 - below)
        self._ends.append(step + max(round(part * left_s * steps / elapsed), 1))
        self._since = (step, elapsed_s)


def parsed(texts: Sequence[str], networks: int) -> list[Pace | None]:
    """Pace of each network; none where its text is empty, or no text is given.

    Raises
    ------
    InputError
        If there are not as many as networks.
    """
    if not texts:
        return [None] * networks
    if len(texts) != networks:
        raise InputError(f"{len(texts)} paces were given for {networks} networks; give one each.")
    return [Pace.parse(text) if text else None for text in texts]
