"""Noise2Fast and Zero-Shot Noise2Noise as their papers give them; `race.py` calls this.

    python benchmarks/single_image.py noisy.npy folder --method zs_n2n --seconds 600

Their authors publish programs, no packages; these are written from the papers, in plain PyTorch,
for images of one channel. `folder` gets an image after growing times and `curve.json`. Denoising
for a point of the curve does not count as training time.

References
----------
J. Lequyer, R. Philip, A. Sharma, W.-H. Hsu and L. Pelletier, "A fast blind zero-shot denoiser",
Nature Machine Intelligence 2022.
Y. Mansour and R. Heckel, "Zero-Shot Noise2Noise: Efficient Image Denoising without any Data",
CVPR 2023.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from curves import Curve
from torch import Tensor, nn

_GROWTH = 1.5  # of the time from one point to the next


class Watch:
    """Stops the time while points are made."""

    def __init__(self, curve: Curve, seconds: float) -> None:
        self.curve, self.seconds, self.due = curve, seconds, 1.0
        self.spent, self.began = 0.0, time.perf_counter()

    def over(self, denoise: Callable[[], Tensor], last: bool = False) -> bool:
        """Whether the time is up; makes a point when one is due."""
        self.spent += time.perf_counter() - self.began
        ends = last or self.spent >= self.seconds
        if ends or self.spent >= self.due:
            began = time.perf_counter()
            image = denoise()
            took = time.perf_counter() - began
            self.curve.add(image[0, 0].numpy(), self.spent + took)
            self.due = max(self.due * _GROWTH, self.spent)
        self.began = time.perf_counter()
        return ends


def zs_n2n(noisy: Tensor, watch: Watch, steps: int = 2000) -> None:
    """Two images of half the size, each the target of the other (equations 3 to 8)."""
    network = nn.Sequential(
        nn.Conv2d(1, 48, 3, padding=1), nn.LeakyReLU(0.2),
        nn.Conv2d(48, 48, 3, padding=1), nn.LeakyReLU(0.2),
        nn.Conv2d(48, 1, 1),
    )  # fmt: skip
    optimizer = torch.optim.Adam(network.parameters(), 0.001)
    rates = torch.optim.lr_scheduler.StepLR(optimizer, 1000, 0.5)
    kernels = torch.tensor([[[0, 0.5], [0.5, 0]], [[0.5, 0], [0, 0.5]]])[:, None]

    def halves(x: Tensor) -> tuple[Tensor, Tensor]:
        first, second = F.conv2d(x, kernels, stride=2).split(1, 1)
        return first, second

    def clean(x: Tensor) -> Tensor:
        return x - network(x)

    def denoised() -> Tensor:
        with torch.no_grad():
            return clean(noisy).clamp(0, 1)

    first, second = halves(noisy)
    for _ in range(steps):
        one, two = clean(first), clean(second)
        whole = halves(clean(noisy))
        residual = 0.5 * (F.mse_loss(one, second) + F.mse_loss(two, first))
        consistency = 0.5 * (F.mse_loss(one, whole[0]) + F.mse_loss(two, whole[1]))
        optimizer.zero_grad()
        (residual + consistency).backward()
        optimizer.step()
        rates.step()
        if watch.over(denoised):
            return
    watch.over(denoised, last=True)


def noise2fast(noisy: Tensor, watch: Watch, patience: int = 100, averaged: int = 100) -> None:
    """One colour of a checkerboard predicts the other (section "Methods").

    It ends when the denoised image has not come closer to the noisy one for `patience` rounds of
    four pairs; the result is the mean of the last `averaged` images then.
    """
    layers: list[nn.Module] = []
    for inputs in (1, *(64,) * 7):
        layers += [nn.Conv2d(inputs, 64, 3, padding=1), nn.ReLU()]
    network = nn.Sequential(*layers, nn.Conv2d(64, 1, 1), nn.Sigmoid())
    optimizer = torch.optim.Adam(network.parameters(), 0.001)
    pairs = _checkerboards(noisy)
    recent: list[Tensor] = []
    best, since, rounds = np.inf, 0, 0
    while since < patience:
        network.train()
        for _ in range(len(pairs)):
            seen, target = pairs[int(torch.randint(len(pairs), ()))]
            optimizer.zero_grad()
            F.binary_cross_entropy(network(seen), target).backward()
            optimizer.step()
        rounds += 1
        with torch.no_grad():
            recent = [*recent[1 - averaged :], network(noisy)]
            distance = float(F.mse_loss(recent[-1], noisy))
        best, since = (distance, 0) if distance < best else (best, since + 1)
        if watch.over(lambda last=recent: torch.stack(last).mean(0)):
            return
    watch.over(lambda: torch.stack(recent).mean(0), last=True)


def _checkerboards(noisy: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Four pairs: the colours of a checkerboard pushed together along X or Y, either as target."""
    pairs = []
    for turned in (False, True):
        x = noisy.transpose(-1, -2) if turned else noisy
        height, width = (n - n % 2 for n in x.shape[-2:])
        x = x[..., :height, :width]
        even, odd = x[..., 0::2, :], x[..., 1::2, :]
        black = torch.stack([even[..., 0::2], odd[..., 1::2]], -2).flatten(-3, -2)
        white = torch.stack([even[..., 1::2], odd[..., 0::2]], -2).flatten(-3, -2)
        if turned:
            black, white = black.transpose(-1, -2), white.transpose(-1, -2)
        pairs += [(black, white), (white, black)]
    return pairs


METHODS = {"zs_n2n": zs_n2n, "noise2fast": noise2fast}


def main() -> None:
    began = time.perf_counter()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("noisy", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--method", choices=list(METHODS), required=True)
    parser.add_argument("--seconds", type=float, default=600.0)
    options = parser.parse_args()
    torch.manual_seed(0)
    if "OMP_NUM_THREADS" in os.environ:
        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    image = np.load(options.noisy).astype(np.float32)
    low, extent = float(image.min()), float(np.ptp(image))
    curve = Curve(options.folder, startup_s=time.perf_counter() - began)
    watch = Watch(curve, options.seconds)
    METHODS[options.method](torch.from_numpy((image - low) / extent)[None, None], watch)
    for point in curve.points:
        file = options.folder / point["file"]
        np.save(file, np.load(file) * extent + low)
    curve.save()


if __name__ == "__main__":
    main()
