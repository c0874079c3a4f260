"""Rows of figures: kept as JSON, shown as Markdown tables."""

from __future__ import annotations

import json
import re
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from filelock import FileLock

RESULTS = Path(__file__).resolve().parent / "results"


@dataclass(frozen=True)
class Row:
    """One image denoised by one method.

    `seconds` is the wall time of training and denoising, without the start of the program;
    `detail` holds what the method chose, such as the sigma of a blur.
    """

    set: str
    image: str
    method: str
    psnr: float
    seconds: float
    detail: str = ""


def read(name: str) -> list[Row]:
    """Rows of `results/NAME.json`; none if there is no such file."""
    file = RESULTS / f"{name}.json"
    return [Row(**row) for row in json.loads(file.read_text())] if file.exists() else []


def add(name: str, row: Row) -> None:
    """Put a row into `results/NAME.json`, in place of an older one of its image and method."""
    RESULTS.mkdir(exist_ok=True)
    # Two programs may measure at once, each on a core of its own; filelock comes with PyTorch.
    with FileLock(Path(tempfile.gettempdir()) / f"blindspot-{name}.lock"):
        rows = {(old.set, old.image, old.method): old for old in read(name)}
        rows[row.set, row.image, row.method] = row
        lines = ",\n".join(json.dumps(asdict(row)) for row in rows.values())
        (RESULTS / f"{name}.json").write_text(f"[\n{lines}\n]\n")


def markdown(rows: list[Row], methods: list[str], *, against: str | None = None) -> str:
    """Table of PSNR in dB: one line per image, one column per method, means and seconds below.

    With `against`, a last line tells how many times faster than that method each one is. A mean
    is over all images of the table and missing if a figure is missing.
    """
    images = list(dict.fromkeys(row.image for row in rows))
    cells = {(row.image, row.method): row for row in rows}
    lines = [["image", *methods], ["---", *["---:"] * len(methods)]]
    lines += [
        [image, *(_number(cells.get((image, method)), "psnr") for method in methods)]
        for image in images
    ]
    means = {
        field: [
            _mean([cells.get((image, method)) for image in images], field) for method in methods
        ]
        for field in ("psnr", "seconds")
    }
    lines.append(["**mean, dB**", *(_shown(value, 2) for value in means["psnr"])])
    lines.append(["seconds per image", *(_shown(value, 1) for value in means["seconds"])])
    if against in methods:
        slow = means["seconds"][methods.index(against)]
        ratios = [slow / value if value > 0 else np.nan for value in means["seconds"]]
        lines.append([f"times faster than {against}", *(_shown(ratio, 1) for ratio in ratios)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write_between_markers(document: Path, name: str, text: str) -> None:
    """Replace what stands between `<!-- table:NAME -->` and `<!-- /table:NAME -->`.

    A document without these markers gets them at its end.
    """
    opening, closing = f"<!-- table:{name} -->", f"<!-- /table:{name} -->"
    block = f"{opening}\n{text}\n{closing}"
    old = document.read_text() if document.exists() else "# Benchmarks\n"
    pattern = re.compile(f"{re.escape(opening)}.*?{re.escape(closing)}", re.DOTALL)
    new = pattern.sub(lambda _: block, old) if pattern.search(old) else f"{old}\n{block}\n"
    document.parent.mkdir(exist_ok=True)
    document.write_text(new)


def _number(row: Row | None, field: str) -> str:
    return "–" if row is None else _shown(getattr(row, field), 2)


def _mean(rows: list[Row | None], field: str) -> float:
    values = [getattr(row, field) for row in rows if row is not None]
    return float(np.mean(values)) if values and len(values) == len(rows) else float("nan")


def _shown(value: float, digits: int) -> str:
    return "–" if np.isnan(value) else f"{value:.{digits}f}"
