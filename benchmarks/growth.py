"""How time and memory grow with the image: `blindspot denoise` from 0.07 to 67 million pixels.

    python benchmarks/growth.py --folder SCRATCH                writes the table; about an hour
    python benchmarks/growth.py --folder SCRATCH --largest 2048 --dry

Planes of 256 x 256 to 8192 x 8192 pixels, and volumes of planes of 512 x 512, as 16 bit TIFF, each
a process of its own. Exponents are the slopes of straight lines through the logarithms, from four
million pixels on. Time is that of the processor, which other programs do not lengthen; memory the
largest that is not that of a file, looked at every fifth of a second, less what a process has that
denoises 256 x 256 pixels. Mapped files are left out, for the system takes their pages back when it
needs them.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tables
import tifffile

from napari_blindspot import simulate

ROOT = Path(__file__).resolve().parents[1]
SIDE = 512
CAMERA = simulate.Camera(gain=2.0, offset=100.0, read_noise=2.0)
FROM = 4e6  # pixels from where on exponents are fitted
POLL_S = 0.2
HEADER = "| image | million pixels | processor, s | wall, s | peak memory, GB |"


@dataclass(frozen=True)
class Run:
    """What a process has used."""

    pixels: int
    processor_s: float
    wall_s: float
    peak_gb: float


def write(target: Path, shape: tuple[int, ...]) -> None:
    """Noisy nuclei; the scene repeats every 512 pixels, the noise does not."""
    rng = np.random.default_rng(0)
    tile = simulate.nuclei((SIDE, SIDE), rng, peak=60.0, background=4.0)
    repeats = [-(-n // SIDE) for n in shape[-2:]]
    scene = np.tile(tile, repeats)[: shape[-2], : shape[-1]]
    mapped = tifffile.memmap(
        target, shape=shape, dtype=np.uint16, metadata={"axes": "ZYX"[-len(shape) :]}
    )
    for plane in mapped.reshape(-1, *shape[-2:]):
        plane[:] = CAMERA.expose(scene, rng)
    mapped.flush()


def measured(noisy: Path, target: Path, options: list[str], pixels: int) -> Run:
    """`blindspot denoise` on a file."""
    program = str(Path(sys.executable).with_name("blindspot"))
    began = time.perf_counter()
    process = subprocess.Popen(
        [program, "denoise", str(noisy), "-o", str(target), "--quiet", *options]
    )
    peak, ended = 0.0, 0
    while not ended:
        peak = max(peak, anonymous_gb(process.pid))
        ended, status, used = os.wait4(process.pid, os.WNOHANG)
        time.sleep(POLL_S)
    if status:
        raise RuntimeError(f"blindspot ended with {status}")
    processor = used.ru_utime + used.ru_stime
    return Run(pixels, processor, time.perf_counter() - began, peak)


def anonymous_gb(pid: int) -> float:
    """Resident memory of a process that is not that of a file (Linux)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    # A process that has ended and was not asked for has no memory.
    return sum(float(line.split()[1]) for line in lines if line.startswith("RssAnon:")) / 1e6


def exponent(runs: list[Run], least: Run, field: str) -> float:
    """Slope of the logarithms, of what goes beyond the smallest image."""
    large = [run for run in runs if run.pixels >= FROM]
    x = np.log([run.pixels for run in large])
    beyond = np.array([getattr(run, field) - getattr(least, field) for run in large])
    return float(np.polyfit(x, np.log(np.maximum(beyond, 1e-3)), 1)[0])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--largest", type=int, default=8192, help="side of the largest plane")
    parser.add_argument("--planes", type=int, default=4096, help="of the largest volume")
    parser.add_argument("--budget", default="instant")
    parser.add_argument("--dry", action="store_true", help="write nothing into the docs")
    options = parser.parse_args()
    more = ["--budget", options.budget, "--device", "cpu"]
    sides = [256 << k for k in range(6) if 256 << k <= options.largest]
    counts = [16 << k for k in range(0, 9, 2) if 16 << k <= options.planes]
    kinds = {
        "plane": [(side, side) for side in sides],
        "volume": [(count, SIDE, SIDE) for count in counts],
    }
    rows, slopes = [HEADER, "| --- | ---: | ---: | ---: | ---: |"], []
    noisy, target = options.folder / "noisy.tif", options.folder / "denoised.ome.tif"
    least: Run | None = None
    for kind, shapes in kinds.items():
        runs = []
        for shape in shapes:
            write(noisy, shape)
            run = measured(noisy, target, more, int(np.prod(shape)))
            least = least or run
            runs.append(run)
            size = " x ".join(map(str, shape))
            rows.append(
                f"| {size} | {run.pixels / 1e6:.2f} | {run.processor_s:.1f} | {run.wall_s:.1f} "
                f"| {run.peak_gb:.2f} |"
            )
            print(rows[-1], flush=True)
        if sum(run.pixels >= FROM for run in runs) > 1 and least:
            found = {field: exponent(runs, least, field) for field in ("processor_s", "peak_gb")}
            slopes.append(
                f"Exponents of the {kind}s: time {found['processor_s']:.2f}, memory "
                f"{found['peak_gb']:.2f}."
            )
    text = "\n".join([*rows, "", *slopes])
    print("\n".join(slopes))
    noisy.unlink()
    target.unlink()
    if not options.dry:
        tables.write_between_markers(ROOT / "docs" / "benchmarks.md", "growth", text)


if __name__ == "__main__":
    main()
