"""Exit codes: 0 done, 2 unusable input, 130 interrupted, 1 anything else."""

from __future__ import annotations

import os
import sys
import traceback
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from napari_blindspot.params import InputError

FAILED, UNUSABLE, INTERRUPTED = 1, 2, 130

# Typer brings its own click or uses the installed one, and exports of the usage errors only this.
_UsageError: type[Exception] = typer.BadParameter.__bases__[0]
_NOT_OURS = (typer.Exit, typer.Abort, BrokenPipeError, _UsageError)


class Commands(TyperGroup):
    """Group of commands that ends with one sentence in place of a traceback."""

    def main(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Run the command line and exit."""
        try:
            code = super().main(*args, **{**kwargs, "standalone_mode": False})
        except _UsageError as error:
            say(f"Error: {_with_hint(error)}")
            sys.exit(UNUSABLE)
        sys.exit(code or 0)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; every error becomes a sentence and an exit code."""
        try:
            return super().invoke(ctx)
        except _NOT_OURS:
            raise
        except InputError as error:
            _end(UNUSABLE, f"Error: {error}")
        except KeyboardInterrupt:
            _end(INTERRUPTED, "Interrupted at once; nothing more was written.")
        except Exception as error:
            name = type(error).__name__
            detail = "" if debugging() else " Set BLINDSPOT_DEBUG=1 to see where."
            _end(FAILED, f"Error: {name}: {_sentence(str(error))}{detail}")


def say(text: str) -> None:
    """Print one line on stderr."""
    typer.echo(" ".join(text.split()), err=True)


def debugging() -> bool:
    """Whether the user asked for tracebacks."""
    return os.environ.get("BLINDSPOT_DEBUG", "") not in ("", "0")


def _end(code: int, text: str) -> NoReturn:
    if debugging():
        traceback.print_exc()
    say(text)
    raise typer.Exit(code)


def _sentence(text: str) -> str:
    text = text.strip() or "no further details"
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _with_hint(error: Any) -> str:
    command = error.ctx.command_path if error.ctx else "blindspot"
    return f"{error.format_message().strip().rstrip('.')} (see {command} --help)."
