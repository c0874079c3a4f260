"""Declared parameters: one description from which the CLI, the GUI form and the docs follow."""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


class InputError(ValueError):
    """Input, parameter or file that cannot be used; its text is one clear sentence."""


@dataclass(frozen=True)
class Param:
    """Declaration of one parameter.

    Attributes
    ----------
    name, label, help, unit : str
        Identifier, short title, one sentence, and unit (may be empty).
    kind : type
        `int`, `float`, `bool` or `str`.
    default : Any
        Default value; None where `optional`.
    optional : bool
        Whether None ("auto") is allowed.
    minimum, maximum, step : float or None
        Range and spacing of numbers, ends included.
    choices : tuple of str
        The allowed strings; empty for any string.
    """

    name: str
    label: str
    help: str
    kind: type
    default: Any
    optional: bool = False
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    choices: tuple[str, ...] = ()
    unit: str = ""

    def allowed(self) -> str:
        """Allowed values in words, for errors and help."""
        if self.choices:
            text = ", ".join(self.choices)
        elif self.kind is bool:
            text = "true, false"
        elif self.minimum is None and self.maximum is None:
            text = f"any {self.kind.__name__}"
        else:
            text = f"{self.minimum:g} to {self.maximum:g}"
        return f"{text} or auto" if self.optional else text

    def check(self, value: Any) -> Any:
        """Return `value` in the declared type.

        Raises
        ------
        InputError
            If the type or the range does not fit.
        """
        if value is None and self.optional:
            return None
        if not self._fits(value):
            raise InputError(f"{self.name}={value!r} is not allowed; use {self.allowed()}.")
        return self.kind(value)

    def parse(self, text: str) -> Any:
        """Value written as text, as on the command line."""
        if self.optional and text.strip().lower() in {"auto", "none", ""}:
            return None
        try:
            value = _FROM_TEXT[self.kind](text.strip())
        except (ValueError, KeyError):
            message = f"{self.name}={text!r} is not allowed; use {self.allowed()}."
            raise InputError(message) from None
        return self.check(value)

    def _fits(self, value: Any) -> bool:
        if self.kind is bool or isinstance(value, bool):
            return self.kind is bool and isinstance(value, bool)
        if self.kind is str:
            return isinstance(value, str) and (not self.choices or value in self.choices)
        if not isinstance(value, int | float) or not math.isfinite(value):
            return False
        if self.kind is int and value != int(value):
            return False
        low = -math.inf if self.minimum is None else self.minimum
        high = math.inf if self.maximum is None else self.maximum
        return low <= value <= high


_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_FROM_TEXT: dict[type, Any] = {
    int: int,
    float: float,
    str: str,
    bool: lambda text: _BOOLEANS[text.lower()],
}


def param(
    default: Any,
    *,
    label: str,
    help: str,  # noqa: A002 - the word every argument parser uses
    limits: tuple[float, float] | None = None,
    step: float | None = None,
    choices: tuple[str, ...] = (),
    unit: str = "",
) -> Any:
    """Field of a frozen parameter dataclass with its declaration."""
    return dataclasses.field(
        default=default,
        metadata={
            "label": label,
            "help": help,
            "limits": limits,
            "step": step,
            "choices": choices,
            "unit": unit,
        },
    )


def describe(cls: type) -> tuple[Param, ...]:
    """Declarations of all parameters of a dataclass, in their order."""
    hints = typing.get_type_hints(cls)
    return tuple(
        _describe_field(field, hints[field.name])
        for field in dataclasses.fields(cls)
        if "label" in field.metadata
    )


def _describe_field(field: dataclasses.Field[Any], hint: Any) -> Param:
    optional = isinstance(hint, types.UnionType)
    kind = next(t for t in typing.get_args(hint) if t is not type(None)) if optional else hint
    minimum, maximum = field.metadata["limits"] or (None, None)
    return Param(
        name=field.name,
        label=field.metadata["label"],
        help=field.metadata["help"],
        kind=kind,
        default=field.default,
        optional=optional,
        minimum=minimum,
        maximum=maximum,
        step=field.metadata["step"],
        choices=field.metadata["choices"],
        unit=field.metadata["unit"],
    )


def validate(instance: Any) -> None:
    """Check every declared parameter of a dataclass instance and store it in its type."""
    for declared in describe(type(instance)):
        value = declared.check(getattr(instance, declared.name))
        object.__setattr__(instance, declared.name, value)


def from_mapping(cls: type[T], values: Mapping[str, Any]) -> T:
    """Instance of the parameter dataclass `cls`; text is parsed, other values are checked.

    Raises
    ------
    InputError
        For an unknown name or a value out of range.
    """
    known = {declared.name: declared for declared in describe(cls)}
    unknown = sorted(set(values) - set(known))
    if unknown:
        names = ", ".join(known) or "none"
        raise InputError(f"Unknown parameter {unknown[0]!r}; allowed are: {names}.")
    parsed = {
        name: known[name].parse(value) if isinstance(value, str) else value
        for name, value in values.items()
    }
    return cls(**parsed)


def to_mapping(instance: Any) -> dict[str, Any]:
    """Declared parameters and their values, ready for JSON."""
    return {
        declared.name: getattr(instance, declared.name) for declared in describe(type(instance))
    }


def to_json(instance: Any) -> str:
    """Declared parameters as JSON text."""
    return json.dumps(to_mapping(instance))
