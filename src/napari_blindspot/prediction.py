"""Prediction tile by tile with a trained model."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_blindspot.chance import Chance
from napari_blindspot.events import Halved
from napari_blindspot.events import Tile as TileDone
from napari_blindspot.halting import Halted
from napari_blindspot.interruption import aside
from napari_blindspot.io.base import to_dtype
from napari_blindspot.memory import free_bytes, is_exhausted, let_go
from napari_blindspot.params import InputError
from napari_blindspot.series import Series
from napari_blindspot.tiling import halved, pad_reflected, tiles

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from numpy.typing import NDArray

    from napari_blindspot.axes import Layout
    from napari_blindspot.events import Event
    from napari_blindspot.halting import StopFlag
    from napari_blindspot.io.base import Volume
    from napari_blindspot.model import Model, TrainedNetwork
    from napari_blindspot.tiling import Slices, Tile

TILE = {2: (512, 512), 3: (32, 160, 160)}
_SMALLEST_SIDE = 64
_BYTES_PER_VALUE = 1_000  # at most, while a tile is predicted: 32 features, eight turns
_ROOM = 1.2e9  # bytes that a tile may take, where that is known
_LARGEST_SIDE, _HALOS = 1024, 12  # pixels, or as many halos
_DEPTHS = (32, 48, 64, 96)  # planes of a tile


@dataclass(frozen=True)
class Arrays:
    """Denoised values and their standard deviation (or None), in the input's axes.

    Anything with `shape`, `dtype` and slicing both ways. Values are rounded to its dtype. `done`
    is the part of the values that is denoised, 0 to 1; all others are NaN, or 0 in integers.
    """

    mean: Any
    std: Any | None
    done: float = 1.0


@dataclass(frozen=True)
class Piece:
    """A tile of one sample, and the network that denoises it."""

    network: TrainedNetwork
    series: Series
    sample: int
    tile: Tile

    @property
    def space(self) -> tuple[int, ...]:
        """Lengths in space of what the network is shown."""
        return tuple(int(s.stop - s.start) for s in self.tile.read)

    @property
    def n_values(self) -> int:
        """Number of values that the network is shown."""
        return math.prod(self.space) * len(self.series.channels)

    @property
    def n_results(self) -> int:
        """Number of values that it contributes to the result."""
        core = inside(self.tile.core, self.series.space)
        return math.prod(int(s.stop - s.start) for s in core) * len(self.series.channels)

    def halves(self) -> list[Piece] | None:
        """The same in two pieces, or None where it cannot be divided."""
        shape, halo, divisor = geometry(self.network, self.series.space)
        parts = halved(self.tile, shape, halo, divisor)
        if parts is None:
            return None
        return [Piece(self.network, self.series, self.sample, part) for part in parts]


def predict(
    model: Model,
    volume: Volume,
    layout: Layout,
    *,
    device: torch.device,
    stop: StopFlag,
    seed: int,
    with_std: bool = True,
    tile: tuple[int, ...] | None = None,
    into: Arrays | None = None,
    keep_partial: bool = False,
) -> Generator[Event, None, Arrays | None]:
    """Denoise a volume, which is read tile by tile.

    Parameters
    ----------
    model : Model
        Trained on data with as many channels.
    volume, layout : Volume, Layout
        The noisy data and how its axes are understood.
    device : torch.device
        Where to predict.
    stop : callable
        Asked again and again; `Stop.HALT` ends the work, within a tile too.
    seed : int
        Seed of predictors that draw random numbers.
    with_std : bool
        Whether to find the standard deviation.
    tile : tuple of int, optional
        Largest piece shown to the network at once, halo included.
    into : Arrays, optional
        Where the results go, in place of new float32 arrays; zeros.
    keep_partial : bool
        Whether a prediction that is halted gives the tiles that are done.

    Yields
    ------
    Event
        `Tile` events, and `Halved` where memory runs out.

    Returns
    -------
    Arrays or None
        None if halted, unless `keep_partial` and a tile is done.

    Raises
    ------
    InputError
        If the model does not fit the data, or not even the smallest tile fits into memory.

    Notes
    -----
    Where memory runs out, the tile and all others of its size are halved and the work goes on.
    """
    model.check_fits(volume)
    mean, std = _targets(volume, into, with_std=with_std)
    pieces = deque(_pieces(model, volume, layout, tile, device))
    done = 0
    while pieces:
        piece = pieces[0]
        try:
            values = aside(partial(_attempt, piece, device, seed, with_std=std is not None), stop)
        except Halted:
            break
        if values is None:
            pieces = deque(_divided(list(pieces)))
            yield _halved(piece)
            continue
        _store(mean, values[0], piece)
        if std is not None and values[1] is not None:
            _store(std, values[1], piece)
        else:
            std = None
        done += 1
        pieces.popleft()
        yield TileDone(done, done + len(pieces))
    if pieces and not (keep_partial and done):
        return None
    return _filled_up(Arrays(mean, std), pieces, is_new=into is None)


def _halved(piece: Piece) -> Halved:
    lengths = " × ".join(map(str, piece.space))
    return Halved(
        piece.space,
        f"Memory ran out with a tile of {lengths} pixels; the work goes on with half of it.",
    )


def _filled_up(arrays: Arrays, left: Sequence[Piece], *, is_new: bool) -> Arrays:
    """Arrays in which the pieces that are left are NaN; new ones hold anything as yet."""
    if not left:
        return arrays
    targets = [array for array in (arrays.mean, arrays.std) if array is not None]
    for target in targets:
        if is_new or np.dtype(target.dtype).kind == "f":
            for piece in left:
                _store(target, _nothing(piece), piece)
    total = math.prod(arrays.mean.shape)
    return replace(arrays, done=1 - sum(piece.n_results for piece in left) / total)


def _nothing(piece: Piece) -> NDArray[np.float32]:
    """NaN in the shape of a core; it needs no memory."""
    core = (int(s.stop - s.start) for s in piece.tile.core)
    return np.broadcast_to(np.float32(np.nan), (len(piece.series.channels), *core))


def _targets(volume: Volume, into: Arrays | None, *, with_std: bool) -> tuple[Any, Any | None]:
    if into is not None:
        return into.mean, into.std
    mean = np.empty(volume.shape, np.float32)
    return mean, np.empty(volume.shape, np.float32) if with_std else None


def _pieces(
    model: Model,
    volume: Volume,
    layout: Layout,
    size: tuple[int, ...] | None,
    device: torch.device,
) -> list[Piece]:
    free = free_bytes(device)
    pieces = []
    for network in model.networks:
        series = Series(volume, layout, layout.in_all_repeats(network.channels))
        shape, halo, divisor = geometry(network, series.space)
        side = size or _tile(network, shape, len(series.channels), free)
        pieces += [
            Piece(network, series, sample, each)
            for sample in range(series.n_samples)
            for each in tiles(shape, side, halo, divisor)
        ]
    return pieces


def geometry(
    network: TrainedNetwork, space: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Padded shape, halo and divisor."""
    net = network.parts.network
    padded = tuple(n + -n % d for n, d in zip(space, net.divisor, strict=True))
    margin = network.parts.predictor.margin
    halo = (*net.halo[:-2], *(reach + margin for reach in net.halo[-2:]))
    return padded, halo, tuple(net.divisor)


def _tile(
    network: TrainedNetwork, space: tuple[int, ...], channels: int, free: int
) -> tuple[int, ...]:
    """Tile for a network, its predictor's margin, and padded lengths in space.

    Of a network whose memory is known, the tile of which the smallest part is halo. Others have a
    fixed one, larger by more than the margin, halved until it takes no more than half of the free
    memory.
    """
    net, margin = network.parts.network, network.parts.predictor.margin
    if net.bytes_per_value:
        _, halo, _ = geometry(network, space)
        return _least_halo(space, halo, min(_ROOM, free / 2) / (net.bytes_per_value * channels))
    *depth, side, _ = TILE[len(space)]
    per_pixel = _BYTES_PER_VALUE * channels * math.prod(depth)
    side += 4 * margin
    while side**2 > free / 2 / per_pixel and side > _SMALLEST_SIDE:
        side //= 2
    return (*depth, side, side)


def _least_halo(space: Sequence[int], halo: Sequence[int], values: float) -> tuple[int, ...]:
    """The tile of at most so many values by which the fewest are shown twice."""

    def shown(tile: Sequence[int]) -> float:
        sides = zip(tile, space, halo, strict=True)
        return math.prod(t / max(t - 2 * h, 1) for t, n, h in sides if t < n)

    depths = [(depth,) for depth in _DEPTHS] if len(space) == 3 else [()]
    found: list[tuple[int, ...]] = []
    for depth in depths:
        most = max(_LARGEST_SIDE, _HALOS * max(halo[-2:]))
        side = min(math.isqrt(int(values / math.prod(min(d, space[0]) for d in depth))), most)
        if side >= _SMALLEST_SIDE or not found:
            found.append((*depth, *(max(side, _SMALLEST_SIDE),) * 2))
    return min(found, key=shown)


def _attempt(
    piece: Piece, device: torch.device, seed: int, *, with_std: bool
) -> tuple[NDArray[np.float32], NDArray[np.float32] | None] | None:
    """Result of a piece, or None if memory ran out."""
    try:
        return predict_piece(piece, device, seed, with_std=with_std)
    except (MemoryError, RuntimeError) as error:
        if not is_exhausted(error):
            raise
    # Outside of the handler, for the error holds on to the arrays of its frames.
    let_go(device)
    return None


def _divided(pieces: list[Piece]) -> list[Piece]:
    """Pieces of which none is as large as the first was.

    Raises
    ------
    InputError
        If the first cannot be divided.
    """
    first = pieces[0]
    if first.halves() is None:
        raise InputError(
            f"Memory ran out with the smallest tile, {first.n_values} values; close other "
            "programs, or use another device."
        )
    return [
        part
        for piece in pieces
        for part in ((piece.n_values >= first.n_values and piece.halves()) or [piece])
    ]


def predict_piece(
    piece: Piece, device: torch.device, seed: int, *, with_std: bool
) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    """Mean and standard deviation of the core of a tile, `(C, *core)`, in input units."""
    network, space = piece.network, piece.series.space
    net, repeats = network.parts.network.to(device), piece.series.layout.n_repeats
    scale = network.normalization.repeated(repeats)
    # A window ends at the image's border; only the padding is missing there.
    window = inside(piece.tile.read, space)
    shown = scale.apply(piece.series.read(piece.sample, window)[None])
    noisy = torch.from_numpy(pad_reflected(shown, net.divisor)).to(device)
    chance = Chance(seed, tuple(int(s.start) for s in piece.tile.read))
    with torch.no_grad():
        result = network.parts.predictor.predict(net, noisy, chance, with_std=with_std)
    crop: Any = (..., *piece.tile.crop)
    mean = scale.undo(result.mean.cpu().numpy()[crop])
    std = None if result.std is None else scale.undo_std(result.std.cpu().numpy()[crop])[0]
    return mean[0], std


def _store(target: Any, values: NDArray[np.float32], piece: Piece) -> None:
    """Put a core `(C, *core)` where it belongs, without the padding."""
    layout, space = piece.series.layout, piece.series.space
    core = inside(piece.tile.core, space)
    kept = tuple(slice(0, s.stop - s.start) for s in core)
    for row, channel in zip(values, piece.series.channels, strict=True):
        block = layout.from_window(to_dtype(row[kept], target.dtype))
        target[layout.region(piece.sample, channel, core)] = block


def inside(window: Slices, space: tuple[int, ...]) -> Slices:
    """The part of a padded window that lies inside the image."""
    return tuple(slice(s.start, min(s.stop, n)) for s, n in zip(window, space, strict=True))
