"""Published methods, one file each. Importing this package does not import torch."""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
from typing import TYPE_CHECKING, Any

from napari_blindspot.methods.base import Method, Parts, Recipe, Spec
from napari_blindspot.params import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DEFAULT", "Method", "Parts", "Recipe", "Spec", "available", "create", "get"]

DEFAULT = "express"


@functools.cache
def available() -> dict[str, type[Method]]:
    """All methods by name, the default first, then in alphabetical order."""
    found = {}
    for info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{info.name}")
        for _, cls in inspect.getmembers(module, inspect.isclass):
            if issubclass(cls, Method) and not inspect.isabstract(cls):
                found[cls.name] = cls
    return dict(sorted(found.items(), key=lambda item: (item[0] != DEFAULT, item[0])))


def get(name: str) -> type[Method]:
    """Class of the method `name`.

    Raises
    ------
    InputError
        If there is no such method.
    """
    try:
        return available()[name]
    except KeyError:
        names = ", ".join(available())
        raise InputError(f"Method {name!r} is not known; use one of: {names}.") from None


def create(name: str, values: Mapping[str, Any] | None = None) -> Method:
    """Method `name` with the given parameters, the others at their defaults."""
    return get(name).of(values or {})
