"""Entries of napari's command palette."""

from __future__ import annotations

from napari.utils.notifications import show_info

from napari_blindspot import methods


def show_methods() -> None:
    """Tell the user which denoising methods there are."""
    lines = [f"{name}: {method.title}" for name, method in methods.available().items()]
    show_info("\n".join(lines))
