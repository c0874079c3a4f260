"""All that only a CUDA device can measure, in one call; results go to one JSON file.

    python benchmarks/on_cuda.py OUT                           every part, in the order below
    python benchmarks/on_cuda.py OUT --parts tests shares --minutes 9
    python benchmarks/on_cuda.py OUT --device cpu --quick      that it runs

`OUT/on_cuda.json` is written after every figure, so that a run that is cut off keeps what it has,
and what fails is noted there. Of the time that is left each part gets its share. Data sets are
where `BLINDSPOT_DATA` points to (`images.py`).
`pretraining` leaves `OUT/prior.safetensors`, `tests` `OUT/tests.txt`.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import engine
import images
import numpy as np
import papers
import torch

from napari_blindspot import api, methods, simulate
from napari_blindspot.device import describe
from napari_blindspot.events import Step
from napari_blindspot.quality import psnr

ROOT = Path(__file__).resolve().parents[1]
ON_OTHERS = ("laine19", "n2v")
PHOTOGRAPHS = ("self2self-25", "blind2grad-25", "blind2unblind-25", "self2self-50", "blind2grad-50")


@dataclass
class Record:
    """Figures so far, and the time that is left."""

    folder: Path
    device: torch.device
    quick: bool
    ends: float
    figures: dict[str, Any] = field(default_factory=dict)

    def keep(self, part: str, name: str, figure: object) -> None:
        """Note a figure, and write all of them."""
        self.figures.setdefault(part, {})[name] = figure
        print(part, name, figure, flush=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / "on_cuda.json"
        file.write_text(json.dumps(self.figures, indent=1) + "\n")

    @property
    def left_s(self) -> float:
        """Seconds until the end."""
        return self.ends - time.monotonic()

    def wait(self) -> float:
        """The time, once the device has done what it was given."""
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()


def tests(record: Record) -> None:
    """Tests that are marked `cuda`."""
    chosen = ["-m", "cuda", *(["tests/test_memory.py"] if record.quick else ["tests"])]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *chosen]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    record.folder.mkdir(parents=True, exist_ok=True)
    (record.folder / "tests.txt").write_text(done.stdout + done.stderr)
    record.keep("tests", "result", done.stdout.strip().splitlines()[-1:])


def peak(record: Record) -> None:
    """TFLOP/s of products of large matrices."""
    side = 512 if record.quick else 8192
    for kind in (torch.bfloat16, torch.float32):
        a, b = (torch.randn(side, side, device=record.device, dtype=kind) for _ in range(2))
        seconds = []
        for _ in range(6):
            began = record.wait()
            a @ b
            seconds.append(record.wait() - began)
        record.keep("peak", str(kind), round(2 * side**3 / statistics.median(seconds) / 1e12, 3))


def shares(record: Record) -> None:
    """Steps, and the part of them that is convolution, as `engine.py` tells them."""
    for name in ("n2v", "laine19", "express"):
        for ndim in (2, 3):
            found = engine.timed(name, ndim, 4 if record.quick else 40, record.device)
            rates = {
                "step_ms": 1e3 * found.step_s,
                "share": found.alone_s / found.step_s,
                "tflops": found.operations / found.step_s / 1e12,
            }
            record.keep("shares", f"{name} {ndim}D", {k: round(v, 4) for k, v in rates.items()})


def throughput(record: Record) -> None:
    """Patches a second of `n2v` as in `throughput.py`, by batch, and megavoxels a second."""
    rng = np.random.default_rng(0)
    side, largest = (128, 64) if record.quick else (2048, 1024)
    scene = simulate.nuclei((128, 128), rng, peak=50.0)
    noisy = rng.poisson(np.tile(scene, (side // 128,) * 2)).astype(np.float32)
    for batch in (16, largest):
        ends: list[float] = []

        def note(event: object, ends: list[float] = ends) -> None:
            if isinstance(event, Step):
                ends.append(record.wait())

        model = api.train(
            noisy, method="n2v", width=32, patch=64, batch=batch, budget="40steps", axes="YX",
            device=str(record.device), progress=note,
        )  # fmt: skip
        step = statistics.median(np.diff(ends)[5:])
        record.keep("throughput", f"n2v, patches a second, batch {batch}", round(batch / step, 1))
    for repeat in ("first", "second"):
        began = record.wait()
        api.apply(model, noisy, axes="YX", device=str(record.device))
        speed = noisy.size / 1e6 / (record.wait() - began)
        record.keep("throughput", f"n2v, megapixels a second, {repeat}", round(speed, 2))


def confocal(record: Record) -> None:
    """The images of FMD with every method, for as long as there is time."""
    budgets = ("5steps",) if record.quick else ("instant", "2s", "10s", "60s")
    one_image = [name for name, made in methods.available().items() if not made().repeats]
    for budget in budgets:
        for name in one_image:
            if budget == "instant" and name != "express":
                continue
            for image in list(images.fmd())[: 1 if record.quick else 5]:
                if record.left_s < 60:
                    return
                began = record.wait()
                found = api.denoise(
                    image.noisy, method=name, budget=budget, axes="YX", device=str(record.device)
                )
                figures = [round(image.psnr(found.image), 3), round(record.wait() - began, 2)]
                record.keep("confocal", f"{name} {budget} {image.name}", figures)


def photographs(record: Record) -> None:
    """PSNR of the first photographs of BSD68 against time, with the parameters of the papers."""
    budgets = ("5steps",) if record.quick else ("30s", "120s")
    for budget in budgets:
        for row in PHOTOGRAPHS:
            method, sigma = row.rsplit("-", 1)
            for settings in ("default", "paper"):
                values = methods.get(method).paper if settings == "paper" else {}
                for name, clean in papers.photographs("BSD68", 1 if record.quick else 2):
                    if record.left_s < 150:
                        return
                    noisy = papers.noisy_photograph(name, clean, float(sigma))
                    if record.quick:
                        noisy, clean = noisy[:96, :96], clean[:96, :96]
                    found = api.denoise(
                        noisy, method=method, budget=budget, device=str(record.device), **values
                    ).image
                    figure = round(psnr(np.clip(found, 0, 255), clean, 255.0), 3)
                    record.keep("photographs", f"{row} {settings} {budget} {name}", figure)


def on_others(record: Record) -> None:
    """First photographs of BSD68 after learning from the others, with the sizes of the papers."""
    both = papers.photographs("BSD68", 10 if record.quick else 68)
    noisy = [papers.noisy_photograph(name, clean, 25.0) for name, clean in both]
    for done, name in enumerate(ON_OTHERS):
        spent = f"{int(0.8 * record.left_s / (len(ON_OTHERS) - done))}s"
        budget, values = ("5steps", {}) if record.quick else (spent, methods.get(name).paper)
        model = api.train(
            *noisy[8:], method=name, budget=budget, device=str(record.device), **values
        )
        found = []
        for (_, clean), image in zip(both[: 1 if record.quick else 8], noisy, strict=False):
            denoised = api.apply(model, image, device=str(record.device)).image
            found.append(psnr(np.clip(denoised, 0, 255), clean, 255.0))
        record.keep("on_others", f"{name}-25 {budget}", round(float(np.mean(found)), 3))


def pretraining(record: Record) -> None:
    """The start of `express` anew, for as long as there is time."""
    steps = ["--steps", "6", "--pictures", "4", "--stacks", "4"] if record.quick else []
    spent = ["--minutes", f"{max(record.left_s / 60 - 0.5, 0.1):.2f}"]
    target = str(record.folder / "prior.safetensors")
    script = [str(ROOT / "pretraining" / "train.py"), target, "--device", str(record.device)]
    script += ["--workers", str(max((os.cpu_count() or 1) - 2, 1))]
    done = subprocess.run(
        [sys.executable, *script, *(steps or ["--steps", "60000", *spent])],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    record.keep("pretraining", "log", (done.stdout + done.stderr).splitlines()[-8:])


PARTS: dict[str, Callable[[Record], None]] = {
    part.__name__: part
    for part in (tests, peak, shares, throughput, confocal, photographs, on_others, pretraining)
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--quick", action="store_true", help="little of everything")
    options = parser.parse_args()
    device = torch.device(options.device)
    ends = time.monotonic() + 60 * options.minutes
    record = Record(options.folder, device, options.quick, ends)
    record.keep("device", "name", f"{describe(device)}, PyTorch {torch.__version__}")
    for done, name in enumerate(options.parts):
        now = time.monotonic()
        record.ends = now + (ends - now) / (len(options.parts) - done)
        try:
            PARTS[name](record)
        except Exception as error:  # the parts behind it are measured all the same
            record.keep(name, "failed", repr(error))


if __name__ == "__main__":
    main()
