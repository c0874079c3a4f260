"""Prediction tile by tile with a trained model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_blindspot.events import Stop
from napari_blindspot.events import Tile as TileDone
from napari_blindspot.fitting import finite
from napari_blindspot.params import InputError
from napari_blindspot.tiling import pad_reflected, tiles

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_blindspot.axes import Layout
    from napari_blindspot.events import Event, StopFlag
    from napari_blindspot.io.base import Volume
    from napari_blindspot.model import Model, TrainedNetwork
    from napari_blindspot.tiling import Slices, Tile

TILE = {2: (512, 512), 3: (32, 160, 160)}


@dataclass(frozen=True)
class Arrays:
    """Denoised values and their standard deviation (or None), float32, in the input's axes."""

    mean: NDArray[np.float32]
    std: NDArray[np.float32] | None


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
) -> Generator[Event, None, Arrays | None]:
    """Denoise a volume.

    Parameters
    ----------
    model : Model
        Trained on data with as many channels.
    volume, layout : Volume, Layout
        The noisy data and how its axes are understood.
    device : torch.device
        Where to predict.
    stop : callable
        Asked before every tile; `Stop.HALT` gives up.
    seed : int
        Seed of predictors that draw random numbers.
    with_std : bool
        Whether to find the standard deviation.
    tile : tuple of int, optional
        Largest piece shown to the network at once, halo included.

    Yields
    ------
    Event
        `Tile` events.

    Returns
    -------
    Arrays or None
        None if halted.
    """
    if model.n_channels != layout.n_channels:
        raise InputError(
            f"The model was trained on {model.n_channels} channels, the input has "
            f"{layout.n_channels}; apply it to data like its training data."
        )
    samples = finite(layout.to_samples(volume.read()))
    mean = np.empty(samples.shape, np.float32)
    std = np.empty(samples.shape, np.float32) if with_std else None
    pieces = [
        (network, n, piece)
        for network in model.networks
        for n in range(len(samples))
        for piece in _tiles(network, samples.shape[2:], tile)
    ]
    for done, (network, n, piece) in enumerate(pieces, 1):
        if stop() is Stop.HALT:
            return None
        sample = samples[n : n + 1]
        tile_mean, tile_std = _predict_tile(network, sample, piece, device, seed, with_std=with_std)
        _store(mean[n], tile_mean, network, piece)
        if std is not None and tile_std is not None:
            _store(std[n], tile_std, network, piece)
        else:
            std = None
        yield TileDone(done, len(pieces))
    return Arrays(layout.from_samples(mean), None if std is None else layout.from_samples(std))


def _tiles(
    network: TrainedNetwork, space: tuple[int, ...], size: tuple[int, ...] | None
) -> list[Tile]:
    net = network.parts.network
    padded = tuple(n + -n % d for n, d in zip(space, net.divisor, strict=True))
    margin = network.parts.predictor.margin
    halo = (*net.halo[:-2], *(reach + margin for reach in net.halo[-2:]))
    return tiles(padded, size or _tile(len(space), margin), halo, net.divisor)


def _tile(ndim: int, margin: int) -> tuple[int, ...]:
    """Tile for a predictor with a margin; larger by more than that, for most of it is halo."""
    return (*TILE[ndim][:-2], *(side + 4 * margin for side in TILE[ndim][-2:]))


def _predict_tile(
    network: TrainedNetwork,
    sample: NDArray[np.generic],
    piece: Tile,
    device: torch.device,
    seed: int,
    *,
    with_std: bool,
) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    """Mean and standard deviation of the core of a tile, `(1, C, *core)`, in input units."""
    net, scale = network.parts.network.to(device), network.normalization
    # A slice ends at the image's border; only the padding is missing there.
    shown = scale.apply(sample[:, list(network.channels)][_last(piece.read)])
    noisy = torch.from_numpy(pad_reflected(shown, net.divisor)).to(device)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        result = network.parts.predictor.predict(net, noisy, generator, with_std=with_std)
    crop = _last(piece.crop)
    mean = scale.undo(result.mean.cpu().numpy()[crop])
    std = None if result.std is None else scale.undo_std(result.std.cpu().numpy()[crop])
    return mean, std


def _store(
    target: NDArray[np.float32], values: NDArray[np.float32], network: TrainedNetwork, piece: Tile
) -> None:
    """Put a core `(1, C, *core)` into `(C, *space)`, without the padding."""
    space = target.shape[1:]
    inside = tuple(
        slice(core.start, min(core.stop, n)) for core, n in zip(piece.core, space, strict=True)
    )
    kept = tuple(slice(0, s.stop - s.start) for s in inside)
    for row, channel in enumerate(network.channels):
        target[channel][inside] = values[0, row][kept]


def _last(slices: Slices) -> Any:
    """Index of the last axes."""
    return (..., *slices)
