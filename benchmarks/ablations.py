"""Pieces of Blind2Grad, Self2Self+ and MGRConv taken away one at a time.

    python benchmarks/ablations.py                                2 photographs, 400 steps each
    python benchmarks/ablations.py --start-blur 0                 as in the papers
    python benchmarks/ablations.py --pieces loss --clipped        values as in files of 8 bits
    python benchmarks/ablations.py --colour --pieces gated mgr-s2s mgr-n2v apart-s2s apart-n2v
    python benchmarks/ablations.py --pieces loss gated --images 8 --steps 4000 --device cuda
    python benchmarks/ablations.py --table-only                   from the kept figures

Photographs of BSD68, or three in colour that come with scikit-image, the middle 192 x 192 pixels,
with Gaussian noise on the scale 0 to 255. Both sides of a comparison have the same noise, the same
seed and as many steps, so that their difference does not depend on what else the machine does.
Figures are kept in `benchmarks/results/ablations.json`.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import skimage
import tables
from numpy.typing import NDArray
from papers import DOCUMENT, noisy_photograph, photographs

from napari_blindspot import api, methods
from napari_blindspot.quality import psnr

SIDE = 192
COLOUR = ("astronaut", "chelsea", "coffee")
KINDS = ("", " clipped", " colour", " colour clipped")


@dataclass(frozen=True)
class Side:
    """One side of a comparison: a method and its parameters."""

    method: str
    values: Mapping[str, Any]

    def __str__(self) -> str:
        return " ".join([self.method, *(f"{k}={v}" for k, v in self.values.items())])


@dataclass(frozen=True)
class Piece:
    """A piece of a method, with and without it, and what the paper says it gains in dB."""

    title: str
    sigma: int
    with_it: Side
    without: Side
    published: str


def _mgr(masking: str, convolution: str) -> Side:
    return Side("mgrconv", {"masking": masking, "convolution": convolution})


GRADIENT = Side("blind2grad", {})
PIECES = {
    "mask": Piece(
        "Blind2Grad: dual mask over Bernoulli",
        25,
        GRADIENT,
        Side("blind2grad", {"mask": "bernoulli"}),
        "above 0",
    ),
    "mask-10": Piece(
        "Blind2Grad: dual mask over Bernoulli",
        10,
        GRADIENT,
        Side("blind2grad", {"mask": "bernoulli"}),
        "–",
    ),
    "uniform": Piece(
        "Blind2Grad: Bernoulli over uniform mask",
        25,
        Side("blind2grad", {"mask": "bernoulli"}),
        Side("blind2grad", {"mask": "uniform", "mask_rate": 0.1}),
        "above 0",
    ),
    "gradient": Piece(
        "Blind2Grad: gradients in the loss",
        25,
        GRADIENT,
        Side("blind2grad", {"omega": 0.0}),
        "above 0",
    ),
    "content": Piece(
        "Blind2Grad: content by itself in the loss",
        25,
        GRADIENT,
        Side("blind2grad", {"gamma": 0.0}),
        "above 0",
    ),
    "standout": Piece(
        "Blind2Grad: standout over dropout",
        25,
        GRADIENT,
        Side("blind2grad", {"dropout": "dropout"}),
        "above 0",
    ),
    "loss": Piece(
        "Self2Self+: L1 over L2",
        50,
        Side("self2self_plus", {}),
        Side("mgrconv", {"convolution": "gated"}),
        "+1.25",
    ),
    "gated": Piece(
        "Self2Self+: gated over plain convolutions",
        50,
        Side("mgrconv", {"convolution": "gated"}),
        Side("mgrconv", {"convolution": "plain"}),
        "+0.26",
    ),
    "mgr-s2s": Piece(
        "MGRConv over plain, Self2Self masking",
        25,
        _mgr("self2self", "mgr"),
        _mgr("self2self", "plain"),
        "+0.13 to +0.16",
    ),
    "mgr-n2v": Piece(
        "MGRConv over plain, Noise2Void masking",
        25,
        _mgr("noise2void", "mgr"),
        _mgr("noise2void", "plain"),
        "+0.40 to +0.66",
    ),
    "apart-s2s": Piece(
        "Self2Self: channels hidden apart over together",
        25,
        Side("self2self", {}),
        Side("self2self", {"channel_masks": "together"}),
        "–",
    ),
    "apart-n2v": Piece(
        "Noise2Void: channels hidden apart over together",
        25,
        Side("n2v", {}),
        Side("n2v", {"channel_masks": "together"}),
        "–",
    ),
}


def middle(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """The middle pixels of an image `(Y, X)` or `(C, Y, X)`."""
    top, left = ((n - SIDE) // 2 for n in image.shape[-2:])
    return image[..., top : top + SIDE, left : left + SIDE]


def pictures(options: argparse.Namespace) -> dict[str, NDArray[np.float32]]:
    """Clean images by name, grey `(Y, X)` or in colour `(C, Y, X)`."""
    if not options.colour:
        return dict(photographs("BSD68", options.images))
    files = {name: getattr(skimage.data, name)() for name in COLOUR[: options.images]}
    return {name: np.moveaxis(file, -1, 0).astype(np.float32) for name, file in files.items()}


def measure(side: Side, sigma: int, name: str, options: argparse.Namespace) -> None:
    """Denoise the middle of one photograph and keep the figure, unless it is there."""
    kind = " colour" * options.colour + " clipped" * options.clipped
    label = f"{side} sigma={sigma}{kind} blur={options.start_blur:g} steps={options.steps}"
    if any((row.image, row.method) == (name, label) for row in tables.read("ablations")):
        return
    clean = pictures(options)[name]
    noisy = middle(noisy_photograph(name, clean, sigma))
    if options.clipped:
        noisy = np.clip(noisy.round(), 0, 255)
    began = time.perf_counter()
    result = api.denoise(
        noisy,
        method=side.method,
        budget=f"{options.steps}steps",
        device=options.device,
        joint=True,
        axes="CYX"[-clean.ndim :],
        **start_blur(side.method, options.start_blur),
        **side.values,
    )
    seconds = time.perf_counter() - began
    figure = psnr(np.clip(result.image, 0, 255), middle(clean), 255.0)
    photos = "scikit-image" if options.colour else "BSD68"
    tables.add("ablations", tables.Row(photos, name, label, round(figure, 3), round(seconds, 1)))
    print(f"{name} {label}: {figure:.2f} dB in {seconds:.0f} s", flush=True)


def start_blur(method: str, sigma: float) -> dict[str, float]:
    """The parameter of the methods that have it."""
    return {"start_blur": sigma} if "start_blur" in methods.get(method)().values() else {}


def table() -> str:
    """Gain of each piece on each image, beside that of the paper."""
    kept = {(row.image, row.method): row.psnr for row in tables.read("ablations")}
    lines = [
        "| piece | noise | blur | steps | paper, dB | ours, dB | images | mean gain, dB | gains |"
    ]
    lines.append("|---|---:|---:|---:|---:|---:|---:|---:|---|")
    for piece, kind in itertools.product(PIECES.values(), KINDS):
        start = f"{piece.with_it} sigma={piece.sigma}{kind} blur="
        for label in dict.fromkeys(method for _, method in kept if method.startswith(start)):
            blur, steps = label.removeprefix(start).split(" steps=")
            other = f"{piece.without} sigma={piece.sigma}{kind} blur={blur} steps={steps}"
            names = [n for n, m in kept if m == label and (n, other) in kept]
            if not names:
                continue
            gains = [kept[n, label] - kept[n, other] for n in names]
            setting = f"{piece.sigma}{kind} | {blur} | {int(steps):,}"
            lines.append(
                f"| {piece.title} | {setting} | {piece.published} "
                f"| {np.mean([kept[n, label] for n in names]):.2f} | {len(names)} "
                f"| {np.mean(gains):+.2f} | {', '.join(f'{gain:+.2f}' for gain in gains)} |"
            )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pieces", nargs="+", choices=PIECES, default=list(PIECES))
    parser.add_argument("--images", type=int, default=2)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--start-blur", type=float, default=1.0, help="0 as in the papers")
    parser.add_argument("--colour", action="store_true", help="photographs in colour")
    parser.add_argument("--clipped", action="store_true", help="noisy values cut off to 0 to 255")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--table-only", action="store_true")
    options = parser.parse_args()
    if not options.table_only:
        for name in pictures(options):
            for piece in (PIECES[chosen] for chosen in options.pieces):
                for side in (piece.with_it, piece.without):
                    measure(side, piece.sigma, name, options)
    tables.write_between_markers(DOCUMENT, "ablations", table())


if __name__ == "__main__":
    main()
