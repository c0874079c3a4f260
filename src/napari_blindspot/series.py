"""A volume as samples of channels in space, whole or piece by piece."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_blindspot.halting import check

if TYPE_CHECKING:
    from napari_blindspot.axes import Layout
    from napari_blindspot.io.base import Region, Volume

# Values up to which a series is held in memory; the same on every machine, so that a Job gives
# the same result whatever else runs there.
WHOLE = 2**25
PIECE = {2: (1024, 1024), 3: (16, 256, 256)}
_GLIMPSE = {2: (128, 128), 3: (8, 128, 128)}
_AT_ONCE = 2**22  # values read between two questions whether to go on
_LEAST_ROWS = 16  # as many as a chunk has along its first axis, mostly


@dataclass(frozen=True)
class Series:
    """Some channels of a volume as samples.

    Attributes
    ----------
    volume, layout : Volume, Layout
        The pixels and how their axes are understood.
    channels : tuple of int
        The channels; with repeats, where the layout has them.
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
        if len(self.channels) == self.layout.n_channels * self.layout.n_repeats:
            everything = tuple(slice(0, length) for length in self.layout.shape)
            return self.layout.to_samples(_read(self.volume, everything))
        everywhere = [slice(0, length) for length in self.space]
        return np.concatenate([self._samples(c, everywhere) for c in self.channels], 1)

    def glimpse(self) -> Series:
        """A small part from the middle of a sample, in memory."""
        sides = dict(zip(self.layout.spatial, _GLIMPSE[len(self.space)], strict=True))
        sides |= dict.fromkeys(self.layout.sample_axes, 1)
        region = tuple(
            _middle(length, sides.get(letter, length))
            for letter, length in zip(self.layout.axes, self.layout.shape, strict=True)
        )
        part = self.volume.like(self.volume.read(region).copy())
        layout = dataclasses.replace(self.layout, shape=part.shape)
        return Series(part, layout, self.channels)

    def pieces(self) -> Iterator[npt.NDArray[Any]]:
        """Pieces `(C, *piece)` that hold every value once."""
        spans = [
            [slice(start, min(start + step, length)) for start in range(0, length, step)]
            for length, step in zip(self.space, PIECE[len(self.space)], strict=True)
        ]
        for sample, window in itertools.product(range(self.n_samples), itertools.product(*spans)):
            yield self.read(sample, window)

    def _read(self, sample: int, channel: int, window: Sequence[slice]) -> npt.NDArray[Any]:
        check()
        block = self.volume.read(self.layout.region(sample, channel, window))
        return self.layout.to_window(block)

    def _samples(self, channel: int, window: Sequence[slice]) -> npt.NDArray[Any]:
        block = _read(self.volume, self.layout.region(None, channel, window))
        order = self.layout.sample_axes + self.layout.channel_axes + self.layout.spatial
        ordered = np.transpose(block, [self.layout.axes.index(letter) for letter in order])
        return ordered.reshape(self.n_samples, 1, *self.space)


def _read(volume: Volume, region: Region) -> npt.NDArray[Any]:
    """Pixels of a region; slab by slab where they are not in memory."""
    lengths = [span.stop - span.start for span in region]
    axis = next((i for i, length in enumerate(lengths) if length > 1), 0)
    rows = max(_AT_ONCE * lengths[axis] // math.prod(lengths), _LEAST_ROWS)
    if isinstance(volume.data, np.ndarray) or lengths[axis] <= rows:
        return volume.read(region)
    slabs = []
    for start in range(0, lengths[axis], rows):
        check()
        first = region[axis].start + start
        span = slice(first, min(first + rows, region[axis].stop))
        slabs.append(volume.read((*region[:axis], span, *region[axis + 1 :])))
    return np.concatenate(slabs, axis)


def _middle(length: int, side: int) -> slice:
    start = max(length - side, 0) // 2
    return slice(start, min(start + side, length))
