"""What a competitor in `race.py` leaves in its folder: images, seconds, memory."""

from __future__ import annotations

import json
import resource
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass
class Curve:
    """Images after growing times.

    Attributes
    ----------
    folder : Path
        Where they go.
    startup_s : float or None
        From the start of the process to the first training step.
    points : list of dict
        `seconds`, `file` and `label` of each image.
    """

    folder: Path
    startup_s: float | None = None
    points: list[dict[str, Any]] = field(default_factory=list)

    def add(self, image: NDArray[Any], seconds: float, label: str = "") -> None:
        """Keep an image that took so many seconds."""
        file = f"{len(self.points):03}.npy"
        np.save(self.folder / file, np.asarray(image, np.float32))
        self.points.append({"seconds": seconds, "file": file, "label": label})

    def save(self) -> None:
        """Write `curve.json`, with the peak memory of this process in bytes."""
        unit = 1 if sys.platform == "darwin" else 1024
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
        plain = {key: value for key, value in asdict(self).items() if key != "folder"}
        (self.folder / "curve.json").write_text(json.dumps(plain | {"peak_bytes": peak}))
