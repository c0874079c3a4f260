"""Where the pixels of a layer lie in the world, in the units of the viewer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.layers import Layer
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False)
class Place:
    """The way from positions in the world to positions in the pixels of a layer.

    Attributes
    ----------
    linear : ndarray
        Matrix `(N, N)` from pixels to the layer's own units.
    origin : ndarray
        Position `(N,)` of the first pixel in those units.
    factors : ndarray
        Number of the layer's units `(N,)` in one unit of the world.
    """

    linear: NDArray[np.float64]
    origin: NDArray[np.float64]
    factors: NDArray[np.float64]

    @classmethod
    def of(cls, layer: Layer, world_units: Sequence[Any] | None = None) -> Place:
        """The place of a layer.

        Parameters
        ----------
        layer : Layer
            Any layer.
        world_units : sequence of pint.Unit, optional
            Units of the world's axes, of which the last are those of the layer. Where they are
            not known, or are of another kind than the layer's, nothing is converted.
        """
        origin = np.asarray(layer.data_to_world(np.zeros(layer.ndim)), np.float64)
        ends = [layer.data_to_world(unit) for unit in np.eye(layer.ndim)]
        factors = _factors(tuple(world_units or ()), tuple(layer.units))
        return cls(np.transpose(np.array(ends) - origin), origin, factors)

    def world(self, pixels: ArrayLike) -> NDArray[np.float64]:
        """Positions `(..., N)` of pixels in the world."""
        own = np.asarray(pixels, np.float64) @ self.linear.T + self.origin
        return np.asarray(own / self.factors)

    def plane(self, axes: Sequence[int], world: ArrayLike) -> NDArray[np.float64]:
        """Pixels `(..., n)` along some axes at positions in the world along the same axes.

        What turns or shears them into other axes is left out, as napari does when it draws.
        """
        chosen = list(axes)
        own = np.asarray(world, np.float64) * self.factors[chosen] - self.origin[chosen]
        return own @ np.linalg.inv(self.linear[np.ix_(chosen, chosen)]).T

    def section(self, axes: Sequence[int], world: ArrayLike) -> NDArray[np.float64]:
        """Pixels `(n,)` along axes that a section at a position in the world goes through.

        Unlike `plane` this is what napari does for axes that it does not draw.
        """
        chosen = list(axes)
        inverse = np.linalg.inv(self.linear)
        own = np.asarray(world, np.float64) * self.factors[chosen]
        moved = inverse[np.ix_(chosen, chosen)] @ own - (inverse @ self.origin)[chosen]
        return np.asarray(moved)


def _factors(world: tuple[Any, ...], own: tuple[Any, ...]) -> NDArray[np.float64]:
    """Number of a layer's units in one unit of the world, for each axis of the layer."""
    convert = pint.application_registry.convert
    factors = np.ones(len(own))
    for place in range(-min(len(world), len(own)), 0):
        try:
            factors[place] = float(convert(1.0, world[place], own[place]))
        except pint.DimensionalityError:
            return np.ones(len(own))
    return factors
