"""The figures of the papers beside ours: photographs with synthetic noise.

    python benchmarks/papers.py                                   every row, first 8 images of BSD68
    python benchmarks/papers.py --images 68 --device cuda --settings paper
    python benchmarks/papers.py --rows self2self-25 n2v-25 --budget 60s
    python benchmarks/papers.py --rows laine19-25 --on-others --budget 10m
    python benchmarks/papers.py --rows laine19-25 --on-others --values '{"width": 32}'
    python benchmarks/papers.py --table-only                      from the kept figures

A row is `METHOD-SIGMA`. Noise is Gaussian with the given standard deviation on the scale 0 to 255,
neither rounded nor cut off, with one seed per image; results are cut off to 0 to 255 before PSNR.
With `--settings paper` a method has the parameters of its paper where they differ from the
defaults, with `--values` those that are given. Every figure is kept in
`benchmarks/results/papers.json` and the table goes to docs/benchmarks.md between marker comments.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import tables
import torch
from images import DATA
from numpy.typing import NDArray
from skimage.io import imread

from napari_blindspot import api, methods
from napari_blindspot.quality import psnr

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
SETS = {"BSD68": "natural/BSD68", "Set12": "natural/Set12"}
# Mean PSNR in dB on all 68 images, from the tables of the papers.
PUBLISHED = {
    ("blind2grad", 25): 28.89,
    ("blind2grad", 50): 26.33,
    ("self2self", 25): 28.70,
    ("self2self", 50): 25.92,
    ("zs_n2n", 25): 28.33,
    ("zs_n2n", 50): 25.58,
    ("noise2self", 25): 27.19,
    ("noise2self", 50): 24.53,
    ("blind2unblind", 25): 28.79,
    ("blind2unblind", 50): 25.90,
    ("laine19", 25): 29.27,
    ("n2v", 25): 27.71,
}


def photographs(name: str, count: int) -> list[tuple[str, NDArray[np.float32]]]:
    """The first images by name, grey, `(Y, X)` from 0 to 255."""
    files = sorted((DATA / SETS[name]).glob("*.png"))[:count]
    return [(file.stem, imread(file, as_gray=False).astype(np.float32)) for file in files]


def noisy_photograph(name: str, clean: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """A photograph with Gaussian noise, which its name alone decides."""
    noise = np.random.default_rng(int.from_bytes(name.encode()[-6:])).standard_normal(clean.shape)
    return clean + np.float32(sigma) * noise.astype(np.float32)


def measured(name: str, clean: NDArray[np.float32], row: str, options: argparse.Namespace) -> None:
    """Denoise one photograph and keep the figure."""
    method, sigma = row.rsplit("-", 1)
    noisy = noisy_photograph(name, clean, float(sigma))
    values = chosen(method, options)
    began = time.perf_counter()
    result = api.denoise(
        noisy, method=method, budget=options.budget, device=options.device, **values
    )
    keep(name, clean, result.image, time.perf_counter() - began, row, options)


def measured_after_others(row: str, options: argparse.Namespace) -> None:
    """Learn from the photographs behind the first ones, then denoise those; seconds of both."""
    method, sigma = row.rsplit("-", 1)
    both = photographs(options.set, 1000)
    noisy = [noisy_photograph(name, clean, float(sigma)) for name, clean in both]
    values = chosen(method, options)
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/model.safetensors"
        began = time.perf_counter()
        api.train(
            *noisy[options.images :],
            method=method,
            budget=options.budget,
            device=options.device,
            save_model=file,
            **values,
        )
        learned_s = (time.perf_counter() - began) / options.images
        for (name, clean), image in zip(both[: options.images], noisy, strict=False):
            began = time.perf_counter()
            result = api.apply(file, image, device=options.device)
            seconds = time.perf_counter() - began + learned_s
            keep(name, clean, result.image, seconds, f"{row} on-others", options)


def chosen(method: str, options: argparse.Namespace) -> dict[str, Any]:
    """Parameters that differ from the defaults."""
    paper = methods.get(method).paper if options.settings == "paper" else {}
    return {**paper, **options.values}


def keep(
    name: str,
    clean: NDArray[np.float32],
    image: NDArray[np.float32],
    seconds: float,
    row: str,
    options: argparse.Namespace,
) -> None:
    """Add a figure to those of the table."""
    figure = psnr(np.clip(image, 0, 255), clean, 255.0)
    detail = f"{options.settings}, {options.budget}, {device_name(options.device)}"
    given = "".join(f" {key}={value}" for key, value in options.values.items())
    label = f"{row}{given} {options.settings} {options.budget}"
    tables.add("papers", tables.Row(options.set, name, label, figure, seconds, detail))
    print(f"{options.set} {name} {label}: {figure:.2f} dB in {seconds:.1f} s", flush=True)


def device_name(asked: str) -> str:
    """What a row was measured on."""
    if asked != "cpu" and torch.cuda.is_available():
        return torch.cuda.get_device_name()
    threads = torch.get_num_threads()
    return f"CPU, {threads} core{'s' * (threads > 1)}"


def table() -> str:
    """Mean of each kept row beside the figure of its paper."""
    lines = ["| set | row | images | paper, dB | ours, dB | difference | s per image | device |"]
    lines.append("|---|---|---:|---:|---:|---:|---:|---|")
    kept = tables.read("papers")
    for group in dict.fromkeys((row.set, row.method) for row in kept):
        rows = [row for row in kept if (row.set, row.method) == group]
        if len(rows) == 1:  # a point of a curve
            continue
        name, sigma = group[1].split(" ")[0].rsplit("-", 1)
        ours = float(np.mean([row.psnr for row in rows]))
        paper = PUBLISHED.get((name, int(sigma))) if group[0] == "BSD68" else None
        shown = ("–", "–") if paper is None else (f"{paper:.2f}", f"{ours - paper:+.2f}")
        seconds = float(np.mean([row.seconds for row in rows]))
        device = rows[-1].detail.split(", ", 2)[2]
        lines.append(
            f"| {group[0]} | {group[1]} | {len(rows)} | {shown[0]} | {ours:.2f} | {shown[1]} "
            f"| {seconds:.0f} | {device} |"
        )
    return "\n".join(lines)


def curves() -> str:
    """PSNR against seconds of training, of images that were denoised with several budgets."""
    found: dict[tuple[str, str, str], dict[int, float]] = {}
    for row in tables.read("papers"):
        name, budget = row.method.rsplit(" ", 1)
        if budget.endswith("s") and budget[:-1].isdigit():
            found.setdefault((row.set, row.image, name), {})[int(budget[:-1])] = row.psnr
    chosen = {key: points for key, points in found.items() if len(points) > 2}
    times = sorted({seconds for points in chosen.values() for seconds in points})
    lines = ["| image | row | " + " | ".join(f"{seconds} s" for seconds in times) + " |"]
    lines.append("|---|---|" + "---:|" * len(times))
    for (_, image, name), points in chosen.items():
        figures = (f"{points[t]:.2f}" if t in points else "–" for t in times)
        lines.append(f"| {image} | {name} | {' | '.join(figures)} |")
    return "\n".join(lines)


def main() -> None:
    known = methods.available()
    rows = [f"{name}-{sigma}" for name in known for sigma in (25, 50)]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--set", choices=SETS, default="BSD68")
    parser.add_argument("--rows", nargs="*", default=rows)
    parser.add_argument("--images", type=int, default=8)
    parser.add_argument("--budget", default="60s")
    parser.add_argument("--settings", choices=("default", "paper"), default="default")
    parser.add_argument("--values", type=json.loads, default={}, help="parameters, as JSON")
    parser.add_argument("--device", default="auto")
    parser.add_argument(
        "--on-others", action="store_true", help="learn from the other photographs of the set"
    )
    parser.add_argument("--table-only", action="store_true")
    options = parser.parse_args()
    if options.on_others and not options.table_only:
        for row in options.rows:
            measured_after_others(row, options)
    elif not options.table_only:
        for row in options.rows:
            for name, clean in photographs(options.set, options.images):
                measured(name, clean, row, options)
    tables.write_between_markers(DOCUMENT, "papers", table())
    tables.write_between_markers(DOCUMENT, "papers_time", curves())


if __name__ == "__main__":
    main()
