"""Our methods beside CAREamics and the classical denoisers, on the same images in one run.

    python benchmarks/peers.py                                   the table of docs/benchmarks.md
    python benchmarks/peers.py --sets simulated --rows noisy gaussian bm3d express-60s
    python benchmarks/peers.py --table-only                      from the kept figures

A row is `METHOD-BUDGET` for ours (`express-10s`, `express-instant`, `n2v-2000steps`; `fresh-10s`
is `express` without its pretrained start),
`careamics-EPOCHS` for CAREamics' Noise2Void, or a name of `classical.py`. Every figure is kept in
`benchmarks/results/`; the table goes to docs/benchmarks.md between marker comments.

The peers live in an environment of their own, `benchmarks/.peers-venv`, made on the first run.
Seconds are wall time of training and denoising, with the default number of threads, one image at
a time; nothing else should run on the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
import venv
from pathlib import Path

import images
import numpy as np
import tables
from images import BenchmarkImage
from numpy.typing import NDArray

import napari_blindspot.api

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PEERS = HERE / ".peers-venv"
PEERS_PYTHON = PEERS / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
CLASSICAL = ("noisy", "gaussian", "nlm", "wavelet", "nlm_vst", "wavelet_vst", "bm3d")
FRESH = "fresh"
ROWS = ["noisy", "gaussian", "nlm_vst", "bm3d", "careamics-30", "careamics-100", "express-10s"]

CAREAMICS = "careamics==0.3.5"
# What CAREamics and `classical.py` need; CAREamics itself comes without dependencies, because it
# asks for torchvision, which Noise2Void does not use.
REQUIREMENTS = [
    "torch",
    "bioimageio-core>=0.9,<=0.11",
    "bm3d==4.0.3",
    "lightning>=2.2,<=2.6.6,!=2.6.2,!=2.6.3",
    "matplotlib",
    "microssim<=0.0.5",
    "numpy<=2.4.6",
    "psutil",
    "pydantic<=2.14.1",
    "pyyaml",
    "scikit-image<=0.26",
    "tifffile<=2026.3.3",
    "torchmetrics<1.9",
    "zarr>=3,<4",
]


def make_environment() -> None:
    """Environment of the peers, with the torch release that ours is measured with."""
    if _imports("bm3d, careamics"):
        return
    print("making benchmarks/.peers-venv ...", flush=True)
    venv.create(PEERS, with_pip=True)
    pip = [str(PEERS_PYTHON), "-m", "pip", "install", "-q"]
    subprocess.run([*pip, "-c", str(ROOT / "constraints.txt"), *REQUIREMENTS], check=True)
    subprocess.run([*pip, "--no-deps", CAREAMICS], check=True)


def _imports(modules: str) -> bool:
    if not PEERS_PYTHON.exists():
        return False
    names = modules.split(", ")
    code = f"import importlib.util as u; assert all(u.find_spec(name) for name in {names})"
    return subprocess.run([PEERS_PYTHON, "-c", code], stderr=subprocess.DEVNULL).returncode == 0


def run_ours(noisy: NDArray[np.generic], method: str, budget: str) -> NDArray[np.float32]:
    """Image `(Y, X)` or volume `(Z, Y, X)`, denoised by one of our methods."""
    options = {"method": "express", "prior": False} if method == FRESH else {"method": method}
    result = napari_blindspot.api.denoise(
        noisy, budget=budget, seed=0, axes="ZYX"[-noisy.ndim :], **options
    )
    return result.image


def measure_ours(set_name: str, image: BenchmarkImage, row: str) -> None:
    """Run one of our methods and keep its figures."""
    method, budget = row.rsplit("-", 1)
    start = time.perf_counter()
    denoised = run_ours(image.noisy, method, budget)
    seconds = time.perf_counter() - start
    _keep("ours", set_name, image, row, denoised, seconds)


def measure_careamics(set_name: str, image: BenchmarkImage, row: str) -> None:
    """Run CAREamics' Noise2Void in its own environment and keep its figures."""
    epochs = row.removeprefix("careamics-")
    with tempfile.TemporaryDirectory() as folder:
        noisy, denoised = Path(folder) / "noisy.npy", Path(folder) / "denoised.npy"
        np.save(noisy, image.noisy.astype(np.float32))
        script = [str(HERE / "careamics_n2v.py"), str(noisy), str(denoised), "--epochs", epochs]
        run = subprocess.run(
            [str(PEERS_PYTHON), *script], capture_output=True, text=True, cwd=folder, check=False
        )
        if run.returncode:
            raise RuntimeError(f"CAREamics failed on {image.name}:\n{run.stderr}")
        times = json.loads(run.stdout.splitlines()[-1])
        seconds = times["training_s"] + times["prediction_s"]
        _keep("careamics", set_name, image, row, np.load(denoised), seconds)


def measure_classical(sets: list[str], rows: list[str]) -> None:
    """Run the classical denoisers in the environment of the peers, which has BM3D."""
    script = [str(HERE / "classical.py"), "--sets", *sets, "--methods", *rows]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    subprocess.run([str(PEERS_PYTHON), "-u", *script], check=True, env=environment)


def _keep(
    file: str,
    set_name: str,
    image: BenchmarkImage,
    row: str,
    denoised: NDArray[np.float32],
    seconds: float,
) -> None:
    figure = image.psnr(denoised)
    entry = tables.Row(set_name, image.name, row, round(figure, 3), round(seconds, 2))
    tables.add(file, entry)
    print(
        f"{entry.image:16} {entry.method:16} {entry.psnr:6.2f} dB {entry.seconds:6.1f} s",
        flush=True,
    )


def measure(sets: list[str], rows: list[str]) -> None:
    """Every row on every image."""
    classical = [row for row in rows if row in CLASSICAL]
    if classical or any(row.startswith("careamics-") for row in rows):
        make_environment()
    if classical:
        measure_classical(sets, classical)
    for set_name, image in images.load(sets):
        for row in rows:
            if row.startswith("careamics-"):
                measure_careamics(set_name, image, row)
            elif row not in CLASSICAL:
                measure_ours(set_name, image, row)


def write_tables(sets: list[str], rows: list[str]) -> None:
    """Print the table of each set and put it into docs/benchmarks.md."""
    kept = [row for file in ("classical", "careamics", "ours") for row in tables.read(file)]
    for set_name in sets:
        chosen = [row for row in kept if row.set == set_name and row.method in rows]
        table = tables.markdown(chosen, rows, against="careamics-100")
        print(f"\n{set_name}\n{table}")
        tables.write_between_markers(ROOT / "docs" / "benchmarks.md", set_name, table)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", nargs="+", choices=list(images.SETS), default=["fmd"])
    parser.add_argument("--rows", nargs="+", default=ROWS)
    parser.add_argument("--table-only", action="store_true", help="measure nothing")
    options = parser.parse_args()
    if not options.table_only:
        measure(options.sets, options.rows)
    write_tables(options.sets, options.rows)


if __name__ == "__main__":
    main()
