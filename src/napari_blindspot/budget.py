"""How long to train: steps or seconds."""

from __future__ import annotations

import re
from dataclasses import dataclass

from napari_blindspot.params import InputError

PAPER = "paper"  # the parameters of the method's paper, and its steps: see `Job`
INSTANT = "instant"  # no training at all, for methods that begin from a pretrained network
PRESETS = {"quick": 10.0, "balanced": 60.0, "best": 300.0}


@dataclass(frozen=True)
class Budget:
    """Training budget; exactly one of the two is set.

    Attributes
    ----------
    steps : int or None
        Optimiser steps of each network: gives the same result every time. With 0 nothing is
        trained.
    seconds : float or None
        Training time of all networks together.
    """

    steps: int | None = None
    seconds: float | None = None

    @classmethod
    def parse(cls, text: str) -> Budget:
        """Budget written as `30s`, `2m`, `2000steps`, `instant`, `quick`, `balanced` or `best`.

        Raises
        ------
        InputError
            If the text is none of these, or the amount is not positive.
        """
        if text == INSTANT:
            return cls(steps=0)
        if text in PRESETS:
            return cls(seconds=PRESETS[text])
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|m|steps?)", text.strip())
        if not match or float(match[1]) <= 0:
            raise InputError(
                f"budget={text!r} is not known; use {INSTANT}, {', '.join(PRESETS)}, {PAPER}, a "
                "time such as 30s or 2m, or a number of steps such as 2000steps."
            )
        amount, unit = float(match[1]), match[2]
        if unit.startswith("step"):
            return cls(steps=max(int(amount), 1))
        return cls(seconds=amount * (60 if unit == "m" else 1))

    def shared(self, networks: int) -> Budget:
        """Budget of one of several networks that are trained one after another."""
        return self if self.seconds is None else Budget(seconds=self.seconds / networks)
