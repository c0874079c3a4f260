"""What the user chose in napari's preferences: matters of this machine, never of science."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

PLUGIN = "napari-blindspot"
CATEGORY = "denoising"


@dataclass(frozen=True)
class Settings:
    """Preferences; the defaults are those of the manifest.

    Attributes
    ----------
    device : str
        `auto`, `cpu`, `cuda` or `mps`.
    memory_limit_gb : float
        Results that are larger go to a file and are opened from there.
    preview_interval_s : float
        Least time between two previews; 0 for none.
    output_folder : str
        Where results that do not fit into memory go; empty for the folder of the image, or the
        home folder where the image is in no file.
    """

    device: str = "auto"
    memory_limit_gb: float = 4.0
    preview_interval_s: float = 2.0
    output_folder: str = ""


def read_settings() -> Settings:
    """The preferences as they are now.

    The defaults where napari is older than 0.9, or does not know this plugin.
    """
    try:
        from napari.settings import get_plugin_settings

        chosen = getattr(get_plugin_settings(PLUGIN), CATEGORY)
    except (ImportError, KeyError, AttributeError):
        return Settings()
    return Settings(**{f.name: getattr(chosen, f.name) for f in dataclasses.fields(Settings)})
