"""A volume as samples of channels in space, whole or piece by piece."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from napari_blindspot.axes import Layout
    from napari_blindspot.io.base import Volume

# Values up to which a series is held in memory; the same on every machine, so that a Job gives
# the same result whatever else runs there.
WHOLE = 2**25
PIECE = {2: (1024, 1024), 3: (16, 256, 256)}


@dataclass(frozen=True)
class Series:
    """Some channels of a volume as samples.

    Attributes
    ----------
    volume, layout : Volume, Layout
        The pixels and how their axes are understood.
    channels : tuple of int
        The channels.
    """

    volume: Volume
    layout: Layout
    channels: tuple[int, ...]

    @property
    def space(self) -> tuple[int, ...]:
        """Lengths of the spatial axes."""
        return self.layout.space_shape

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        return self.layout.n_samples

    @property
    def n_values(self) -> int:
        """Number of values in all samples and channels."""
        return self.n_samples * len(self.channels) * math.prod(self.space)

    def read(self, sample: int, window: Sequence[slice]) -> npt.NDArray[Any]:
        """A window `(C, *window)` of one sample, as stored."""
        return np.stack([self._read(sample, channel, window) for channel in self.channels])

    def whole(self) -> npt.NDArray[Any]:
        """All samples `(N, C, *space)`, as stored."""
        if len(self.channels) == self.layout.n_channels:
            return self.layout.to_samples(self.volume.read())
        everywhere = [slice(0, length) for length in self.space]
        return np.concatenate([self._samples(c, everywhere) for c in self.channels], 1)

    def pieces(self) -> Iterator[npt.NDArray[Any]]:
        """Pieces `(C, *piece)` that hold every value once."""
        spans = [
            [slice(start, min(start + step, length)) for start in range(0, length, step)]
            for length, step in zip(self.space, PIECE[len(self.space)], strict=True)
        ]
        for sample, window in itertools.product(range(self.n_samples), itertools.product(*spans)):
            yield self.read(sample, window)

    def _read(self, sample: int, channel: int, window: Sequence[slice]) -> npt.NDArray[Any]:
        block = self.volume.read(self.layout.region(sample, channel, window))
        return self.layout.to_window(block)

    def _samples(self, channel: int, window: Sequence[slice]) -> npt.NDArray[Any]:
        block = self.volume.read(self.layout.region(None, channel, window))
        order = self.layout.sample_axes + self.layout.channel_axes + self.layout.spatial
        ordered = np.transpose(block, [self.layout.axes.index(letter) for letter in order])
        return ordered.reshape(self.n_samples, 1, *self.space)
