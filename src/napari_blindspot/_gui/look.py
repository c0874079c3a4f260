"""How a layer is placed and shown, kept for the layers made from it."""

from __future__ import annotations

import copy
import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image
from napari.utils.transforms import Affine

from napari_blindspot._gui.layers import KEY, spatial_fields
from napari_blindspot._gui.sampling import sample_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari.components import ViewerModel

    from napari_blindspot.io.base import Region

_PERCENTILES = (0.1, 99.9)
_OWN_COLOURS = {
    "uncertainty": {"colormap": "inferno"},
    "residual": {"colormap": "PiYG"},
}


@dataclass(frozen=True, eq=False)
class Look:
    """How a layer was placed and shown when it was asked; it outlives the layer.

    Attributes
    ----------
    name : str
        Name of the layer.
    place : dict
        Scale, translation, rotation, shear, affine, units and axis labels.
    shown : dict
        Contrast limits, gamma, colormap, interpolation, projection and blending.
    metadata : dict
        What else is known of the layer; results keep it beside the record of their making.
    """

    name: str
    place: Mapping[str, Any]
    shown: Mapping[str, Any]
    metadata: Mapping[str, Any]

    @classmethod
    def of(cls, layer: Image) -> Look:
        """The look of a layer as it is now."""
        low, high = layer.contrast_limits
        shown = {
            "contrast_limits": (float(low), float(high)),
            "gamma": float(layer.gamma),
            "colormap": copy.deepcopy(layer.colormap),
            "interpolation2d": str(layer.interpolation2d),
            "interpolation3d": str(layer.interpolation3d),
            "projection_mode": str(layer.projection_mode),
            "blending": str(layer.blending),
        }
        return cls(layer.name, spatial_fields(layer), shown, dict(layer.metadata))

    def denoised(self, title: str, record: Mapping[str, Any]) -> dict[str, Any]:
        """Fields of the denoised layer: those of the layer, so that the two can be compared.

        Parameters
        ----------
        title : str
            What made it, such as the title of a method.
        record : mapping
            How it was made, for its metadata.

        Returns
        -------
        dict
            Keyword arguments for `viewer.add_image` or `add_above`.
        """
        return self._fields(title, record, {})

    def derived(
        self, title: str, what: str, pixels: Any, record: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Fields of a layer of other values, with colours and contrast limits of its own.

        Parameters
        ----------
        title : str
            What made it, such as the title of a method.
        what : {"uncertainty", "residual"}
            What the values are. Residuals are shown symmetrically about 0.
        pixels : array-like
            The values, of which a sample is read.
        record : mapping
            How it was made, for its metadata.
        """
        low, high = limits_of(pixels)
        if what == "residual":
            high = max(abs(low), abs(high))
            low = -high
        shown = {
            **_OWN_COLOURS[what],
            "contrast_limits": (low, high),
            "gamma": 1.0,
            "blending": "translucent_no_depth",
        }
        return self._fields(f"{title} · {what}", record, shown)

    def part(self, region: Region) -> Look:
        """The look of a part of the layer, so that it lies on the layer in the world.

        Parameters
        ----------
        region : tuple of slice
            One slice per axis of the layer, counted from its first pixel; steps make the pixels
            of the part larger.
        """
        scale = np.asarray(self.place["scale"], np.float64)
        starts = np.array([span.start or 0 for span in region], np.float64)
        steps = np.array([span.step or 1 for span in region], np.float64)
        turn = Affine(
            scale=np.ones(len(scale)),
            translate=np.zeros(len(scale)),
            rotate=self.place["rotate"],
            shear=self.place["shear"],
        )
        moved = np.asarray(self.place["translate"]) + turn(starts * scale)
        place = {**self.place, "translate": moved, "scale": scale * steps}
        return dataclasses.replace(self, place=place)

    def _fields(
        self, title: str, record: Mapping[str, Any], shown: Mapping[str, Any]
    ) -> dict[str, Any]:
        return {
            "name": f"{self.name} · {title}",
            **self.place,
            **self.shown,
            **shown,
            "metadata": {**self.metadata, KEY: dict(record)},
        }


def limits_of(pixels: Any) -> tuple[float, float]:
    """Contrast limits that leave out one value in a thousand on either side; never equal.

    Parameters
    ----------
    pixels : array-like
        Values with a shape and slicing, of which a sample is read. What is not finite does not
        count.
    """
    values = sample_of(pixels)
    if not values.size:
        return 0.0, 1.0
    low, high = (float(limit) for limit in np.percentile(values, _PERCENTILES))
    if high <= low:
        low, high = float(values.min()), float(values.max())
    return (low, high) if high > low else (low, low + max(1.0, abs(low) / 1000))


def add_above(
    viewer: ViewerModel,
    source: Image | None,
    pixels: Any,
    kwargs: Mapping[str, Any],
    multiscale: bool = False,
    select: bool = False,
) -> Image:
    """Add an image directly above another one, or on top if that is gone.

    Parameters
    ----------
    viewer : ViewerModel
        The viewer.
    source : Image or None
        The layer to add it above.
    pixels : array-like or list of array-like
        Pixels, or levels from the finest on.
    kwargs : mapping
        Fields of the new layer. A name that exists already gets a number.
    multiscale : bool
        Whether `pixels` are levels.
    select : bool
        Select the new layer; what is selected stays so otherwise.

    Returns
    -------
    Image
        The new layer.
    """
    layers = viewer.layers
    selected = list(layers.selection)
    index = layers.index(source) + 1 if source in layers else len(layers)
    added = Image(pixels, multiscale=multiscale, **kwargs)
    layers.insert(index, added)
    layers.selection = [added] if select else selected
    return added
