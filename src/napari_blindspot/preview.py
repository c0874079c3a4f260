"""Previews of the region in view while a network learns."""

from __future__ import annotations

import dataclasses
import itertools
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_blindspot.blind import blind_sample
from napari_blindspot.events import Preview
from napari_blindspot.inference.base import Uncalibrated
from napari_blindspot.memory import is_exhausted, let_go
from napari_blindspot.model import TrainedNetwork
from napari_blindspot.noise import fit_noise_law
from napari_blindspot.patches import PatchSampler, patch_shape
from napari_blindspot.pieces import Piece, geometry, inside, predict_piece
from napari_blindspot.series import Series
from napari_blindspot.tiling import around, widened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from napari_blindspot.axes import Layout
    from napari_blindspot.events import Watching
    from napari_blindspot.io.base import Region, Volume
    from napari_blindspot.methods import Parts
    from napari_blindspot.methods.base import Spec
    from napari_blindspot.noise import BlindSample
    from napari_blindspot.normalization import Normalization
    from napari_blindspot.tiling import Slices

SHARE, MOST = 0.08, 0.095  # of the training time, at most; and while what is in view changes
_SOONEST_S = 0.2
_BLIND_PIXELS = 20_000


@dataclass
class Previews:
    """Predicts the region in view now and then, for a small part of the training time.

    Attributes
    ----------
    watching : Watching
        Tells the region, and how often to show it.
    volume, layout : Volume, Layout
        The input and how its axes are understood.
    device : torch.device
        Where the networks are.
    done : list of TrainedNetwork
        Networks of other channels that have been trained.
    """

    watching: Watching
    volume: Volume
    layout: Layout
    device: torch.device
    done: list[TrainedNetwork] = field(default_factory=list)
    _cost_s: float = 0.0
    _last: float = field(default_factory=time.perf_counter)
    _shown: Region | None = None

    @property
    def is_due(self) -> bool:
        """Whether it is time for another one; sooner where another region is in view."""
        past = time.perf_counter() - self._last
        if past >= max(self.watching.interval_s, self._cost_s * (1 / SHARE - 1)):
            return True
        if self._shown is None or past < max(_SOONEST_S, self._cost_s * (1 / MOST - 1)):
            return False
        return self.watching.view() not in (None, self._shown)

    def of(self, network: TrainedNetwork, step: int) -> Preview | None:
        """Preview with one network in training, or None if nothing is in view."""
        began = time.perf_counter()
        region = self._shown = self.watching.view()
        image = None if region is None else self._predicted(region, network)
        self._last = time.perf_counter()
        self._cost_s = self._last - began
        if region is None or image is None:
            return None
        return Preview(image, region, step)

    def _predicted(self, region: Region, current: TrainedNetwork) -> NDArray[np.float32] | None:
        image = self.volume.read(region).astype(np.float32)
        try:
            for network in (*self.done, current):
                for sample in self._samples(region):
                    self._fill(image, region, network, sample)
        except (MemoryError, RuntimeError) as error:
            if not is_exhausted(error):
                raise
            let_go(self.device)
            return None
        return image

    def _samples(self, region: Region) -> Iterator[int]:
        """Numbers of the samples that a region touches."""
        axes = [self.layout.axes.index(letter) for letter in self.layout.sample_axes]
        lengths = [self.layout.shape[axis] for axis in axes]
        for place in itertools.product(*(range(region[a].start, region[a].stop) for a in axes)):
            yield int(np.ravel_multi_index(place, lengths)) if place else 0

    def _fill(
        self, image: NDArray[np.float32], region: Region, network: TrainedNetwork, sample: int
    ) -> None:
        """Write what a network makes of one sample into the image of a region."""
        layout = self.layout
        series = Series(self.volume, layout, layout.in_all_repeats(network.channels))
        core = tuple(region[layout.axes.index(letter)] for letter in layout.spatial)
        shape, halo, divisor = geometry(network, series.space)
        piece = Piece(network, series, sample, around(_blocks(core, divisor), shape, halo, divisor))
        piece = dataclasses.replace(piece, network=calibrated(piece))
        mean, _ = predict_piece(piece, self.device, seed=0, with_std=False)
        kept = tuple(
            slice(want.start - have.start, want.stop - have.start)
            for want, have in zip(core, piece.tile.core, strict=True)
        )
        for row, channel in zip(mean, series.channels, strict=True):
            place = layout.region(sample, channel, core)
            target = _relative(place, region)
            if target is not None:
                image[target] = layout.from_window(row[kept])


def calibrated(piece: Piece) -> TrainedNetwork:
    """The network of a piece with a fast predictor, for the noise in this piece if that matters."""
    parts = piece.network.parts
    predictor = parts.predictor.draft()
    if not isinstance(predictor, Uncalibrated):
        sample = _blind_sample(piece)
        predictor = predictor.calibrated(sample, fit_noise_law(sample))
    parts = dataclasses.replace(parts, predictor=predictor)
    return dataclasses.replace(piece.network, parts=parts)


def _blind_sample(piece: Piece) -> BlindSample:
    """Blind predictions of pixels of a piece."""
    network, parts = piece.network, piece.network.parts
    noisy = network.normalization.apply(
        piece.series.read(piece.sample, inside(piece.tile.read, piece.series.space))[None]
    )
    wide = torch.from_numpy(widened(noisy, parts.network.divisor))
    wide = wide.to(next(parts.network.parameters()).device)
    recipe, space = parts.recipe, wide.shape[2:]
    shape = patch_shape(space, recipe.patch, parts.network.divisor, recipe.batch)
    sampler = PatchSampler((wide,), shape, recipe.batch, recipe.upright)
    return blind_sample(parts, sampler, torch.Generator().manual_seed(0), _BLIND_PIXELS)


@dataclass(frozen=True)
class Watch:
    """Previews of one network in training."""

    previews: Previews
    channels: tuple[int, ...]
    spec: Spec
    normalization: Normalization

    @property
    def is_due(self) -> bool:
        """Whether it is time for a preview."""
        return self.previews.is_due

    def look(self, parts: Parts, step: int) -> Preview | None:
        """Preview while the network holds the averaged weights."""
        network = TrainedNetwork(self.channels, self.spec, parts, self.normalization, (), ())
        return self.previews.of(network, step)


def _blocks(core: Slices, divisor: tuple[int, ...]) -> Slices:
    """The smallest window of whole blocks around a core."""
    return tuple(
        slice(s.start // d * d, -(-s.stop // d) * d) for s, d in zip(core, divisor, strict=True)
    )


def _relative(place: Region, region: Region) -> Region | None:
    """A place in the coordinates of a region; None where it lies outside."""
    found = []
    for part, whole in zip(place, region, strict=True):
        if part.start < whole.start or part.stop > whole.stop:
            return None
        found.append(slice(part.start - whole.start, part.stop - whole.start))
    return tuple(found)
