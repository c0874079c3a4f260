"""Simulated microscopy: clean scenes in photons, and a camera that adds Poisson-Gaussian noise.

A scene is a clean image in photons per pixel; `Camera.expose` turns it into grey values.
Everything random comes from a `numpy.random.Generator`: the same seed gives the same pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_blindspot._shapes import Cells, Floats, chromatin, splat, walk
from napari_blindspot.params import InputError

Photons = NDArray[np.float32]


@dataclass(frozen=True)
class Camera:
    """A camera or photon detector: Poisson photons, a gain, an offset, Gaussian read noise.

    Attributes
    ----------
    gain : float
        Grey values per photon.
    offset : float
        Grey value without light.
    read_noise : float
        Standard deviation of the read noise in grey values.
    dtype : str
        An unsigned integer type of numpy.
    saturation : int or None
        Largest grey value; None for the largest of `dtype`.

    Notes
    -----
    A grey value is ``round(gain * Poisson(photons) + offset + Normal(0, read_noise))``, clipped to
    0 ... `saturation`. Where nothing is clipped, its mean is ``signal = gain * photons + offset``
    and its variance ``gain * (signal - offset) + read_noise**2 + 1/12``, all in grey values; 1/12
    comes from the rounding.
    """

    gain: float = 1.0
    offset: float = 100.0
    read_noise: float = 2.0
    dtype: str = "uint16"
    saturation: int | None = None

    def __post_init__(self) -> None:
        if self.gain <= 0:
            raise InputError(f"gain={self.gain} is not allowed; use a number above 0.")
        if self.read_noise < 0:
            raise InputError(f"read_noise={self.read_noise} is not allowed; use 0 or more.")
        if np.dtype(self.dtype).kind != "u":
            raise InputError(f"dtype={self.dtype!r} is not allowed; use uint8, uint16 or uint32.")
        if self.saturation is not None and not 0 < self.saturation <= np.iinfo(self.dtype).max:
            raise InputError(
                f"saturation={self.saturation} does not fit {self.dtype}; "
                f"use 1 to {np.iinfo(self.dtype).max}."
            )

    def expected(self, photons: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Mean grey value of each pixel for `photons` of any shape, neither rounded nor clipped."""
        return (self.gain * photons.astype(np.float64) + self.offset).astype(np.float32)

    def variance(self, photons: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Variance of each grey value (squared grey values) where nothing is clipped."""
        shot = self.gain**2 * photons.astype(np.float64)
        return (shot + self.read_noise**2 + 1 / 12).astype(np.float32)

    def expose(
        self, photons: NDArray[np.floating[Any]], rng: np.random.Generator
    ) -> NDArray[np.unsignedinteger[Any]]:
        """One noisy image of the clean image `photons` (any shape), of type `dtype`."""
        grey = float(self.gain) * rng.poisson(photons.astype(np.float64)) + self.offset
        grey += rng.normal(0.0, self.read_noise, photons.shape)
        largest = np.iinfo(self.dtype).max if self.saturation is None else self.saturation
        noisy: NDArray[np.unsignedinteger[Any]] = np.rint(grey).clip(0, largest).astype(self.dtype)
        return noisy


def nuclei(
    shape: Sequence[int],
    rng: np.random.Generator,
    *,
    peak: float = 100.0,
    background: float = 2.0,
    radius: float = 8.0,
    coverage: float = 0.25,
) -> Photons:
    """Textured cell nuclei, in 2D or 3D.

    Parameters
    ----------
    shape : sequence of int
        `(Y, X)` or `(Z, Y, X)`.
    rng : numpy.random.Generator
        Source of all randomness.
    peak, background : float
        Photons in the brightest pixel (background included), and where there is nothing.
    radius : float
        Mean radius in pixels; single nuclei differ by about a quarter.
    coverage : float
        Summed size of all nuclei as a fraction of the image; they may overlap.

    Returns
    -------
    ndarray of float32
        Photons per pixel, of shape `shape`.

    Raises
    ------
    InputError
        If `shape` is neither 2D nor 3D, or `peak` does not exceed `background`.
    """
    _check(shape, peak, background)
    extent = np.asarray(shape, np.float64)
    cells = Cells.random(extent, radius, coverage, rng)
    density = cells.draw(shape, np.ones(len(shape)), chromatin(len(shape), rng))
    return _in_photons(ndimage.gaussian_filter(density, 1.0), peak, background)


def filaments(
    shape: Sequence[int],
    rng: np.random.Generator,
    *,
    peak: float = 100.0,
    background: float = 2.0,
    count: int = 30,
    sigma: float = 1.2,
) -> Photons:
    """Long, gently bent filaments, in 2D or 3D.

    Parameters
    ----------
    shape : sequence of int
        `(Y, X)` or `(Z, Y, X)`.
    rng : numpy.random.Generator
        Source of all randomness.
    peak, background : float
        Photons in the brightest pixel (background included), and where there is nothing.
    count : int
        Number of filaments.
    sigma : float
        Standard deviation of the Gaussian PSF that widens the filaments, in pixels.

    Returns
    -------
    ndarray of float32
        Photons per pixel, of shape `shape`.

    Raises
    ------
    InputError
        If `shape` is neither 2D nor 3D, or `peak` does not exceed `background`.
    """
    _check(shape, peak, background)
    points = walk(shape, count, rng)
    brightness = rng.uniform(0.4, 1.0, count)
    density = ndimage.gaussian_filter(splat(points, brightness, shape), sigma)
    return _in_photons(density, peak, background)


def planaria(
    shape: Sequence[int],
    rng: np.random.Generator,
    *,
    peak: float = 60.0,
    background: float = 2.0,
    scale_um: Sequence[float] = (2.0, 0.5, 0.5),
) -> Photons:
    """Crowded nuclei in thick tissue, like a flatworm: deep planes are dimmer and blurrier.

    Parameters
    ----------
    shape : sequence of int
        `(Z, Y, X)`; plane 0 is next to the objective.
    rng : numpy.random.Generator
        Source of all randomness.
    peak, background : float
        Photons in the brightest pixel (background included), and where there is nothing.
    scale_um : sequence of float
        Size of a voxel along Z, Y and X in µm.

    Returns
    -------
    ndarray of float32
        Photons per voxel, of shape `shape`.

    Raises
    ------
    InputError
        If `shape` is not 3D, or `peak` does not exceed `background`.

    Notes
    -----
    Through the depth of the stack the light falls to a fifth, and the standard deviation of the
    lateral PSF grows from 0.5 to 1.2 µm. A tenth of the light is spread as haze.
    """
    if len(shape) != 3:
        raise InputError(f"shape={tuple(shape)} is not allowed; use (Z, Y, X).")
    _check(shape, peak, background)
    voxel_um = np.asarray(scale_um, np.float64)
    cells = Cells.random(voxel_um * shape, 3.5, 0.6, rng)
    density = cells.draw(shape, voxel_um, chromatin(3, rng))
    depth = np.linspace(0.0, 1.0, shape[0])
    blurred = ndimage.gaussian_filter1d(density, 1.4 / voxel_um[0], axis=0)
    planes = [
        ndimage.gaussian_filter(plane, (0.5 + 0.7 * d) / voxel_um[1:])
        for plane, d in zip(blurred, depth, strict=True)
    ]
    seen = np.stack(planes) * (0.2**depth)[:, None, None]
    haze = ndimage.gaussian_filter(seen, 6.0 / voxel_um)
    return _in_photons(0.9 * seen + 0.1 * haze, peak, background)


def timelapse(
    shape: Sequence[int],
    rng: np.random.Generator,
    *,
    peak: float = 40.0,
    background: float = 2.0,
) -> Photons:
    """Drifting nuclei (channel 0) and swaying filaments (channel 1).

    Parameters
    ----------
    shape : sequence of int
        `(T, Y, X)`.
    rng : numpy.random.Generator
        Source of all randomness.
    peak, background : float
        Photons in the brightest pixel of a channel (background included), and where there is
        nothing.

    Returns
    -------
    ndarray of float32
        Photons per pixel, of shape `(T, 2, Y, X)`.

    Raises
    ------
    InputError
        If `shape` does not have three axes, or `peak` does not exceed `background`.
    """
    if len(shape) != 3:
        raise InputError(f"shape={tuple(shape)} is not allowed; use (T, Y, X).")
    _check(shape, peak, background)
    frames, plane = shape[0], shape[1:]
    channels = (_drifting(frames, plane, rng), _swaying(frames, plane, rng))
    photons = [_in_photons(channel, peak, background) for channel in channels]
    return np.stack(photons, axis=1)


def blur(photons: NDArray[np.floating[Any]], sigma: float | Sequence[float]) -> Photons:
    """`photons` through a Gaussian PSF with standard deviation `sigma` (pixels, one or per axis).

    The borders are mirrored, so that the mean is kept.
    """
    blurred = ndimage.gaussian_filter(photons.astype(np.float64), sigma)
    return np.asarray(blurred, np.float32)


def _drifting(frames: int, plane: Sequence[int], rng: np.random.Generator) -> Floats:
    """Densities `(T, Y, X)` of nuclei with a velocity of their own, about a pixel per frame."""
    cells = Cells.random(np.asarray(plane, np.float64), 8.0, 0.3, rng)
    velocity = rng.normal(0.0, 0.8, cells.centres.shape)
    texture = chromatin(2, rng)
    moved = [replace(cells, centres=cells.centres + t * velocity) for t in range(frames)]
    drawn = [cell.draw(plane, np.ones(2), texture) for cell in moved]
    return np.stack([ndimage.gaussian_filter(density, 1.0) for density in drawn])


def _swaying(frames: int, plane: Sequence[int], rng: np.random.Generator) -> Floats:
    """Densities `(T, Y, X)` of filaments that sway by up to three pixels."""
    points = walk(plane, 14, rng)
    brightness = rng.uniform(0.4, 1.0, len(points))
    phase = rng.uniform(0.0, 2 * np.pi, (len(points), 1, 2))
    densities = []
    for t in range(frames):
        sway = 3.0 * np.sin(2 * np.pi * (t / 16 + points[..., ::-1] / 90) + phase)
        densities.append(ndimage.gaussian_filter(splat(points + sway, brightness, plane), 1.2))
    return np.stack(densities)


def _in_photons(density: Floats, peak: float, background: float) -> Photons:
    """`density` scaled so that nothing is `background` and its maximum `peak`."""
    scaled = background + (peak - background) / max(float(density.max()), 1e-12) * density
    return scaled.astype(np.float32)


def _check(shape: Sequence[int], peak: float, background: float) -> None:
    if len(shape) not in (2, 3) or min(shape) < 1:
        raise InputError(f"shape={tuple(shape)} is not allowed; use two or three sizes above 0.")
    if not 0 <= background < peak:
        raise InputError(
            f"peak={peak} and background={background} do not fit; use 0 <= background < peak."
        )
