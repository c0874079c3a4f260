"""Run-time check of the shapes that annotations state; tests/conftest.py switches it on."""

from __future__ import annotations

import inspect
import typing
from typing import Any

from beartype import beartype
from jaxtyping import AbstractArray


def checked(function):
    """Check the annotations that state a shape, and leave all others to mypy.

    The others cannot be checked: a type may be known to type checkers only, a protocol need not
    be checkable at run time, and an integer is fine where a float is asked for.
    """
    function.__annotations__ = {
        name: hint if states_shape(hint) else Any for name, hint in function.__annotations__.items()
    }
    return beartype(function)


def states_shape(hint):
    """Whether a jaxtyping array occurs anywhere in an annotation."""
    if inspect.isclass(hint) and issubclass(hint, AbstractArray):
        return True
    return any(states_shape(part) for part in typing.get_args(hint))
