"""Image layers of unusual kinds, and arrays that count what is read of them."""

from __future__ import annotations

import threading

import dask.array as da
import numpy as np
from napari.layers import Image

_COS, _SIN = np.cos(0.4), np.sin(0.4)
TURN = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, _COS, -_SIN], [0, 0, _SIN, _COS]])
AFFINE = np.array(
    [
        [1.0, 0.0, 0.0, 0.0, 3.0],
        [0.0, 0.9, 0.0, 0.0, -7.0],
        [0.0, 0.0, 1.1, 0.2, 11.0],
        [0.0, 0.0, -0.3, 0.8, 0.5],
        [0.0, 0.0, 0.0, 0.0, 1.0],
    ]
)
# Out of the plane as well: napari draws such a layer with a warning.
TILT = np.linalg.qr(np.random.default_rng(1).normal(size=(4, 4)))[0]
TILTED = {
    "rotate": TILT * np.linalg.det(TILT),
    "shear": (0.1, 0.0, -0.2, 0.1, 0.2, 0.3),
    "affine": np.vstack([np.random.default_rng(2).normal(size=(4, 5)), [0, 0, 0, 0, 1]]),
}


def odd_layer(shape=(5, 6, 40, 50), **changes):
    """4D layer, anisotropic, moved, turned, sheared, with an affine, units, labels, metadata."""
    fields = {
        "name": "odd",
        "scale": (30.0, 2.0, 0.5, 0.25),
        "translate": (60.0, -4.0, 100.0, 7.5),
        "rotate": TURN,
        "shear": (0.0, 0.0, 0.0, 0.0, 0.0, 0.3),
        "affine": AFFINE,
        "units": ("second", "micrometer", "micrometer", "micrometer"),
        "axis_labels": ("t", "z", "y", "x"),
        "metadata": {"stage": "left"},
        "contrast_limits": (10.0, 900.0),
        "gamma": 0.7,
        "colormap": "magma",
        "blending": "additive",
        "interpolation2d": "linear",
        "projection_mode": "max",
    }
    pixels = np.random.default_rng(0).integers(0, 1000, shape).astype(np.uint16)
    return Image(changes.pop("data", pixels), **{**fields, **changes})


class Counted:
    """An array that can only be sliced, and counts the pixels and slices read of it."""

    def __init__(self, array):
        self.array, self.n_pixels, self.n_reads = array, 0, 0
        self.shape, self.dtype, self.ndim = array.shape, array.dtype, array.ndim
        self.lock = threading.Lock()

    def __getitem__(self, region):
        part = np.asarray(self.array[region])
        with self.lock:
            self.n_pixels += part.size
            self.n_reads += 1
        return part


def counted_dask(array, chunks):
    """A dask array, and the counter of what it computes: whole chunks."""
    counter = Counted(array)
    return da.from_array(counter, chunks, asarray=True, fancy=False), counter
