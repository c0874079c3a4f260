"""Denoise one image with one of our methods and several budgets; `race.py` calls this.

    python benchmarks/ours_curve.py noisy.npy folder --method express --budgets instant 2s 10s

Each budget is a run of its own, from the noisy image to the denoised one. `folder` gets an image
of each, and `curve.json` with the seconds of each, the seconds from the start of Python to the
first training step or, where nothing is trained, result, and the peak memory.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from curves import Curve


def main() -> None:
    began = psutil.Process().create_time()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("noisy", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--method", default="express")
    parser.add_argument("--budgets", nargs="+", required=True)
    parser.add_argument("--set", default="{}", help="further options as JSON")
    options = parser.parse_args()
    noisy = np.load(options.noisy)

    import napari_blindspot.inference
    import napari_blindspot.networks  # noqa: F401 - imported before the clock runs
    from napari_blindspot import api
    from napari_blindspot.events import Event, Step

    curve = Curve(options.folder)

    def first(event: Event) -> None:
        if curve.startup_s is None and isinstance(event, Step):
            curve.startup_s = time.time() - began

    more: dict[str, Any] = {"seed": 0, "device": "cpu", "method": options.method}
    more |= json.loads(options.set)
    for budget in options.budgets:
        start = time.perf_counter()
        axes = "ZYX"[-noisy.ndim :]
        result = api.denoise(noisy, budget=budget, axes=axes, progress=first, **more)
        curve.add(result.image, time.perf_counter() - start, label=budget)
    if curve.startup_s is None:
        curve.startup_s = time.time() - began
    curve.save()


if __name__ == "__main__":
    main()
