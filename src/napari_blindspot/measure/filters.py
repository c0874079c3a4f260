"""High-pass filters that see noise and hardly structure, and what lies around them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_SHORTEST = 7  # axes shorter than this are not filtered along


@dataclass(frozen=True)
class Filtered:
    """Every pixel's high-pass value, its signal, and the pixels around, all `(N,)`.

    Attributes
    ----------
    squared : ndarray
        Square of the high-pass value: the variance of white noise plus that of structure.
    signal : ndarray
        Mean of the pixels in the filter, weighted as their noise counts in `squared`.
    level, spread : ndarray
        Mean and variance of the ring around the filter. They share no pixel with it, so choosing
        pixels by them does not select the noise in `squared`.
    index : ndarray of int
        Where the pixels lie in the flattened planes.
    """

    squared: Floats
    signal: Floats
    level: Floats
    spread: Floats
    index: NDArray[np.intp]


def kernel(order: int, n_axes: int) -> Floats:
    """Weights of a high-pass filter of unit energy along `n_axes` axes.

    Order 1 is a pixel less the mean of its direct neighbours, which uses all that they know; a
    higher order is the product of differences of that order along each axis.
    """
    if order == 1:
        weights = np.full((3,) * n_axes, -1.0)
        weights[(1,) * n_axes] = 3.0**n_axes - 1
    else:
        line = np.ones(1)
        for _ in range(order):
            line = np.convolve(line, [1.0, -1.0])
        weights = line if n_axes == 1 else np.multiply.outer(line, line)
    unit: Floats = weights / np.linalg.norm(weights)
    return unit


def active_axes(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Axes of planes `(L, Y, X)` that are long enough to filter along."""
    return tuple(axis for axis in (1, 2) if shape[axis] >= _SHORTEST)


def reach(order: int) -> int:
    """Pixels from the centre to the edge of the core of a filter."""
    return (order + 1) // 2


def spatial(
    planes: Floats, good: NDArray[np.bool_], order: int, widths: Sequence[int]
) -> Iterator[Filtered]:
    """Planes `(L, Y, X)` through a high-pass filter, with rings of several widths around it."""
    axes = active_axes(planes.shape)
    passed = _apply(planes, order, axes, squared=False) ** 2
    signal = _apply(planes, order, axes, squared=True)
    for width in widths:
        yield _collect(passed, signal, planes, good, (reach(order), width))


def temporal(planes: Floats, good: NDArray[np.bool_], width: int) -> Filtered:
    """Differences of successive planes; structure that does not move is not in them."""
    pairs = (planes[1:] + planes[:-1]) / 2
    squared = (planes[1:] - planes[:-1]) ** 2 / 2
    return _collect(squared, pairs, pairs, good[1:] & good[:-1], (1, width))


def _collect(
    squared: Floats,
    signal: Floats,
    planes: Floats,
    good: NDArray[np.bool_],
    extent: tuple[int, int],
) -> Filtered:
    axes = active_axes(planes.shape)
    core, ring = extent[0], sum(extent)
    level, spread = around(planes, axes, core, ring)
    if good.all():
        kept = np.ones_like(good)
    else:
        kept = ndimage.minimum_filter(good, _size(axes, ring), mode="constant", cval=True)
    for axis in axes:
        border = min(ring, (planes.shape[axis] - 1) // 2)
        np.moveaxis(kept, axis, 0)[:border] = False
        np.moveaxis(kept, axis, 0)[planes.shape[axis] - border :] = False
    index = np.flatnonzero(kept)
    kept_values = [a.ravel()[index] for a in (squared, signal, level, spread)]
    return Filtered(kept_values[0], kept_values[1], kept_values[2], kept_values[3], index)


def _apply(planes: Floats, order: int, axes: tuple[int, ...], *, squared: bool) -> Floats:
    """Planes through the filter or, with `squared`, through the squares of its weights."""
    if not axes:
        return planes if squared else planes * 0
    if order == 1:
        weights = kernel(1, len(axes))
        edge, centre = (w**2 if squared else w for w in (weights.flat[0], weights.max()))
        boxes = weights.size * ndimage.uniform_filter(planes, _size(axes, 1), mode="reflect")
        return np.asarray(edge * boxes + (centre - edge) * planes)
    line = kernel(order, 1)
    for axis in axes:
        planes = ndimage.convolve1d(planes, line**2 if squared else line, axis, mode="reflect")
    return planes


def around(planes: Floats, axes: tuple[int, ...], core: int, ring: int) -> tuple[Floats, Floats]:
    """Mean and variance over a box of radius `ring` less its core of radius `core`."""
    inner, outer = _size(axes, core), _size(axes, ring)
    n_inner, n_outer = np.prod(inner), np.prod(outer)

    def mean(values: Floats) -> Floats:
        total = n_outer * ndimage.uniform_filter(values, outer, mode="reflect")
        total -= n_inner * ndimage.uniform_filter(values, inner, mode="reflect")
        return np.asarray(total / (n_outer - n_inner))

    # Squares of values far from zero would lose the variance to rounding.
    centre = float(planes.mean())
    level = mean(planes - centre)
    return level + centre, mean((planes - centre) ** 2) - level**2


def _size(axes: tuple[int, ...], radius: int) -> tuple[int, ...]:
    return tuple(2 * radius + 1 if axis in axes else 1 for axis in range(3))


def noise_gain(order: int, axes: tuple[int, ...], correlation: dict[int, Floats]) -> float:
    """Variance behind the filter over the variance before it, for correlated noise.

    `correlation` has, for each axis, the correlations at lags 0, 1, 2...; across the axes they
    are multiplied.
    """
    if not axes:
        return 1.0
    weights = kernel(order, len(axes))
    lags = np.abs(np.subtract.outer(np.arange(len(weights)), np.arange(len(weights))))
    between: Floats = np.ones((1, 1))
    for axis in axes:
        rho = np.zeros(len(weights))
        rho[0] = 1.0
        given = correlation.get(axis, rho)[: len(weights)]
        rho[: len(given)] = given
        between = np.asarray(np.kron(between, rho[lags]), np.float64)
    return float(weights.ravel() @ between @ weights.ravel())
