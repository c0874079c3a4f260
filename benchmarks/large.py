"""Memory and time of volumes that do not fit into memory.

    python benchmarks/large.py --folder SCRATCH            2 GB; writes a table into the docs
    python benchmarks/large.py --folder SCRATCH --gigabytes 0.2

Writes a simulated stack of 16 bit as uncompressed TIFF and as OME-Zarr into the folder, which
needs three times its size, and runs `blindspot train` and `blindspot apply` on each as processes
of their own, under GNU time. Peak memory is the resident memory that it reports, pages of
memory-mapped files included.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tables
import tifffile
import zarr

from napari_blindspot import simulate

ROOT = Path(__file__).resolve().parents[1]
PLANE = (2048, 2048)
CAMERA = simulate.Camera(gain=2.0, offset=100.0, read_noise=2.0)
FAST = [
    "--method=n2v", "--param=width=8", "--param=depth=2", "--param=turns=1", "--dims=2D",
]  # fmt: skip
HEADER = "| volume | command | peak memory, GB | seconds | million voxels per second |"


@dataclass(frozen=True)
class Run:
    """What a process has used."""

    peak_gb: float
    seconds: float


def measured(arguments: list[str], folder: Path) -> Run:
    """Run `blindspot` with these arguments under /usr/bin/time."""
    report = folder / "time.txt"
    program = str(Path(sys.executable).with_name("blindspot"))
    time = ["/usr/bin/time", "-f", "%M %e", "-o", str(report)]
    subprocess.run([*time, program, *arguments], check=True)
    peak_kb, seconds = report.read_text().split()
    return Run(int(peak_kb) * 1024 / 1e9, float(seconds))


def planes(count: int) -> Iterator[np.ndarray]:
    """Noisy planes; the scene repeats after 16, the noise does not."""
    rng = np.random.default_rng(0)
    block = simulate.nuclei((16, *PLANE), rng, peak=60.0, background=4.0, radius=8.0)
    for index in range(count):
        yield CAMERA.expose(block[index % len(block)], rng).astype(np.uint16)


def write_volumes(folder: Path, n_planes: int) -> tuple[Path, Path]:
    """The same volume as TIFF and as Zarr, those of an earlier run if they are there."""
    tiff, ome_zarr = folder / "large.tif", folder / "large.ome.zarr"
    shape = (n_planes, *PLANE)
    if (ome_zarr / "zarr.json").exists() and tifffile.TiffFile(tiff).series[0].shape == shape:
        return tiff, ome_zarr
    tifffile.imwrite(
        tiff, planes(n_planes), shape=shape, dtype=np.uint16, bigtiff=True, metadata={"axes": "ZYX"}
    )
    group = zarr.create_group(ome_zarr, overwrite=True)
    array = group.create_array("0", shape=shape, dtype=np.uint16, chunks=(16, 256, 256))
    for start in range(0, n_planes, 16):
        stop = min(start + 16, n_planes)
        array[start:stop] = tifffile.imread(tiff, key=range(start, stop))
    axes = [{"name": letter, "type": "space"} for letter in "zyx"]
    scale = [{"type": "scale", "scale": [1.0, 1.0, 1.0]}]
    dataset = {"path": "0", "coordinateTransformations": scale}
    group.attrs["ome"] = {"version": "0.5", "multiscales": [{"axes": axes, "datasets": [dataset]}]}
    return tiff, ome_zarr


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--gigabytes", type=float, default=2.1)
    parser.add_argument("--budget", default="60s")
    options = parser.parse_args()
    n_planes = max(round(options.gigabytes * 1e9 / 2 / np.prod(PLANE)), 8)
    voxels = n_planes * np.prod(PLANE)
    rows = [HEADER, "| --- | --- | ---: | ---: | ---: |"]
    for volume in write_volumes(options.folder, n_planes):
        model = options.folder / "model.safetensors"
        target = volume.with_name(f"denoised_{volume.name}")
        train = ["train", str(volume), "-o", str(model), "--budget", options.budget, *FAST]
        runs = {
            "train": measured([*train, "--quiet"], options.folder),
            "apply": measured(
                ["apply", str(model), str(volume), "-o", str(target), "--quiet"], options.folder
            ),
        }
        for command, run in runs.items():
            speed = f"{voxels / run.seconds / 1e6:.2f}" if command == "apply" else ""
            rows.append(
                f"| {volume.name}, {voxels * 2 / 1e9:.2f} GB | {command} | {run.peak_gb:.2f} | "
                f"{run.seconds:.0f} | {speed} |"
            )
            print(rows[-1], flush=True)
    tables.write_between_markers(ROOT / "docs" / "benchmarks.md", "large", "\n".join(rows))


if __name__ == "__main__":
    main()
