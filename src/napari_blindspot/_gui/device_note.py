"""Which processor will be used, and why, found without the seconds that importing torch takes."""

from __future__ import annotations

import ast
import ctypes.util
import importlib.util
import os
import platform
import shutil
import sys
from pathlib import Path

_INSTALL = "pip install --force-reinstall torch --index-url https://download.pytorch.org/whl/cu128"
_HIDDEN = {"", "-1"}
_DEVICE_FILE = Path("/dev/nvidiactl")


def device_note(chosen: str, threads: int) -> str:
    """What will be used and why, in a sentence or two.

    Parameters
    ----------
    chosen : str
        Device in the preferences: `auto`, `cpu`, `cuda` or `mps`.
    threads : int
        Processor cores that the work may use.
    """
    if chosen == "cpu":
        return f"{_cpu(threads)}, chosen in the preferences."
    build = _build()
    if build.startswith("ROCm") and chosen == "auto":
        return f"An AMD card where there is one, else the CPU: this PyTorch build is for {build}."
    why_not = _why_no_cuda(build)
    if chosen.startswith("cuda"):
        return _chosen("CUDA", why_not)
    if chosen == "mps":
        return _chosen("Apple GPU (MPS)", "" if _has_mps() else "this is no Mac with Apple silicon")
    if not why_not:
        return f"CUDA: an NVIDIA card was found, and this PyTorch build can use it ({build})."
    if _has_mps():
        return "Apple GPU (MPS): this is a Mac with Apple silicon."
    advice = f"; to use the NVIDIA card install one with `{_INSTALL}`" if _lacks(build) else ""
    return f"{_cpu(threads)}: {why_not}{advice}."


def _cpu(threads: int) -> str:
    cores = os.cpu_count() or 1
    left = cores - threads
    if left <= 0:
        return f"CPU ({cores} {'core' if cores == 1 else 'cores'})"
    verb = "one is" if left == 1 else f"{left} are"
    return f"CPU ({threads} of {cores} cores, {verb} left to napari)"


def _chosen(name: str, why_not: str) -> str:
    if why_not:
        return f"{name} is chosen in the preferences, but {why_not}; choose auto or cpu there."
    return f"{name}, chosen in the preferences."


def _lacks(build: str) -> bool:
    """Whether another PyTorch build would help."""
    return not build and _has_card()


def _why_no_cuda(build: str) -> str:
    """Why CUDA cannot be used; empty if it can."""
    if not _has_card():
        return "no NVIDIA card was found"
    if not build:
        return "this PyTorch build has no CUDA"
    if os.environ.get("CUDA_VISIBLE_DEVICES", "0").strip() in _HIDDEN:
        return "CUDA_VISIBLE_DEVICES hides the NVIDIA card"
    return ""


def _build() -> str:
    """CUDA (or ROCm) of the installed torch as `CUDA 12.8`; empty for a build without."""
    spec = importlib.util.find_spec("torch")
    for folder in (spec and spec.submodule_search_locations) or ():
        file = Path(folder) / "version.py"
        if file.is_file():
            values = _assigned(file.read_text(encoding="utf-8"))
            if values.get("cuda"):
                return f"CUDA {values['cuda']}"
            return f"ROCm {values['hip']}" if values.get("hip") else ""
    return ""


def _assigned(source: str) -> dict[str, object]:
    """Constants that a module assigns to names."""
    found: dict[str, object] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Constant):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [target.id for target in targets if isinstance(target, ast.Name)]
            found |= dict.fromkeys(names, node.value.value)
    return found


def _has_card() -> bool:
    """Whether there is an NVIDIA driver; asking the card itself would start it."""
    if shutil.which("nvidia-smi"):
        return True
    if sys.platform == "linux":
        # find_library starts other programs here, and takes a tenth of a second.
        return _DEVICE_FILE.exists()
    return ctypes.util.find_library("nvcuda" if sys.platform == "win32" else "cuda") is not None


def _has_mps() -> bool:
    return sys.platform == "darwin" and platform.machine() == "arm64"
