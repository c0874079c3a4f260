"""Training steps and tiled prediction of Noise2Void: ours and CAREamics', in turns in one run.

    python benchmarks/throughput.py                 three rounds; writes the table
    python benchmarks/throughput.py --rounds 1 --dry

Both have a U-Net of depth 2 with 32 features, patches of 64 pixels and a batch of 16, of whose
pixels 0.2 % are hidden, as CAREamics does, or 2 %, as ours does otherwise; CAREamics' network has
batch normalisation, too. Its steps are those of whole epochs but the first, validation
included, as they are for who waits for them; ours are those of the real loop. Prediction is that
of 2048 x 2048 pixels by the public function of each, CAREamics' in tiles of 256 with an overlap of
48 pixels, ours in tiles that it chooses, with exactly the result of the whole image.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import peers
import tables
import torch

from napari_blindspot import api, simulate
from napari_blindspot.events import Step

ROOT = Path(__file__).resolve().parents[1]
SIDE, LEARNT = 2048, 512
SAME = {
    "method": "n2v", "width": 32, "depth": 2, "patch": 64, "batch": 16, "turns": 1, "device": "cpu",
}  # fmt: skip
HIDDEN = {"step_s": 0.002, "usual_step_s": 0.02}


def theirs(noisy: Path, threads: int) -> dict[str, float]:
    """Seconds of CAREamics, in its own environment."""
    script = [str(Path(__file__).with_name("careamics_speed.py")), str(noisy)]
    run = subprocess.run(
        [str(peers.PEERS_PYTHON), *script, "--threads", str(threads)],
        capture_output=True, text=True, check=True, cwd=noisy.parent,
        env=os.environ | {"PYTHONWARNINGS": "ignore"},
    )  # fmt: skip
    found: dict[str, float] = json.loads(run.stdout.splitlines()[-1])
    return found


def ours(noisy: np.ndarray, threads: int) -> dict[str, float]:
    """Seconds of ours."""
    found = {}
    for what, hidden in HIDDEN.items():
        ends: list[float] = []

        def note(event: object, ends: list[float] = ends) -> None:
            if isinstance(event, Step):
                ends.append(time.perf_counter())

        model = api.train(
            noisy[:LEARNT, :LEARNT], budget="28steps", axes="YX", threads=threads,
            mask_fraction=hidden, progress=note, **SAME,
        )  # fmt: skip
        found[what] = (ends[-1] - ends[3]) / (len(ends) - 4)
    began = time.perf_counter()
    api.apply(model, noisy, axes="YX", device="cpu", threads=threads)
    return found | {"predict_s": time.perf_counter() - began}


def measure(rounds: int, threads: int) -> dict[str, dict[str, list[float]]]:
    """Seconds of each by what is measured."""
    peers.make_environment()
    rng = np.random.default_rng(0)
    scene = simulate.nuclei((LEARNT, LEARNT), rng, peak=50.0)
    noisy = rng.poisson(np.tile(scene, (SIDE // LEARNT,) * 2)).astype(np.float32)
    found: dict[str, dict[str, list[float]]] = {"careamics": {}, "ours": {}}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "noisy.npy"
        np.save(file, noisy)
        for _ in range(rounds):
            for who, seconds in (
                ("careamics", theirs(file, threads)),
                ("ours", ours(noisy, threads)),
            ):
                for what, value in seconds.items():
                    found[who].setdefault(what, []).append(value)
    found["careamics"]["usual_step_s"] = found["careamics"]["step_s"]
    return found


def ratios(found: dict[str, dict[str, list[float]]]) -> dict[str, float]:
    """How many times faster ours is, by the medians."""
    return {
        what: statistics.median(found["careamics"][what]) / statistics.median(found["ours"][what])
        for what in found["ours"]
    }


def table(found: dict[str, dict[str, list[float]]]) -> str:
    """Patches and megapixels a second, medians and ranges."""
    units = {
        "step_s": ("training, 0.2 % hidden, patches/s", 16.0),
        "usual_step_s": ("training, 2 % hidden by ours, patches/s", 16.0),
        "predict_s": ("prediction, Mpixel/s", SIDE**2 / 1e6),
    }
    lines = ["| | CAREamics | ours | ratio |", "| --- | ---: | ---: | ---: |"]
    for what, (title, amount) in units.items():
        cells = []
        for who in ("careamics", "ours"):
            speeds = sorted(amount / seconds for seconds in found[who][what])
            middle = f"{statistics.median(speeds):.3g}"
            cells.append(f"{middle} ({speeds[0]:.3g} to {speeds[-1]:.3g})")
        lines.append(f"| {title} | {' | '.join(cells)} | {ratios(found)[what]:.2f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--dry", action="store_true", help="write nothing into the docs")
    options = parser.parse_args()
    shown = table(measure(options.rounds, options.threads))
    print(shown)
    if not options.dry:
        tables.write_between_markers(ROOT / "docs" / "benchmarks.md", "throughput", shown)


if __name__ == "__main__":
    main()
