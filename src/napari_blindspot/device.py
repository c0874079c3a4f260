"""Which processor trains, and why."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager

import torch

from napari_blindspot.params import InputError

NAMES = ("auto", "cpu", "cuda", "mps")


def choose(name: str) -> torch.device:
    """Device for `name`; `auto` takes CUDA, then MPS, then the CPU.

    Raises
    ------
    InputError
        If the name is unknown or this machine has no such device.
    """
    base = name.partition(":")[0]
    if base not in NAMES:
        raise InputError(f"device={name!r} is not known; use {', '.join(NAMES)}.")
    if name == "auto":
        return torch.device(_best())
    if not _available(base):
        raise InputError(
            f"device={name!r} is not available with this PyTorch ({torch.__version__}); "
            "use --device auto, or install a PyTorch build for it."
        )
    return torch.device(name)


@contextlib.contextmanager
def threads(count: int | None) -> Iterator[None]:
    """Use so many processor cores in this thread, all that are there for None."""
    before = torch.get_num_threads()
    if count is not None:
        torch.set_num_threads(min(count, os.cpu_count() or 1))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def mixed_precision(device: torch.device) -> AbstractContextManager[object]:
    """Convolutions in bfloat16, on NVIDIA cards that have it (Ampere and later), to train faster.

    Weights, their averages and whatever takes a power, a logarithm or a mean stay in float32.
    """
    if device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.autocast("cuda", torch.bfloat16)
    return contextlib.nullcontext()


def describe(device: torch.device) -> str:
    """The device in words."""
    if device.type == "cuda":
        return f"CUDA ({torch.cuda.get_device_name(device)})"
    if device.type == "mps":
        return "Apple GPU (MPS)"
    return f"CPU ({torch.get_num_threads()} of {os.cpu_count()} cores)"


def _best() -> str:
    return next(name for name in ("cuda", "mps", "cpu") if _available(name))


def _available(base: str) -> bool:
    if base == "cuda":
        return torch.cuda.is_available()
    if base == "mps":
        return torch.backends.mps.is_available()
    return True
