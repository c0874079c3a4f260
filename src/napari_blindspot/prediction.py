"""Prediction tile by tile with a trained model."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_blindspot.events import Halved
from napari_blindspot.events import Tile as TileDone
from napari_blindspot.halting import Halted
from napari_blindspot.interruption import aside
from napari_blindspot.io.base import to_dtype
from napari_blindspot.memory import is_exhausted, let_go
from napari_blindspot.pieces import Piece, divided, inside, pieces_of, predict_piece

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from numpy.typing import NDArray

    from napari_blindspot.axes import Layout
    from napari_blindspot.events import Event
    from napari_blindspot.halting import StopFlag
    from napari_blindspot.io.base import Volume
    from napari_blindspot.model import Model


@dataclass(frozen=True)
class Arrays:
    """Denoised values and their standard deviation (or None), in the input's axes.

    Anything with `shape`, `dtype` and slicing both ways. Values are rounded to its dtype. `done`
    is the part of the values that is denoised, 0 to 1; all others are NaN, or 0 in integers.
    """

    mean: Any
    std: Any | None
    done: float = 1.0


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
    pieces = deque(pieces_of(model, volume, layout, tile, device))
    done = 0
    while pieces:
        piece = pieces[0]
        try:
            values = aside(partial(_attempt, piece, device, seed, with_std=std is not None), stop)
        except Halted:
            break
        if values is None:
            pieces = deque(divided(list(pieces)))
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


def _store(target: Any, values: NDArray[np.float32], piece: Piece) -> None:
    """Put a core `(C, *core)` where it belongs, without the padding."""
    layout, space = piece.series.layout, piece.series.space
    core = inside(piece.tile.core, space)
    kept = tuple(slice(0, s.stop - s.start) for s in core)
    for row, channel in zip(values, piece.series.channels, strict=True):
        block = layout.from_window(to_dtype(row[kept], target.dtype))
        target[layout.region(piece.sample, channel, core)] = block
