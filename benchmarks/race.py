"""PSNR and SSIM against time: ours and the peers on the same images, in turns, in one run.

    python benchmarks/race.py                                    five images, all competitors
    python benchmarks/race.py --sets fmd --images fish --repeats 3 --only express bm3d careamics-n2v
    python benchmarks/race.py --table-only

Every competitor is a process of its own (`COMPETITORS`) that leaves images after growing times.
Its seconds are those from the noisy image in memory to the denoised one, without the start of
Python and the imports, which are told apart. With repeats, all competitors of one image follow one
another before the next round; tables give medians, and ranges where there are several rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import images
import numpy as np
import peers
import tables
from images import BenchmarkImage
from skimage.metrics import structural_similarity

HERE, ROOT, KEPT = peers.HERE, peers.ROOT, tables.RESULTS / "race.json"
OURS = {
    "express": ["--budgets", "instant", "2s", "5s", "10s", "30s"],
    "express without start": [
        *("--set", '{"prior": false}', "--budgets", "2s", "5s", "10s", "30s"),
    ],
    "n2v": ["--method", "n2v", "--budgets", "5s", "20s"],
}
PEERS = {
    "careamics-n2v": ["careamics_n2v.py", "NOISY", "FINAL", "--epochs", "100", "--curve", "FOLDER"],
    "careamics-n2v2": [
        *("careamics_n2v.py", "NOISY", "FINAL", "--epochs", "100", "--curve", "FOLDER", "--n2v2"),
    ],
    "zs_n2n": ["single_image.py", "NOISY", "FOLDER", "--method", "zs_n2n", "--seconds", "240"],
    "noise2fast": [
        *("single_image.py", "NOISY", "FOLDER", "--method", "noise2fast", "--seconds", "240"),
    ],
    "bm3d": ["classical_curve.py", "NOISY", "FOLDER", "--method", "bm3d"],
    "nlm": ["classical_curve.py", "NOISY", "FOLDER", "--method", "nlm_vst"],
}
COMPETITORS = [*OURS, *PEERS]


@dataclass(frozen=True)
class Heat:
    """One competitor on one image, once; `points` are `(seconds, dB, SSIM)`."""

    image: str
    competitor: str
    repeat: int
    points: tuple[tuple[float, float, float], ...]
    startup_s: float
    peak_gb: float

    @property
    def final(self) -> tuple[float, float, float]:
        """The last point."""
        return self.points[-1]

    def reaches(self, psnr: float) -> float | None:
        """Seconds of the first point that is as good."""
        return next((seconds for seconds, db, _ in self.points if db >= psnr), None)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", nargs="+", choices=list(images.SETS), default=["fmd"])
    parser.add_argument("--images", nargs="+", help="names; all of the sets")
    parser.add_argument("--only", nargs="+", choices=COMPETITORS, default=COMPETITORS)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--table-only", action="store_true", help="measure nothing")
    options = parser.parse_args()
    if not options.table_only:
        peers.make_environment()
        for _, image in images.load(options.sets):
            if options.images and image.name not in options.images:
                continue
            for repeat in range(options.repeats):
                for competitor in options.only:
                    keep(heat(image, competitor, repeat))
    write(list(read()))


def heat(image: BenchmarkImage, competitor: str, repeat: int) -> Heat:
    """Let one competitor denoise an image in a process of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.save(folder / "noisy.npy", image.noisy)
        run = subprocess.run(
            _command(competitor, folder), capture_output=True, text=True, cwd=folder, check=False,
            env=os.environ | {"PYTHONPATH": str(ROOT / "src"), "PYTHONWARNINGS": "ignore"},
        )  # fmt: skip
        if run.returncode:
            raise RuntimeError(f"{competitor} failed on {image.name}:\n{run.stderr}")
        left = json.loads((folder / "curve.json").read_text())
        points = tuple(
            (round(point["seconds"], 2), *_judged(image, np.load(folder / point["file"])))
            for point in left["points"]
        )
    done = Heat(
        *(image.name, competitor, repeat, points),
        *(round(left["startup_s"] or 0.0, 2), round(left["peak_bytes"] / 1e9, 2)),
    )
    seconds, psnr, ssim = done.final
    print(f"{image.name:16} {competitor:22} {psnr:6.2f} dB {ssim:.3f} {seconds:7.1f} s", flush=True)
    return done


def _command(competitor: str, folder: Path) -> list[str]:
    if competitor in OURS:
        given = ["ours_curve.py", "NOISY", "FOLDER", *OURS[competitor]]
        python = sys.executable
    else:
        given, python = PEERS[competitor], str(peers.PEERS_PYTHON)
    places = {"NOISY": "noisy.npy", "FINAL": "final.npy", "FOLDER": ""}
    script, *rest = given
    named = [str(folder / places[word]) if word in places else word for word in rest]
    return [python, str(HERE / script), *named]


def _judged(image: BenchmarkImage, denoised: np.ndarray[Any, Any]) -> tuple[float, float]:
    """PSNR and SSIM."""
    truth = image.truth.astype(np.float64)
    extent = image.data_range or float(np.ptp(truth))
    ssim = structural_similarity(truth, denoised.astype(np.float64), data_range=extent)
    return round(image.psnr(denoised), 3), round(float(ssim), 4)


def keep(done: Heat) -> None:
    """Put a heat into the kept ones, in place of an older one."""
    kept = {(h.image, h.competitor, h.repeat): h for h in read()}
    kept[done.image, done.competitor, done.repeat] = done
    lines = ",\n".join(json.dumps(asdict(each)) for each in kept.values())
    KEPT.write_text(f"[\n{lines}\n]\n")


def read() -> Iterator[Heat]:
    """All kept heats."""
    for each in json.loads(KEPT.read_text()) if KEPT.exists() else []:
        yield Heat(**{**each, "points": tuple(map(tuple, each["points"]))})


def write(heats: list[Heat]) -> None:
    """Tables and curves of docs/benchmarks.md."""
    shown = {"race_final": final_table(heats), "race_time": time_table(heats)}
    for name, table in shown.items():
        print(f"\n{table}")
        tables.write_between_markers(ROOT / "docs" / "benchmarks.md", name, table)
    draw(heats, ROOT / "docs" / "race.png")


def final_table(heats: list[Heat]) -> str:
    """Mean over the images of each competitor's last point, memory and start."""
    lines = [
        "| competitor | images | PSNR, dB | SSIM | seconds | peak memory, GB | start, s |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for competitor, label, chosen in _entries(heats):
        columns = [[_median(of, i) for of in chosen] for i in range(3)]
        peak = max(h.peak_gb for of in chosen for h, _ in of)
        start = statistics.median(h.startup_s for of in chosen for h, _ in of)
        seconds, psnr, ssim = (statistics.fmean(column) for column in columns)
        lines.append(
            f"| {competitor}{label} | {len(chosen)} | {psnr:.2f} | {ssim:.3f} | {seconds:.1f} "
            f"| {peak:.1f} | {start:.1f} |"
        )
    return "\n".join(lines)


Chosen = list[list[tuple[Heat, tuple[float, float, float]]]]


def _entries(heats: list[Heat]) -> Iterator[tuple[str, str, Chosen]]:
    """Competitors, ours with each budget, with a list of heats and points for each image."""
    for competitor in COMPETITORS:
        own = [h for h in heats if h.competitor == competitor]
        by_image = [
            [h for h in own if h.image == name] for name in dict.fromkeys(h.image for h in own)
        ]
        if not own:
            continue
        budgets = _budgets(competitor)
        for index, budget in budgets or [(-1, "")]:
            yield (
                competitor,
                budget and f", {budget}",
                [[(h, h.points[index]) for h in of] for of in by_image],
            )


def _budgets(competitor: str) -> list[tuple[int, str]]:
    given = OURS.get(competitor, [])
    return list(enumerate(given[given.index("--budgets") + 1 :])) if given else []


def _median(chosen: list[tuple[Heat, tuple[float, float, float]]], index: int) -> float:
    return statistics.median(point[index] for _, point in chosen)


def time_table(heats: list[Heat]) -> str:
    """How often a peer's time to its own last PSNR is that of ours to the same."""
    lines = [
        "| image | peer | its PSNR, dB | its seconds | express | without start | n2v |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for image in dict.fromkeys(h.image for h in heats):
        for peer in PEERS:
            theirs = [h for h in heats if h.image == image and h.competitor == peer]
            if not theirs:
                continue
            psnr = statistics.median(h.final[1] for h in theirs)
            seconds = statistics.median(h.final[0] for h in theirs)
            ratios = []
            for mine in OURS:
                ours = [h for h in heats if h.image == image and h.competitor == mine]
                reached = [h.reaches(psnr) for h in ours]
                ratios.append(_ratio(seconds, reached))
            lines.append(
                f"| {image} | {peer} | {psnr:.2f} | {seconds:.1f} | {' | '.join(ratios)} |"
            )
    return "\n".join(lines)


def _ratio(seconds: float, reached: list[float | None]) -> str:
    known = [each for each in reached if each is not None]
    if not reached:
        return "–"
    if len(known) < len(reached):
        return "not reached"
    ratios = sorted(seconds / each for each in known)
    middle = f"{statistics.median(ratios):.3g} x"
    return middle if len(ratios) == 1 else f"{middle} ({ratios[0]:.3g} to {ratios[-1]:.3g})"


def draw(heats: list[Heat], target: Path) -> None:
    """PSNR against seconds, a panel for each image, medians of its rounds."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    names = list(dict.fromkeys(h.image for h in heats))
    rows = -(-len(names) // 3)
    figure, panels = pyplot.subplots(
        rows, min(len(names), 3), figsize=(4.2 * min(len(names), 3), 3.4 * rows), squeeze=False,
        layout="constrained",
    )  # fmt: skip
    for panel, name in zip(panels.flat, names, strict=False):
        for index, competitor in enumerate(COMPETITORS):
            own = [h for h in heats if h.image == name and h.competitor == competitor]
            if own:
                rounds = zip(*(h.points for h in own), strict=True)
                points = [[statistics.median(v) for v in zip(*p, strict=True)] for p in rounds]
                seconds, psnr, _ = zip(*points, strict=True)
                style = {"color": f"C{index}", "label": competitor, "marker": "o", "ms": 3}
                panel.plot(seconds, psnr, lw=2 if competitor in OURS else 1, **style)
        best = max(h.final[1] for h in heats if h.image == name)
        panel.set(title=name, xscale="log", ylim=(best - 5, best + 0.4))
        panel.set(xlabel="seconds", ylabel="PSNR, dB")
        panel.grid(alpha=0.3)
    for panel in panels.flat[len(names) :]:
        panel.axis("off")
    shown = {}
    for panel in panels.flat:
        handles, labels = panel.get_legend_handles_labels()
        shown |= dict(zip(labels, handles, strict=True))
    place = {"loc": "outside lower center", "ncols": 3, "fontsize": 8}
    figure.legend(shown.values(), shown.keys(), **place)
    figure.savefig(target, dpi=110)


if __name__ == "__main__":
    main()
