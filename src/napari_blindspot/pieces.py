"""Tiles of a volume, each with the network that denoises it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from napari_blindspot.chance import Chance
from napari_blindspot.memory import free_bytes
from napari_blindspot.params import InputError
from napari_blindspot.series import Series
from napari_blindspot.tiling import halved, shown_to, tiles

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from napari_blindspot.axes import Layout
    from napari_blindspot.io.base import Volume
    from napari_blindspot.model import Model, TrainedNetwork
    from napari_blindspot.tiling import Slices, Tile

TILE = {2: (512, 512), 3: (32, 160, 160)}
_SMALLEST_SIDE = 64
_BYTES_PER_VALUE = 1_000  # at most, while a tile is predicted: 32 features, eight turns
ROOM = 1.2e9  # bytes that a tile may take, where that is known
_LARGEST_SIDE, _HALOS = 1024, 12  # pixels, or as many halos
_DEPTHS = (32, 48, 64, 96)  # planes of a tile


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


def pieces_of(
    model: Model,
    volume: Volume,
    layout: Layout,
    size: tuple[int, ...] | None,
    device: torch.device,
) -> list[Piece]:
    """All pieces of a volume; without a `size`, tiles suit the network and the free memory."""
    free = free_bytes(device)
    pieces = []
    for network in model.networks:
        series = Series(volume, layout, layout.in_all_repeats(network.channels))
        shape, halo, divisor = geometry(network, series.space)
        side = size or tile_for(network, shape, len(series.channels), free)
        pieces += [
            Piece(network, series, sample, each)
            for sample in range(series.n_samples)
            for each in tiles(shape, side, halo, divisor)
        ]
    return pieces


def divided(pieces: list[Piece]) -> list[Piece]:
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
    noisy = torch.from_numpy(shown_to(net, shown)).to(device)
    chance = Chance(seed, tuple(int(s.start) for s in piece.tile.read))
    with torch.no_grad():
        result = network.parts.predictor.predict(net, noisy, chance, with_std=with_std)
    crop: Any = (..., *piece.tile.crop)
    mean = scale.undo(result.mean.cpu().numpy()[crop])
    std = None if result.std is None else scale.undo_std(result.std.cpu().numpy()[crop])[0]
    return mean[0], std


def geometry(
    network: TrainedNetwork, space: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Padded shape, halo and divisor."""
    net = network.parts.network
    padded = tuple(n + -n % d for n, d in zip(space, net.divisor, strict=True))
    margin = network.parts.predictor.margin
    halo = (*net.halo[:-2], *(reach + margin for reach in net.halo[-2:]))
    return padded, halo, tuple(net.divisor)


def inside(window: Slices, space: tuple[int, ...]) -> Slices:
    """The part of a padded window that lies inside the image."""
    return tuple(slice(s.start, min(s.stop, n)) for s, n in zip(window, space, strict=True))


def tile_for(
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
        return _least_halo(space, halo, min(ROOM, free / 2) / (net.bytes_per_value * channels))
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
