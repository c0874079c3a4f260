"""Regions of a TIFF whose pixels are compressed, in tiles, or spread over the file."""

from __future__ import annotations

import itertools
import math
import os
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import tifffile

from napari_blindspot.io.failures import reading
from napari_blindspot.io.held import Held
from napari_blindspot.params import InputError

# Decoded strips and tiles of all files together; neighbouring regions share them.
HELD: Held[_Decoded] = Held(2**27)

_owners = itertools.count()


@dataclass(frozen=True, slots=True)
class _Page:
    """Where the strips or tiles of a page lie, and what decodes them."""

    path: str
    offsets: Sequence[int]
    counts: Sequence[int]
    keyframe: tifffile.TiffPage
    jpegtables: bytes | None

    def read(self, file: BinaryIO, index: int) -> bytes | None:
        """Encoded bytes of a segment; None for one that was left out, as all background."""
        offset, count = self.offsets[index], self.counts[index]
        if offset == 0 or count == 0:
            return None
        file.seek(offset)
        data = file.read(count)
        if len(data) < count:
            raise InputError("it is cut short or damaged.")
        return data

    def decode(self, data: bytes | None, index: int) -> npt.NDArray[Any]:
        """Pixels `(D, H, W, C)` of a segment."""
        frame = self.keyframe
        pixels, _, shape = frame.decode(
            data, index, jpegtables=self.jpegtables, jpegheader=frame.jpegheader
        )
        return np.full(shape, frame.nodata, frame.dtype) if pixels is None else pixels


@dataclass(frozen=True, slots=True)
class _Decoded:
    """Rows of a strip or tile `(D, H, W, C)`, the first of which is row `first` of the page."""

    pixels: npt.NDArray[Any]
    first: int

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        return self.pixels.nbytes

    def holds(self, rows: slice) -> bool:
        """Whether these rows of the page are there."""
        return bool(self.first <= rows.start and rows.stop <= self.first + self.pixels.shape[1])

    def cut(self, start: int, n_rows: int) -> _Decoded:
        """So many rows, at most, from row `start` of the page on, and no others in memory."""
        if n_rows >= self.pixels.shape[1]:
            return self
        low = start - self.first
        return _Decoded(self.pixels[:, low : low + n_rows].copy(), start)


@dataclass(frozen=True, slots=True)
class _Segment:
    """A strip or tile of which something is wanted.

    Attributes
    ----------
    page, index : int
        Number of the page, and of the segment in it.
    start : tuple of int
        First pixel `(S, D, H, W)` of the segment in its page.
    rows : slice
        Rows of the page that are wanted of the segment.
    out : ndarray
        Place for the window of this page.
    """

    page: int
    index: int
    start: tuple[int, ...]
    rows: slice
    out: npt.NDArray[Any]

    def place(self, decoded: _Decoded, window: Sequence[slice]) -> None:
        """Copy what lies in a window `(S, D, H, W, C)` of the page."""
        sample, depth, _, column = self.start
        targets, sources = [], []
        starts, lengths = (depth, decoded.first, column), decoded.pixels.shape
        for first, length, span in zip(starts, lengths, window[1:4], strict=False):
            low, high = max(first, span.start), min(first + length, span.stop)
            targets.append(slice(low - span.start, high - span.start))
            sources.append(slice(low - first, high - first))
        self.out[(sample - window[0].start, *targets)] = decoded.pixels[(*sources, window[4])]


class TiffSegments:
    """A series of pages of which only the strips or tiles of a region are decoded.

    Parameters
    ----------
    path : Path
        The file, for messages.
    series : tifffile.TiffPageSeries
        Of an open file; nothing is read from it later on.
    n_leading : int
        Number of axes that count pages.

    Notes
    -----
    Files are open only while they are read, and refused if they have changed since. Of segments
    too large to be held, only some rows are: those of the region and what follows them.
    """

    def __init__(self, path: Path, series: tifffile.TiffPageSeries, n_leading: int) -> None:
        keyframe = series.keyframe
        self.shape: tuple[int, ...] = series.shape
        self.dtype: np.dtype[Any] = series.dtype
        self._path = path
        self._pages = [_page(page, keyframe) for page in series if page is not None]
        self._numbers = np.arange(len(self._pages)).reshape(self.shape[:n_leading])
        self._page_shape: tuple[int, ...] = keyframe.shaped
        self._segment_shape = _segment_shape(keyframe)
        row = (self._segment_shape[0], self._segment_shape[2], self._page_shape[-1])
        self._row_bytes = math.prod(row) * self.dtype.itemsize
        self._stored: np.dtype[Any] | None = None
        if keyframe.is_final:
            self._stored = self.dtype.newbyteorder(keyframe.parent.byteorder)
        else:
            keyframe.decode  # noqa: B018 - made while the file is open
        self._states = {path: _state(os.stat(path)) for path in {p.path for p in self._pages}}
        self._owner = next(_owners)
        weakref.finalize(self, HELD.forget, self._owner).atexit = False

    @classmethod
    def of(cls, path: Path, series: tifffile.TiffPageSeries) -> TiffSegments | None:
        """The series, or None where its axes are not those of its pages."""
        keyframe = series.keyframe
        if series.transform is not None or keyframe.dtype != series.dtype:
            return None
        long = [length for length in keyframe.shaped if length > 1]
        for n_leading in range(len(series.shape) + 1):
            leading, inner = series.shape[:n_leading], series.shape[n_leading:]
            is_page = [length for length in inner if length > 1] == long
            if is_page and math.prod(leading) == len(series):
                return cls(path, series, n_leading)
        return None

    def __getitem__(self, region: Sequence[slice]) -> npt.NDArray[Any]:
        pairs = zip(region, self.shape, strict=True)
        spans = [slice(*span.indices(length)[:2]) for span, length in pairs]
        lengths = [max(span.stop - span.start, 0) for span in spans]
        pixels = np.empty(lengths, self.dtype)
        if pixels.size:
            with reading(self._path, "TIFF"):
                self._fill(pixels, spans)
        return pixels[tuple(slice(None, None, span.step) for span in region)]

    def _fill(self, pixels: npt.NDArray[Any], spans: Sequence[slice]) -> None:
        n_leading = self._numbers.ndim
        numbers = self._numbers[tuple(spans[:n_leading])].ravel().tolist()
        window = self._window(spans[n_leading:])
        planes = pixels.reshape(len(numbers), *(span.stop - span.start for span in window))
        if self._stored is not None:
            for number, plane in zip(numbers, planes, strict=True):
                plane[...] = self._mapped(self._pages[number], self._stored)[window]
        else:
            self._decode(self._segments(numbers, planes, window), window)

    def _window(self, spans: Sequence[slice]) -> tuple[slice, ...]:
        """Part `(S, D, H, W, C)` of a page; the series may lack its axes of length 1."""
        pairs = zip(spans, self.shape[self._numbers.ndim :], strict=True)
        long = iter([span for span, length in pairs if length > 1])
        return tuple(next(long) if length > 1 else slice(0, 1) for length in self._page_shape)

    def _mapped(self, page: _Page, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        self._check(page.path, os.stat(page.path))
        return np.memmap(page.path, dtype, "r", page.offsets[0], self._page_shape)

    def _segments(
        self, numbers: Sequence[int], planes: npt.NDArray[Any], window: Sequence[slice]
    ) -> list[_Segment]:
        """Segments that have a part in a window of some pages."""
        steps = (1, *self._segment_shape)
        spans = list(zip(window, steps, strict=False))
        counts = [-(-n // step) for n, step in zip(self._page_shape, steps, strict=False)]
        parts = []
        for place in itertools.product(
            *(range(span.start // step, -(-span.stop // step)) for span, step in spans)
        ):
            start = tuple(i * step for i, step in zip(place, steps, strict=True))
            low, high = window[2].start, window[2].stop
            rows = slice(max(low, start[2]), min(high, start[2] + steps[2]))
            parts.append((int(np.ravel_multi_index(place, counts)), start, rows))
        return [
            _Segment(number, *part, plane)
            for number, plane in zip(numbers, planes, strict=True)
            for part in parts
        ]

    def _decode(self, segments: Sequence[_Segment], window: Sequence[slice]) -> None:
        """Put segments in their places, those first that are held."""
        missing = []
        for segment in segments:
            held = HELD.get(self._key(segment))
            if held is None or not held.holds(segment.rows):
                missing.append(segment)
            else:
                segment.place(held, window)
        n_rows = HELD.limit // 2 // (len(segments) * self._row_bytes)

        def finish(segment: _Segment, data: bytes | None) -> None:
            pixels = self._pages[segment.page].decode(data, segment.index)
            decoded, rows = _Decoded(pixels, segment.start[2]), segment.rows
            decoded = decoded.cut(rows.start, max(n_rows, rows.stop - rows.start))
            HELD.put(self._key(segment), decoded)
            segment.place(decoded, window)

        _with_threads(finish, self._encoded(missing), min(len(missing), tifffile.TIFF.MAXWORKERS))

    def _encoded(self, segments: Sequence[_Segment]) -> Iterator[tuple[_Segment, bytes | None]]:
        for path, group in itertools.groupby(segments, lambda each: self._pages[each.page].path):
            with open(path, "rb") as file:
                self._check(path, os.fstat(file.fileno()))
                for segment in group:
                    yield segment, self._pages[segment.page].read(file, segment.index)

    def _check(self, path: str, found: os.stat_result) -> None:
        if _state(found) != self._states[path]:
            raise InputError("it has changed since it was opened; start again.")

    def _key(self, segment: _Segment) -> tuple[int, ...]:
        return (self._owner, segment.page, segment.index)


def _page(page: tifffile.TiffPage | tifffile.TiffFrame, keyframe: tifffile.TiffPage) -> _Page:
    path = page.parent.filehandle.path
    own = page.keyframe or keyframe
    return _Page(path, page.dataoffsets, page.databytecounts, own, page.jpegtables)


def _segment_shape(keyframe: tifffile.TiffPage) -> tuple[int, int, int]:
    """Lengths `(D, H, W)` of a tile or strip."""
    if keyframe.is_tiled:
        return keyframe.tiledepth, keyframe.tilelength, keyframe.tilewidth
    return 1, min(keyframe.rowsperstrip, keyframe.imagelength), keyframe.imagewidth


def _state(found: os.stat_result) -> tuple[int, int]:
    return found.st_size, found.st_mtime_ns


def _with_threads(
    work: Callable[..., None], items: Iterable[tuple[Any, ...]], n_threads: int
) -> None:
    """Call `work` with each item, so that no more than a few items are there at once."""
    if n_threads < 2:
        for item in items:
            work(*item)
        return
    ahead: deque[Future[None]] = deque()
    with ThreadPoolExecutor(n_threads) as pool:
        for item in items:
            ahead.append(pool.submit(work, *item))
            if len(ahead) > 2 * n_threads:
                ahead.popleft().result()
        for future in ahead:
            future.result()
