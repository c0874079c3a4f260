"""Noise that neighbours along X share, and what neighbouring planes and frames are worth.

    python benchmarks/shared_noise.py                    both tables; a quarter of an hour
    python benchmarks/shared_noise.py --only planes      a minute

The truths of three confocal images of FMD become scenes of 40 photons, whose noise is mixed along X
with that of its neighbours, as scanning microscopes do. Volumes of `images.py` and the sample time
lapse of the repository are denoised without training, each plane or frame alone and with those
around it. Budgets are seconds of one core.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import images
import numpy as np
import tables
import tifffile
from numpy.typing import NDArray
from scipy import ndimage

from napari_blindspot import denoise
from napari_blindspot.quality import affine_psnr, psnr

ROOT = Path(__file__).resolve().parents[1]
GAIN, OFFSET, PHOTONS, BACKGROUND = 2.0, 100.0, 40.0, 1.0
SCENES = ("BPAE_G", "fish", "mice")
WEIGHTS = {"1 : 2 : 1": (1, 2, 1), "5 pixels alike": (1,) * 5, "7 pixels alike": (1,) * 7}
WAYS: dict[str, dict[str, str]] = {
    "`express`, instant": {"budget": "instant"},
    "`struct_n2v`, 40 s": {"method": "struct_n2v", "budget": "40s"},
}
LAPSE = ROOT / "sample_data" / "timelapse_{}.ome.tif"
Image = NDArray[np.float32]


def exposed(clean: NDArray[np.float64], weights: tuple[int, ...], seed: int) -> Image:
    """Photons and read noise of one electron, mixed along X without changing the variance."""
    rng = np.random.default_rng(seed)
    noise = rng.poisson(clean) - clean + rng.standard_normal(clean.shape)
    kernel = np.array(weights) / np.sqrt(np.square(weights).sum())
    mixed = ndimage.convolve1d(noise, kernel, axis=1, mode="reflect")
    return (OFFSET + GAIN * (clean + mixed)).astype(np.float32)


def row_table() -> str:
    """PSNR and seconds for each kernel and scene."""
    scenes = {image.name: image.truth / 255 * PHOTONS + BACKGROUND for image in images.fmd()}
    titles = [f"{way}{what}" for way in WAYS for what in ("", ", s")]
    lines = [["noise along X", "image", "noisy", *titles], ["---", "---", *["---:"] * 5]]
    for name, weights in WEIGHTS.items():
        for seed, scene in enumerate(SCENES):
            clean = scenes[scene]
            noisy, truth = exposed(clean, weights, seed), OFFSET + GAIN * clean
            peak = float(np.ptp(truth))
            figures = [f"{psnr(noisy, truth, peak):.2f}"]
            for options in WAYS.values():
                began = time.perf_counter()
                found = denoise(noisy, axes="YX", device="cpu", threads=1, **options).image
                seconds = time.perf_counter() - began
                figures += [f"{psnr(found, truth, peak):.2f}", f"{seconds:.0f}"]
            lines.append([name, scene, *figures])
            print(*lines[-1], flush=True)
    return joined(lines)


def plane_table() -> str:
    """PSNR of planes and frames alone, and with those around them."""
    lines = [["image", "alone", "with those around", "gain"], ["---", *["---:"] * 3]]

    def line(name: str, alone: float, around: float) -> None:
        lines.append([name, f"{alone:.2f}", f"{around:.2f}", f"{around - alone:+.2f}"])
        print(*lines[-1], flush=True)

    for image in images.planaria():
        line(image.name, *(image.psnr(instant(image.noisy, "ZYX", d)) for d in ("2D", "3D")))
    noisy, truth = (tifffile.imread(str(LAPSE).format(kind)) for kind in ("noisy", "truth"))
    alone, around = (instant(noisy, "TCYX", dims) for dims in ("2D", "2D+T"))
    for channel in range(truth.shape[1]):
        both = (affine_psnr(found[:, channel], truth[:, channel]) for found in (alone, around))
        line(f"time lapse, channel {channel + 1}", *both)
    return joined(lines)


def instant(noisy: Image, axes: str, dims: str) -> Image:
    """Without training, on one core."""
    found = denoise(noisy, axes=axes, dims=dims, budget="instant", device="cpu", threads=1)
    return found.image


def joined(lines: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


TABLES: dict[str, Callable[[], str]] = {"rows": row_table, "planes": plane_table}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=TABLES, default=list(TABLES))
    for name in parser.parse_args().only:
        tables.write_between_markers(ROOT / "docs" / "pretrained.md", name, TABLES[name]())


if __name__ == "__main__":
    main()
