"""Variance stabilisation for Poisson-Gaussian noise, with the noise read off the noisy image.

The law is ``variance = gain * signal + offset``; without light and read noise the offset is
``read_noise**2 - gain * black_level``. Only these two numbers enter the transform and its inverse.

References
----------
M. Mäkitalo and A. Foi, "Optimal inversion of the generalized Anscombe transformation for
Poisson-Gaussian noise", IEEE Trans. Image Process. 22 (2013) 91-103.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Image = NDArray[np.float64]


@dataclass(frozen=True)
class Law:
    """variance = gain * signal + offset, in grey values."""

    gain: float
    offset: float

    def stabilise(self, noisy: Image) -> Image:
        """Image whose noise has a standard deviation near 1 everywhere."""
        if self.gain == 0:
            return noisy / np.sqrt(self.offset)
        inside = self.gain * noisy + 0.375 * self.gain**2 + self.offset
        return 2 / self.gain * np.sqrt(np.maximum(inside, 0.0))

    def invert(self, stable: Image) -> Image:
        """Mean grey value whose stabilised noisy values have the mean `stable`.

        The closed-form approximation of the exact unbiased inverse.
        """
        if self.gain == 0:
            return stable * np.sqrt(self.offset)
        d = np.maximum(stable, 2 * np.sqrt(0.375))  # below: no light at all
        photons = (
            d**2 / 4 + np.sqrt(1.5) / 4 / d - 11 / 8 / d**2 + 5 / 8 * np.sqrt(1.5) / d**3 - 1 / 8
        )
        return self.gain * photons - self.offset / self.gain


def estimate_law(noisy: Image) -> Law:
    """Noise law of one noisy image `(Y, X)`.

    The image is high-passed; of the pixels of about equal local mean, the half where the smoothed
    image is flattest tells the variance at that mean. A line is fitted to these variances.
    """
    signal, variance, count = _variance_per_level(noisy)
    floor = 0.05 * float(np.average(variance, weights=count))
    fitted = variance
    for _ in range(10):
        # The standard error of a variance is proportional to the variance. Levels that structure
        # has spoilt lie above the line and count less.
        trust = np.sqrt(count) / np.maximum(fitted, floor)
        trust = np.where(variance > 1.3 * np.maximum(fitted, floor), trust / 3, trust)
        gain, offset = np.polyfit(signal, variance, 1, w=trust)
        fitted = gain * signal + offset
    if gain <= 0:
        return Law(0.0, max(float(np.average(variance, weights=count)), 1e-6))
    return Law(float(gain), float(offset))


def _variance_per_level(noisy: Image) -> tuple[Image, Image, Image]:
    """Mean, noise variance and number of pixels for levels of equal width in sqrt(local mean)."""
    kernel = np.outer([1, -2, 1], [1, -2, 1]) / 6  # unit gain for white noise
    residual = ndimage.convolve(noisy, kernel)
    # The pixels that made the residual, with the weights that they have in its variance: only
    # this mean and the variance belong together where the image is curved.
    local = ndimage.convolve(noisy, kernel**2)
    smooth = ndimage.convolve(noisy, _ring())  # of other pixels: their noise is independent
    slope = ndimage.gaussian_gradient_magnitude(noisy, 2.0)
    root = np.sqrt(smooth - smooth.min())
    level = np.minimum((64 * root / root.max()).astype(int), 63)
    rows = [
        _level_variance(residual[here], local[here], slope[here])
        for here in (level == index for index in range(64))
        if np.count_nonzero(here) >= 200
    ]
    signal, variance, count = np.array(rows).T
    return signal, variance, count


def _ring() -> Image:
    """Gaussian weights of the surroundings of a pixel, without its nearest neighbours."""
    point = np.zeros((17, 17))
    point[8, 8] = 1.0
    weights = ndimage.gaussian_filter(point, 2.0)
    weights[7:10, 7:10] = 0.0
    return np.asarray(weights / weights.sum())


def _level_variance(residual: Image, local: Image, slope: Image) -> tuple[float, float, float]:
    flat = slope <= np.median(slope)
    values = residual[flat]
    for _ in range(3):
        values = values[np.abs(values) <= 5 * values.std() + 1e-12]
    return float(local[flat].mean()), float(values.var()), float(values.size)
