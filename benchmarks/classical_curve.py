"""One of the denoisers of `classical.py` on one image; `race.py` calls this."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import psutil
from curves import Curve


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("noisy", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--method", required=True)
    options = parser.parse_args()
    noisy = np.load(options.noisy)

    from classical import METHODS
    from images import BenchmarkImage

    curve = Curve(options.folder, startup_s=time.time() - psutil.Process().create_time())
    start = time.perf_counter()
    denoised, _ = METHODS[options.method](BenchmarkImage("given", noisy, noisy, None))
    curve.add(denoised, time.perf_counter() - start)
    curve.save()


if __name__ == "__main__":
    main()
