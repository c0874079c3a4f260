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


def as_json() -> list[dict[str, Any]]:
    """All methods with their parameters, as values that JSON has."""
    return [
        {
            "name": name,
            "title": method.title,
            "reference": method.reference,
            "assumption": method.assumption,
            "dims": list(method.dims),
            "default": name == methods.DEFAULT,
            "parameters": [
                dataclasses.asdict(declared) | {"kind": declared.kind.__name__}
                for declared in method.declared()
            ],
        }
        for name, method in methods.available().items()
    ]


def show() -> None:
    """Print all methods and their parameters."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_WIDTH_IN_FILES)
    for name, method in methods.available().items():
        default = "  (default)" if name == methods.DEFAULT else ""
        console.print(Text.assemble((name, "bold cyan"), f"  {method.title}", (default, "dim")))
        console.print(Text(f"  {method.reference}", "dim"))
        console.print(Text(f"  {method.assumption}"))
        console.print(_parameters(method))
        console.print()


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
