"""Inpainting of dropped pixels, by which the paper of MGRConv compares convolutions.

    python benchmarks/inpainting.py                               4 images of Set12, 2 minutes each
    python benchmarks/inpainting.py --images 12 --budget 150000steps --device cuda
    python benchmarks/inpainting.py --table-only                  from the kept figures

Part of the pixels of a clean photograph is dropped, with one seed per image and rate. The network
of the method `mgrconv` learns from the pixels that are left, some of which are hidden at random,
and the result is the mean of its outputs for such copies; pixels that are left are not put back.
Figures are kept in `benchmarks/results/inpainting.json`.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import tables
import torch
from numpy.typing import NDArray
from papers import DOCUMENT, device_name, photographs
from torch import Tensor

from napari_blindspot import methods
from napari_blindspot.budget import Budget
from napari_blindspot.chance import Chance
from napari_blindspot.halting import Stop
from napari_blindspot.inference.instances import Instances
from napari_blindspot.inference.turned import averaged
from napari_blindspot.methods import Parts, Spec
from napari_blindspot.pace import Clock
from napari_blindspot.pairs import TrainingPair
from napari_blindspot.patches import PatchSampler
from napari_blindspot.quality import psnr
from napari_blindspot.training import train

if TYPE_CHECKING:
    from napari_blindspot.networks.base import Network
    from napari_blindspot.noise import NoiseLaw

KINDS = ("partial", "learnable-attention", "gated", "mgr", "plain")
# PSNR in dB on Set12 after dropping 50, 70 and 90 % of the pixels; not of plain convolutions.
PUBLISHED = {
    "partial": (34.01, 30.64, 25.19),
    "learnable-attention": (34.01, 30.55, 24.82),
    "gated": (34.07, 30.68, 25.04),
    "mgr": (34.09, 30.70, 25.07),
}
RATES = (50, 70, 90)
# Standard deviation in pixels of the blur from which a training begins, by rate.
START_BLUR = {50: 1.0, 70: 1.0, 90: 2.0}


@dataclass(frozen=True)
class Dropped:
    """Bernoulli sampling of an image of which pixels are missing.

    Patches have two channels: the image, 0 where it is missing, and where it is not.
    """

    rate: float

    hides: ClassVar[bool] = True

    def sample(self, noisy: Tensor, generator: torch.Generator) -> TrainingPair:
        """Pair whose loss counts at hidden pixels that are not missing."""
        image, left = noisy[:, :1], noisy[:, 1:]
        hidden = (torch.rand(left.shape, generator=generator).to(left) < self.rate).to(left)
        seen = left * (1 - hidden)
        return TrainingPair(image * seen, image, left * hidden, 1 - seen)


class SameNoise:
    """There is no noise to be fitted during the training."""

    def fit(self, parts: Parts) -> tuple[NoiseLaw, ...]:
        """No law."""
        del parts
        return ()

    def apply(self, parts: Parts, laws: tuple[NoiseLaw, ...]) -> Parts:
        """The same parts."""
        del laws
        return parts


@dataclass(frozen=True)
class Missing:
    """A network that is told of missing pixels besides those that are hidden."""

    network: Network
    left: Tensor

    def __call__(self, x: Tensor, hidden: Tensor) -> Tensor:
        """Output for an image that is 0 at missing and hidden pixels."""
        output: Tensor = self.network(x, 1 - self.left * (1 - hidden))
        return output


def inpainted(
    photograph: NDArray[np.float32],
    known: NDArray[np.bool_],
    values: dict[str, Any],
    budget: str,
    device: str,
) -> NDArray[np.float32]:
    """Image `(Y, X)` of which only some pixels are known, its sides multiples of 32."""
    mean, std = float(photograph[known].mean()), float(photograph[known].std())
    both = np.stack([np.where(known, (photograph - mean) / std, 0), known])
    shown = torch.from_numpy(both.astype(np.float32))[None].to(device)
    torch.manual_seed(0)
    method = methods.get("mgrconv").of(values)
    parts = method.build(Spec(2, 1, (mean,), (std,)))
    parts.network.to(device)
    rate = method.values()["mask_rate"]
    training = train(
        dataclasses.replace(parts, masking=Dropped(rate)),
        PatchSampler((shown,), (parts.recipe.patch,) * 2, parts.recipe.batch),
        Clock(Budget.parse(budget)),
        generator=torch.Generator().manual_seed(0),
        stop=lambda: Stop.NO,
        noise=SameNoise(),
    )
    for _ in training:
        pass
    with torch.no_grad():
        predicted = mean_of_copies(parts, shown[:, :1], shown[:, 1:])
    return (predicted[0, 0].cpu().numpy() * std + mean).astype(np.float32)


def mean_of_copies(parts: Parts, image: Tensor, left: Tensor) -> Tensor:
    """Mean of the outputs for randomly hidden copies, what is left turned together with each."""
    copies = parts.predictor
    assert isinstance(copies, Instances)
    few = dataclasses.replace(copies, turns=1, count=copies.count // copies.turns)

    def predicted(image: Tensor, left: Tensor) -> Tensor:
        return few.predict(Missing(parts.network, left), image, Chance(0, (0, 0))).mean

    return averaged(predicted, image, left, count=copies.turns)


def measure(name: str, clean: NDArray[np.float32], kind: str, options: argparse.Namespace) -> None:
    """Inpaint one photograph at every rate and keep the figures."""
    for rate in options.rates:
        values: dict[str, Any] = {"start_blur": START_BLUR[rate]}
        if options.settings == "paper":
            values = dict(methods.get("mgrconv").paper)
        random = np.random.default_rng(int.from_bytes(name.encode()[-6:]) + rate)
        left = random.random(clean.shape) >= rate / 100
        began = time.perf_counter()
        values["convolution"] = kind
        result = inpainted(clean, left, values, options.budget, options.device)
        seconds = time.perf_counter() - began
        figure = psnr(np.clip(result, 0, 255), clean, 255.0)
        row = f"{kind}-{rate} {options.settings} {options.budget}"
        tables.add(
            "inpainting",
            tables.Row(
                "Set12", name, row, round(figure, 3), round(seconds, 1), device_name(options.device)
            ),
        )
        print(f"{name} {row}: {figure:.2f} dB in {seconds:.0f} s", flush=True)


def table() -> str:
    """Mean of each kept row beside the figure of the paper."""
    lines = ["| convolution | dropped | images | paper, dB | ours, dB | s per image | training |"]
    lines.append("|---|---:|---:|---:|---:|---:|---|")
    kept = tables.read("inpainting")
    for group in sorted(
        {row.method for row in kept}, key=lambda g: (g.split(" ", 1)[1], _order(g))
    ):
        rows = [row for row in kept if row.method == group]
        name, training = group.split(" ", 1)
        kind, rate = name.rsplit("-", 1)
        paper = PUBLISHED[kind][RATES.index(int(rate))] if kind in PUBLISHED else None
        ours, seconds = (np.mean([getattr(row, f) for row in rows]) for f in ("psnr", "seconds"))
        lines.append(
            f"| {kind} | {rate} % | {len(rows)} | {'–' if paper is None else f'{paper:.2f}'} "
            f"| {ours:.2f} | {seconds:.0f} | {training}, {rows[-1].detail} |"
        )
    return "\n".join(lines)


def _order(row: str) -> tuple[int, int]:
    kind, rate = row.split(" ", 1)[0].rsplit("-", 1)
    return int(rate), KINDS.index(kind)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--rates", nargs="+", type=int, choices=RATES, default=RATES)
    parser.add_argument("--images", type=int, default=4)
    parser.add_argument("--budget", default="120s")
    parser.add_argument("--settings", choices=("default", "paper"), default="default")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--table-only", action="store_true")
    options = parser.parse_args()
    if not options.table_only:
        for name, clean in photographs("Set12", options.images):
            for kind in options.kinds:
                measure(name, clean, kind, options)
    tables.write_between_markers(DOCUMENT, "inpainting", table())


if __name__ == "__main__":
    main()
