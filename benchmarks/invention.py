"""What the pretrained start makes of noise alone, of faint structure, and of unknown textures.

    python benchmarks/invention.py                 writes both tables; 20 minutes
    python benchmarks/invention.py --only noise    a minute

Noise alone and squares of 6 pixels below the noise are denoised by `express` without training, as a
user would: the noise law and its correlation are estimated from the image. Textures of scikit-image
(walls, grass, stones, print), which are unlike all that the network has learned from, are denoised
with and without the start; budgets are seconds of one core.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tables
from numpy.typing import NDArray
from scipy import ndimage
from skimage import data

from napari_blindspot import denoise
from napari_blindspot.quality import psnr

DOCS = Path(__file__).resolve().parents[1] / "docs"
SIDE, LEVEL, CAMERA, PHOTONS = 384, 60.0, (2.0, 100.0, 2.0), (20.0, 100.0)
NOISES = {"independent": 0.0, "shared by neighbours": 0.75, "shared along X": (0.0, 0.75)}
FAINT = (0.0, 0.1, 0.3, 1.0)
TEXTURES = ("brick", "grass", "gravel", "text")
WAYS: dict[str, dict[str, object]] = {
    "instant": {"budget": "instant"},
    "10 s": {"budget": "10s"},
    "balanced": {"budget": "balanced"},
    "balanced, without the start": {"budget": "balanced", "prior": False},
}
Image = NDArray[np.float32]


def exposed(clean: NDArray[np.float64], blur: float | tuple[float, float], seed: int) -> Image:
    """Photons and read noise, then correlated, in grey values."""
    rng = np.random.default_rng(seed)
    gain, offset, read = CAMERA
    noise = rng.poisson(clean) - clean + read * rng.standard_normal(clean.shape)
    smooth = ndimage.gaussian_filter(noise, blur)
    noise = smooth * noise.std() / smooth.std()
    return (offset + gain * (clean + noise)).astype(np.float32)


def denoised(noisy: Image, **options: object) -> Image:
    """By `express`, on one core of the processor."""
    return denoise(noisy, axes="YX", device="cpu", threads=1, **options).image


def noise_table() -> str:
    """How much is left of noise, and how much of it is structure."""
    y, x = np.mgrid[:SIDE, :SIDE]
    squares = np.sign(np.sin(x / 2) * np.sin(y / 2))
    sigma = (LEVEL + CAMERA[2] ** 2) ** 0.5
    head = ["noise", "structure, sigma", "result, sigma", "correlation with the structure"]
    lines = [head, ["---", "---:", "---:", "---:"]]
    for name, blur in NOISES.items():
        for strength in FAINT:
            shown = exposed(LEVEL + strength * sigma * squares, blur, seed=1)
            result = denoised(shown, budget="instant") / (CAMERA[0] * sigma)
            alike = f"{np.corrcoef(result.ravel(), squares.ravel())[0, 1]:.2f}" if strength else ""
            lines.append([name, f"{strength:g}", f"{result.std():.3f}", alike])
            print(*lines[-1], flush=True)
    return joined(lines)


def texture_table() -> str:
    """PSNR with and without the start."""
    lines = [["texture", "photons", "noisy", *WAYS], ["---", *["---:"] * (2 + len(WAYS))]]
    for name in TEXTURES:
        picture = getattr(data, name)()[:256, :256].astype(np.float64)
        picture = (picture - picture.min()) / np.ptp(picture)
        for photons in PHOTONS:
            clean = photons * picture + 2
            noisy, truth = exposed(clean, 0.0, seed=0), CAMERA[1] + CAMERA[0] * clean
            images = [noisy, *(denoised(noisy, **options) for options in WAYS.values())]
            figures = [f"{psnr(image, truth, float(np.ptp(truth))):.2f}" for image in images]
            lines.append([name, f"{photons:g}", *figures])
            print(*lines[-1], flush=True)
    return joined(lines)


def joined(lines: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


TABLES: dict[str, Callable[[], str]] = {"noise": noise_table, "textures": texture_table}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=TABLES, default=list(TABLES))
    for name in parser.parse_args().only:
        tables.write_between_markers(DOCS / "pretrained.md", name, TABLES[name]())


if __name__ == "__main__":
    main()
