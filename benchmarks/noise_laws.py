"""Gain and read noise from one simulated image, against the camera that made it.

    python benchmarks/noise_laws.py            measure, then write the tables in docs/
    python benchmarks/noise_laws.py --tables   write the tables of the last measurement

Each image has one megapixel. The limit beside an error is the standard error of the best
unbiased estimate that knows the clean image; nothing that sees the noisy one alone can be
expected to do better.
"""

from __future__ import annotations

import argparse
import itertools
import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import tables

from napari_blindspot import noise_report, simulate
from napari_blindspot.simulate import Camera

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"
SIZE, GAIN = 1024, 2.0
CONTENTS = ("sparse", "dense")
PHOTONS = (1, 10, 100, 1000)
READ = (0, 1, 3, 10)  # electrons
OFFSETS = (0, 100, 500)
SEEDS = (1, 2)
ALLOWED = 0.05


@dataclass(frozen=True)
class Cell:
    """One camera and scene; errors are root mean squares over the seeds.

    `gain` and `gain_limit` are relative; `read_error` and `read_limit` are in electrons, and
    `read` is the mean of the estimates. `covered` counts the intervals that hold the true gain.
    """

    content: str
    photons: int
    read_noise: int
    offset: int
    gain: float
    gain_limit: float
    read: float
    read_error: float
    read_limit: float
    covered: int


def scene(content: str, photons: float) -> simulate.Photons:
    """Few filaments, or nuclei everywhere; the background has 2 % of the peak."""
    rng = np.random.default_rng(11)
    shape, background = (SIZE, SIZE), 0.02 * photons
    if content == "sparse":
        return simulate.filaments(shape, rng, peak=photons, background=background, count=80)
    return simulate.nuclei(shape, rng, peak=photons, background=background, coverage=1.0)


def limits(camera: Camera, photons: simulate.Photons) -> tuple[float, float]:
    """Standard errors of the gain and of the dark variance for one who knows the clean image."""
    signal = camera.gain * photons.astype(np.float64).ravel()
    variance = camera.variance(photons).astype(np.float64).ravel()
    weight = 1 / (2 * variance**2 + camera.gain**3 * signal)
    rows = np.stack([signal, np.ones_like(signal)])
    covariance = np.linalg.inv((rows * weight) @ rows.T)
    return float(np.sqrt(covariance[0, 0])), float(np.sqrt(covariance[1, 1]))


def measure(setting: tuple[str, int, int, int]) -> Cell:
    """All seeds of one cell."""
    content, photons, read_noise, offset = setting
    camera = Camera(gain=GAIN, offset=float(offset), read_noise=GAIN * read_noise)
    clean = scene(content, float(photons))
    gains, reads, covered = [], [], 0
    for seed in SEEDS:
        noisy = camera.expose(clean, np.random.default_rng(seed))
        (found,) = noise_report(noisy, axes="YX", black_level=float(offset)).channels
        if found.gain is None or found.read_noise is None:
            gains.append(np.nan)
            reads.append(np.nan)
            continue
        gains.append(found.gain.value / GAIN - 1)
        reads.append(found.read_noise.value / GAIN)
        covered += found.gain.low <= GAIN <= found.gain.high
    gain_limit, dark_limit = limits(camera, clean)
    upper = np.sqrt(read_noise**2 + dark_limit / GAIN**2)
    return Cell(
        content,
        photons,
        read_noise,
        offset,
        float(np.sqrt(np.mean(np.square(gains)))),
        gain_limit / GAIN,
        float(np.mean(reads)),
        float(np.sqrt(np.mean(np.square(np.array(reads) - read_noise)))),
        float(upper - read_noise),
        covered,
    )


def table(cells: list[Cell], show_gain: bool) -> str:
    """One line for each scene and offset, one column for each read noise."""
    found = {(c.content, c.photons, c.offset, c.read_noise): c for c in cells}
    head = [f"read noise {read} e" for read in READ]
    lines = [["content", "peak, photons", "offset", *head], ["---", *["---:"] * (2 + len(READ))]]
    for key in itertools.product(CONTENTS, PHOTONS, OFFSETS):
        row = [found[*key, read] for read in READ]
        shown = [gain_text(c) if show_gain else read_text(c) for c in row]
        lines.append([*map(str, key), *shown])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def gain_text(cell: Cell) -> str:
    text = f"{_percent(cell.gain)} ({_percent(cell.gain_limit)})"
    return f"**{text}**" if can_be_told(cell.gain_limit) and not cell.gain <= ALLOWED else text


def read_text(cell: Cell) -> str:
    text = f"{cell.read:.2f} ± {cell.read_error:.2f} ({cell.read_limit:.2f})"
    told = cell.read_noise and can_be_told(cell.read_limit / cell.read_noise)
    return f"**{text}**" if told and not cell.read_error <= ALLOWED * cell.read_noise else text


def can_be_told(limit: float) -> bool:
    """Whether 5 % is two standard errors at least, for one who knows the clean image."""
    return 2 * limit <= ALLOWED


def _percent(part: float) -> str:
    return "–" if np.isnan(part) else f"{100 * part:.1f} %" if part < 0.995 else f"{part:.0f} ×"


def summary(cells: list[Cell]) -> str:
    """How many cells reach 5 %, of those that can."""
    gains = [c for c in cells if can_be_told(c.gain_limit)]
    reads = [c for c in cells if c.read_noise and can_be_told(c.read_limit / c.read_noise)]
    good_gains = sum(c.gain <= ALLOWED for c in gains)
    good_reads = sum(c.read_error <= ALLOWED * c.read_noise for c in reads)
    return (
        f"Of {len(cells)} cells the gain can be told within 5 % in {len(gains)}, and is in "
        f"{good_gains}; the read noise can be in {len(reads)}, and is in {good_reads}. "
        f"Of the intervals of 95 %, {covered(cells, cut=False)} hold the true gain; with an offset "
        f"of 0, where read noise is cut off at 0, {covered(cells, cut=True)}."
    )


def covered(cells: list[Cell], cut: bool) -> str:
    chosen = [c for c in cells if (c.offset == 0) == cut]
    return f"{sum(c.covered for c in chosen)} of {len(chosen) * len(SEEDS)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", action="store_true", help="only write the tables")
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    file = tables.RESULTS / "noise_laws.json"
    if not options.tables:
        settings = list(itertools.product(CONTENTS, PHOTONS, READ, OFFSETS))
        with ProcessPoolExecutor(options.jobs) as pool:
            found = []
            for cell in pool.map(measure, settings):
                found.append(cell)
                print(cell, flush=True)
        lines = ",\n".join(json.dumps(asdict(cell)) for cell in found)
        file.write_text(f"[\n{lines}\n]\n")
    cells = [Cell(**cell) for cell in json.loads(file.read_text())]
    tables.write_between_markers(DOCUMENT, "noise_gain", table(cells, True))
    tables.write_between_markers(DOCUMENT, "noise_read", table(cells, False))
    tables.write_between_markers(DOCUMENT, "noise_summary", summary(cells))


if __name__ == "__main__":
    main()
