"""A spin box for numbers of any size that keeps every digit."""

from __future__ import annotations

import math

from qtpy.QtGui import QValidator
from qtpy.QtWidgets import QDoubleSpinBox, QWidget

# Qt rounds to these; with so many, numbers from 1e-9 on keep all that a float holds.
_DECIMALS = 25
_UNLIMITED = 1e15
# A fixed step that is a smaller part of the number gets nowhere.
_LEAST_PART = 0.01


class NumberBox(QDoubleSpinBox):
    """Shows a number as short as it can be written; `0.004` and `1e-06` stay what they are.

    Parameters
    ----------
    minimum, maximum, step : float or None
        Range, ends included, and what an arrow adds; a hundredth of the number's own decade is
        the least, so that a learning rate can be stepped through as well as an offset.
    """

    def __init__(
        self,
        minimum: float | None = None,
        maximum: float | None = None,
        step: float | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setDecimals(_DECIMALS)
        self.setRange(
            -_UNLIMITED if minimum is None else minimum, _UNLIMITED if maximum is None else maximum
        )
        self.setSingleStep(step or 1.0)
        self.setMinimumWidth(60)

    def textFromValue(self, value: float) -> str:  # noqa: N802
        """The shortest text that means this very number."""
        return written(value)

    def valueFromText(self, text: str) -> float:  # noqa: N802
        """The number of a text, which `validate` has let pass."""
        return _number(self._bare(text)) or 0.0

    def validate(self, text: str | None, position: int) -> tuple[QValidator.State, str, int]:
        """Whether a text is a number in the range, may become one, or never will."""
        bare = self._bare(text or "")
        value = _number(bare)
        if value is not None and self.minimum() <= value <= self.maximum():
            state = QValidator.State.Acceptable
        elif all(letter in "0123456789.,eE+-" for letter in bare):
            state = QValidator.State.Intermediate
        else:
            state = QValidator.State.Invalid
        return state, text or "", position

    def stepBy(self, steps: int) -> None:  # noqa: N802
        """Move by so many steps, without the dust of binary fractions."""
        value, step = self.value(), self.singleStep()
        if abs(value) * _LEAST_PART > step:
            step = 10.0 ** (math.floor(math.log10(abs(value))) - 1)
        self.setValue(round(value + steps * step, 12))

    def _bare(self, text: str) -> str:
        return text.removesuffix(self.suffix()).strip()


def written(value: float) -> str:
    """A number as short as it can be written."""
    return str(int(value)) if value == int(value) else repr(value)


def _number(text: str) -> float | None:
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) else None
