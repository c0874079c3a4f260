"""The command `blindspot`."""

from __future__ import annotations

from napari_blindspot.cli.commands import app, main

__all__ = ["app", "main"]
