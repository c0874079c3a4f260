"""One linear intensity scale per channel for a whole series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_blindspot.halting import check

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

_ENOUGH_VALUES = 1_000_000


@dataclass(frozen=True)
class Normalization:
    """Mean and standard deviation per channel; the networks see `(x - mean) / std`.

    A linear scale, so variance = gain * signal + offset keeps its form in normalised units.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def of(cls, samples: NDArray[np.generic]) -> Normalization:
        """Scale of samples `(N, C, *space)`; values that are not finite are left out.

        A constant channel gets std 1.
        """
        channels = [np.asarray(samples[:, c], np.float64) for c in range(samples.shape[1])]
        finite = [
            channel if (known := np.isfinite(channel)).all() else channel[known]
            for channel in channels
        ]
        check()
        means = [float(values.mean()) if values.size else 0.0 for values in finite]
        check()
        stds = [float(values.std()) if values.size else 0.0 for values in finite]
        return cls(tuple(means), tuple(std if std > 0 else 1.0 for std in stds))

    @classmethod
    def of_pieces(cls, pieces: Iterable[NDArray[np.generic]]) -> Normalization:
        """Scale of data too large for memory, from pieces `(C, *any)` that hold them once."""
        total = _Moments.of_channels(next(iterator := iter(pieces)))
        for piece in iterator:
            total = total.joined(_Moments.of_channels(piece))
        stds = np.sqrt(total.squares / np.maximum(total.counts, 1))
        return cls(
            tuple(total.means.tolist()), tuple(float(std) if std > 0 else 1.0 for std in stds)
        )

    def pooled(self, channels: int) -> Normalization:
        """One scale for each of `channels` channels, from a scale for each of their repeats."""
        if len(self.mean) == channels:
            return self
        rows = (np.reshape(each, (-1, channels)).mean(0) for each in (self.mean, self.std))
        mean, std = (tuple(map(float, row)) for row in rows)
        return Normalization(mean, std)

    def repeated(self, times: int) -> Normalization:
        """The same scale for so many repeats of all channels."""
        return Normalization(self.mean * times, self.std * times)

    def quanta(self, samples: NDArray[np.generic]) -> tuple[float, ...]:
        """Normalised step between neighbouring grey values of each channel of `(N, C, *space)`.

        0 where the values are not evenly spaced, as those of an averaged or filtered image.
        """
        steps = (_quantum(samples[:, c]) for c in range(samples.shape[1]))
        return tuple(step / std for step, std in zip(steps, self.std, strict=True))

    def apply(self, samples: NDArray[np.generic]) -> NDArray[np.float32]:
        """Normalised copy of samples `(N, C, *space)`; values that are not finite become 0."""
        mean, std = self._columns(samples.ndim)
        exact = samples.astype(np.float64)
        check()
        exact -= mean
        check()
        exact /= std
        normal = exact.astype(np.float32)
        if samples.dtype.kind == "f":
            normal[~np.isfinite(normal)] = 0
        return normal

    def undo(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Samples `(N, C, *space)` back in the units of the input."""
        mean, std = self._columns(samples.ndim)
        return (samples * std + mean).astype(np.float32)

    def undo_std(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Standard deviations `(N, C, *space)` back in the units of the input."""
        return (samples * self._columns(samples.ndim)[1]).astype(np.float32)

    def _columns(self, ndim: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        shape = (1, len(self.mean)) + (1,) * (ndim - 2)
        return np.reshape(self.mean, shape), np.reshape(self.std, shape)


@dataclass(frozen=True)
class _Moments:
    """Number, mean and sum of squares about the mean of the finite values of each channel."""

    counts: NDArray[np.float64]
    means: NDArray[np.float64]
    squares: NDArray[np.float64]

    @classmethod
    def of_channels(cls, piece: NDArray[np.generic]) -> _Moments:
        values = piece.reshape(len(piece), -1).astype(np.float64)
        finite = np.isfinite(values)
        counts = finite.sum(1).astype(np.float64)
        means = np.where(finite, values, 0).sum(1) / np.maximum(counts, 1)
        squares = np.where(finite, values - means[:, None], 0) ** 2
        return cls(counts, means, squares.sum(1))

    def joined(self, other: _Moments) -> _Moments:
        counts = self.counts + other.counts
        gap, part = other.means - self.means, other.counts / np.maximum(counts, 1)
        return _Moments(
            counts,
            self.means + gap * part,
            self.squares + other.squares + gap**2 * self.counts * part,
        )


def _quantum(values: NDArray[np.generic]) -> float:
    levels = np.unique(values.ravel()[:_ENOUGH_VALUES]).astype(np.float64)
    gaps = np.diff(levels[np.isfinite(levels)])
    if len(gaps) == 0:
        return 0.0
    step = float(gaps.min())
    return step if np.allclose(gaps / step, np.rint(gaps / step), atol=1e-3) else 0.0
