"""Fails when a speed that was recorded as a ratio has fallen by more than a fifth.

    python benchmarks/check.py             measure again and compare; `make bench-check`
    python benchmarks/check.py --record    keep what is measured now

Every figure is a ratio of two times of one run on one machine, so that it can be compared with one
of another machine: our time against that of the convolutions alone, of BM3D, or of CAREamics.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time

import engine
import images
import peers
import race
import tables
import throughput
import torch

from napari_blindspot import api

KEPT = tables.RESULTS / "ratios.json"
LEAST = 0.8  # of a recorded ratio
ROUNDS = 3


def measured() -> dict[str, float]:
    """All ratios, each the better the larger."""
    peers.make_environment()
    found = {}
    for method in ("n2v", "laine19", "express"):
        found[f"convolutions over a step of {method}"] = engine.share(
            method, 2, torch.device("cpu")
        )
    speeds = throughput.ratios(throughput.measure(2, torch.get_num_threads()))
    found["training of n2v, CAREamics over ours"] = speeds["step_s"]
    found["prediction of n2v, CAREamics over ours"] = speeds["predict_s"]
    found["BM3D over the instant preview"] = _bm3d_over_instant()
    return found


def _bm3d_over_instant() -> float:
    _, image = images.load(["simulated"])[0]
    api.denoise(image.noisy, budget="instant", axes="YX", device="cpu")  # imports
    instant, bm3d = [], []
    for repeat in range(ROUNDS):
        began = time.perf_counter()
        api.denoise(image.noisy, budget="instant", axes="YX", device="cpu")
        instant.append(time.perf_counter() - began)
        bm3d.append(race.heat(image, "bm3d", repeat).final[0])
    return statistics.median(bm3d) / statistics.median(instant)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    now = {name: round(ratio, 3) for name, ratio in measured().items()}
    if options.record:
        KEPT.write_text(json.dumps(now, indent=2) + "\n")
    kept = json.loads(KEPT.read_text())
    fallen = [name for name, ratio in now.items() if ratio < LEAST * kept.get(name, 0.0)]
    for name, ratio in now.items():
        mark = "  FALLEN" if name in fallen else ""
        print(f"{name:45} {ratio:8.3f}, recorded {kept.get(name, float('nan')):8.3f}{mark}")
    sys.exit(1 if fallen else 0)


if __name__ == "__main__":
    main()
