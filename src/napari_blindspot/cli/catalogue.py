"""The methods, for reading and as JSON."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from napari_blindspot import methods

if TYPE_CHECKING:
    from napari_blindspot.methods import Method
    from napari_blindspot.params import Param

_WIDTH_IN_FILES = 110


def as_json(name: str | None = None) -> list[dict[str, Any]]:
    """All methods, or one, with their parameters, as values that JSON has."""
    return [
        {
            "name": method.name,
            "title": method.title,
            "reference": method.reference,
            "assumption": method.assumption,
            "dims": list(method.dims),
            "default": method.name == methods.DEFAULT,
            "paper": dict(method.paper),
            "parameters": [
                dataclasses.asdict(declared) | {"kind": declared.kind.__name__}
                for declared in method.declared()
            ],
        }
        for method in ([methods.get(name)] if name else methods.available().values())
    ]


def show_all() -> None:
    """Print what each method is and assumes."""
    console = _console()
    for method in methods.available().values():
        _print_head(console, method)
        console.print()
    console.print("Parameters of a method: `blindspot methods NAME`.", markup=False)


def show(name: str) -> None:
    """Print one method with its parameters.

    Raises
    ------
    InputError
        If there is no such method.
    """
    console, method = _console(), methods.get(name)
    _print_head(console, method)
    console.print(_parameters(method))
    if method.paper:
        values = " ".join(f"{key}={value}" for key, value in method.paper.items())
        console.print(Text(f"\n  --budget paper: {values}, {method.paper_budget}"))


def _console() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_WIDTH_IN_FILES)


def _print_head(console: Console, method: type[Method]) -> None:
    default = "  (default)" if method.name == methods.DEFAULT else ""
    console.print(Text.assemble((method.name, "bold cyan"), f"  {method.title}", (default, "dim")))
    console.print(Text(f"  {method.reference}", "dim"))
    console.print(Text(f"  {method.assumption}"))


def _parameters(method: type[Method]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 2), header_style="dim")
    table.add_column("parameter", no_wrap=True)
    table.add_column("default", no_wrap=True)
    table.add_column("allowed")
    table.add_column("meaning")
    for declared in method.declared():
        cells = (declared.name, _default(declared), declared.allowed(), declared.help)
        table.add_row(*(Text(cell) for cell in cells))
    return table


def _default(declared: Param) -> str:
    value = declared.default
    if value is None:
        return "auto"
    text = f"{value:g}" if isinstance(value, float) else str(value)
    if isinstance(value, bool):
        text = text.lower()
    return f"{text} {declared.unit}".strip()
