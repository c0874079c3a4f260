"""Self-supervised denoising of microscopy images with blind-spot networks."""

from __future__ import annotations

import importlib
import importlib.metadata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_blindspot import methods
    from napari_blindspot._samples import sample_data_path
    from napari_blindspot.api import apply, denoise, estimate_noise, train
    from napari_blindspot.model import load
    from napari_blindspot.reporting import noise_report

    __version__: str

__all__ = [
    "__version__",
    "apply",
    "denoise",
    "estimate_noise",
    "load",
    "methods",
    "noise_report",
    "sample_data_path",
    "train",
]

# Names are looked up on first use, so that importing the package is quick and free of torch.
_HOMES = {
    "apply": "api",
    "denoise": "api",
    "estimate_noise": "api",
    "load": "model",
    "noise_report": "reporting",
    "sample_data_path": "_samples",
    "train": "api",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return _installed_version()
    if name == "methods":
        return importlib.import_module(f"{__name__}.methods")
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)


def _installed_version() -> str:
    """Version of the installed distribution, else the one written when it was built."""
    try:
        return importlib.metadata.version("napari-blindspot")
    except importlib.metadata.PackageNotFoundError:
        return str(importlib.import_module(f"{__name__}._version").version)
