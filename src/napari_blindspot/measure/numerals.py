"""Numbers as people read them."""

from __future__ import annotations


def number(value: float) -> str:
    """Number with three digits, whole from 100 on, without exponent where it can be read."""
    if abs(value) >= 1e6 or 0 < abs(value) < 1e-3:
        return f"{value:.2e}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
