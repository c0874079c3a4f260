"""Correlation of the noise between neighbours, told from that of the signal.

Small patches are seen by their cosine spectra. Structure has its power at low frequencies and in
some patches, noise has it at all frequencies and everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_blindspot.measure.law import Planes

    Floats = NDArray[np.float64]

LAGS = 5
_SOLVED = 8  # lags that the spectrum is fitted with
_PATCH = 16
_FEWEST = 24  # patches
_MOST = 1 << 14
_FLATTEST = 0.25  # part of the patches that the spectrum is taken from
_START = 0.75  # of the highest frequency: from here on there is noise only
_LOWEST = 4  # frequency below which patches hold structure in nearly every image
_TOLERANCE = 0.1  # by which structure may exceed the expected spectrum
_BACK = 2  # frequencies given up where structure begins
_ALIKE = 0.03  # variance between patches up to which what they hold is noise
_PRIOR, _DECAY = 0.5, 2.0  # expected size of a correlation, and the lags over which it falls off
_RESAMPLES = 30
_FRAMES = 4  # time points, fewest that tell structure from correlation in time
_PLACES = 4  # runs of planes, fewest


@dataclass(frozen=True)
class Correlation:
    """Correlation of the noise along one axis.

    Attributes
    ----------
    axis : str
        X, Y, Z or T.
    lags : tuple of float
        Correlation at lags 1, 2... up to 5.
    errors : tuple of float
        Their standard errors by chance alone.
    """

    axis: str
    lags: tuple[float, ...]
    errors: tuple[float, ...]


@dataclass(frozen=True)
class _Spectra:
    """Power of each patch `(N, P, P)` in units of the patch's own expected noise."""

    power: Floats

    @property
    def radius(self) -> NDArray[np.intp]:
        return np.asarray(np.indices(self.power.shape[1:]).max(0))

    @property
    def odd(self) -> NDArray[np.bool_]:
        return np.asarray(np.indices(self.power.shape[1:]).sum(0) % 2 == 1)


def in_plane(runs: Sequence[Planes], gain: float, offset: float) -> list[Correlation]:
    """Correlation of the noise along X and Y; empty where the image is too small.

    Parameters
    ----------
    runs : sequence of Planes
        What is looked at.
    gain, offset : float
        Approximate noise law, for the ratio of the noise in bright and dark patches.

    Notes
    -----
    The flattest quarter of the patches is chosen by every second frequency and measured by the
    others, and the other way round: the choice takes no part in what is measured. From the
    highest frequencies on, the spectrum that noise with correlations up to lag 8 would have is
    fitted and continued to the next lower frequency, for as long as the data follow. Where they
    exceed it, structure begins, unless they do so at high frequencies and all patches have the
    same power down to low ones: then it is noise all the same.
    """
    patches, _ = cut(runs)
    if patches is None or len(patches) < _FEWEST:
        return []
    spectra = _Spectra(_scaled(patches, gain, offset))
    kept = _flattest(spectra)
    spectrum = _mean(spectra, kept)
    lowest = _cut_off(spectrum, spectra, min(len(k) for k in kept))
    rho = _solve(spectrum, lowest, min(len(k) for k in kept))[0]
    rng = np.random.default_rng(0)
    draws = [
        _solve(
            _mean(spectra, (rng.choice(kept[0], len(kept[0])), rng.choice(kept[1], len(kept[1])))),
            lowest,
            len(kept[0]),
        )[0]
        for _ in range(_RESAMPLES)
    ]
    error = np.std(draws, axis=0)
    return [
        Correlation("X", _lags(rho[0, 1 : LAGS + 1]), _lags(error[0, 1 : LAGS + 1])),
        Correlation("Y", _lags(rho[1 : LAGS + 1, 0]), _lags(error[1 : LAGS + 1, 0])),
    ]


def _lags(values: Floats) -> tuple[float, ...]:
    return tuple(float(v) for v in values)


def cut(runs: Sequence[Planes]) -> tuple[Floats | None, Floats | None]:
    """Patches without unusable pixels, as `(N, P, P)`, and as runs of planes `(N, L, P, P)`."""
    found = [p for run in runs if (p := _cut(run)) is not None and len(p)]
    if not found:
        return None, None
    length = min(p.shape[1] for p in found)
    stacked = np.concatenate([p[:, :length] for p in found])
    single = np.concatenate([p.reshape(-1, *p.shape[2:]) for p in found])
    step = -(-len(single) // _MOST)
    deep = -(-len(stacked) * length // _MOST)
    return single[::step], stacked[::deep]


def _cut(run: Planes) -> Floats | None:
    if min(run.values.shape[1:]) < _PATCH:
        return None
    # Single planes are cut with overlap: more places, of which the flattest are flatter.
    step = _PATCH // 2 if len(run.values) == 1 else _PATCH
    usable = _windows(run.good, step).all((0, 3, 4))
    windows: Floats = _windows(run.values, step)[:, usable]
    return windows.swapaxes(0, 1)


def _windows(planes: NDArray[Any], step: int) -> NDArray[Any]:
    windows = np.lib.stride_tricks.sliding_window_view(planes, (_PATCH, _PATCH), axis=(1, 2))
    return np.asarray(windows[:, ::step, ::step])


def _scaled(patches: Floats, gain: float, offset: float) -> Floats:
    from scipy.fft import dctn

    level = patches.mean((1, 2))
    noise = gain * level + offset
    noise = np.maximum(noise, 0.1 * max(float(np.median(noise)), np.finfo(float).tiny))
    return np.asarray(dctn(patches, axes=(1, 2), norm="ortho") ** 2 / noise[:, None, None])


def _halves(spectra: _Spectra) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    return spectra.odd, ~spectra.odd & (spectra.radius > 0)


def _flattest(spectra: _Spectra) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Patches to measure the even frequencies on, chosen by the odd ones, and the reverse."""
    odd, even = _halves(spectra)
    count = max(int(_FLATTEST * len(spectra.power)), min(_FEWEST, len(spectra.power)))
    scale = np.maximum(np.median(spectra.power, 0), np.finfo(float).tiny)
    kept = (np.arange(len(spectra.power)),) * 2
    for _ in range(3):
        excess = [(spectra.power[:, half] / scale[half]).mean(1) for half in (odd, even)]
        kept = tuple(np.argsort(e)[:count] for e in excess)  # type: ignore[assignment]
        scale = np.maximum(_mean(spectra, kept), np.finfo(float).tiny)
    return kept


def _mean(spectra: _Spectra, kept: tuple[NDArray[np.intp], NDArray[np.intp]]) -> Floats:
    odd, even = _halves(spectra)
    mean = np.ones(spectra.power.shape[1:])
    mean[even] = spectra.power[kept[0]][:, even].mean(0)
    mean[odd] = spectra.power[kept[1]][:, odd].mean(0)
    return mean


def _cut_off(spectrum: Floats, spectra: _Spectra, count: int) -> int:
    """Lowest frequency at which there is noise only."""
    radius = spectra.radius
    for lowest in range(int(_PATCH * _START), 1, -1):
        expected = _solve(spectrum, lowest, count)[1]
        ring = radius == lowest - 1
        excess = float((spectrum[ring] / np.maximum(expected[ring], 1e-3 * spectrum[ring])).mean())
        if excess > 1 + _TOLERANCE + 2 * np.sqrt(2 / count / ring.sum()):
            if lowest > _PATCH // 2 and _are_alike(spectra, lowest):
                return _LOWEST
            # The last steps before structure was noticed have followed its beginning.
            return lowest if lowest <= _LOWEST else min(lowest + _BACK, int(_PATCH * _START))
    return 2


def _are_alike(spectra: _Spectra, below: int) -> bool:
    """Whether patches differ in power no more than noise does, from `below` down."""
    radius, odd = spectra.radius, spectra.odd
    size = np.sqrt(2 / len(spectra.power))
    for ring in range(_LOWEST - 1, below):
        halves = [spectra.power[:, (radius == ring) & h].mean(1) for h in (odd, ~odd)]
        total = sum(halves)
        usual = total <= np.quantile(total, 0.98)
        first, second = (h[usual] / h[usual].mean() for h in halves)
        if np.cov(first, second)[0, 1] > _ALIKE + size / ring:
            return False
    return True


def _solve(spectrum: Floats, lowest: int, count: int) -> tuple[Floats, Floats]:
    """Correlations `(K + 1, K + 1)` along Y and X, and the spectrum that they give."""
    radius = np.maximum(*np.indices(spectrum.shape))
    used = (radius >= lowest).ravel()
    model = _MODEL[used]
    power = spectrum.ravel()
    error = power[used] * np.sqrt(2 / count + 0.02**2) + np.finfo(float).tiny
    prior = _PRIOR * np.exp(-np.hypot(*np.indices((_SOLVED + 1,) * 2)) / _DECAY).ravel()
    weights = 1 / (prior * max(power[used].mean(), np.finfo(float).tiny)) ** 2
    weights[0] = 0.0
    scaled = model / error[:, None]
    left = scaled.T @ scaled + np.diag(weights)
    found = np.linalg.solve(left, scaled.T @ (power[used] / error))
    # Noise that spans more pixels than the lags can leave a variance below the covariances.
    rho = found.reshape(_SOLVED + 1, _SOLVED + 1) / max(np.abs(found).max(), np.finfo(float).tiny)
    return rho, (_MODEL @ found).reshape(spectrum.shape)


def _cosine_model() -> Floats:
    """Mean power at each frequency `(P * P, (K + 1)**2)` for each covariance along Y and X."""
    place = np.arange(_PATCH)
    waves = np.cos(np.pi * (place + 0.5) * place[:, None] / _PATCH) * np.sqrt(2 / _PATCH)
    waves[0] /= np.sqrt(2)
    products: list[Any] = [
        (waves[:, : _PATCH - lag] * waves[:, lag:]).sum(1) * (2 if lag else 1)
        for lag in range(_SOLVED + 1)
    ]
    line = np.stack(products, 1)
    model: Floats = np.einsum("ua,vb->uvab", line, line).reshape(_PATCH**2, -1)
    return model


_MODEL = _cosine_model()


def between_planes(
    runs: Sequence[Planes], axis: str, gain: float, offset: float
) -> list[Correlation]:
    """Correlation of the noise between successive planes; empty where there are too few.

    Notes
    -----
    Only the highest frequencies of the flattest patches are compared: structure is alike in
    neighbouring planes, and would pass for correlated noise. In time the mean is taken off, too.
    """
    _, stacked = cut(runs)
    from scipy.fft import dctn

    fewest = _FRAMES if axis == "T" else 2
    if stacked is None or stacked.shape[1] < fewest or len(stacked) < _PLACES:
        return []
    n, length = stacked.shape[:2]
    spectra = _Spectra(_scaled(stacked.reshape(-1, _PATCH, _PATCH), gain, offset))
    used = (spectra.radius >= int(_PATCH * _START)) & ~spectra.odd
    choosing = spectra.odd | (spectra.radius < int(_PATCH * _START))
    scale = np.maximum(np.median(spectra.power, 0), np.finfo(float).tiny)
    excess = (spectra.power / scale)[:, choosing].mean(1).reshape(n, length).mean(1)
    chosen = stacked[np.argsort(excess)[: max(int(_FLATTEST * n), _PLACES)]]
    waves = dctn(chosen, axes=(2, 3), norm="ortho")[:, :, used]
    lags = range(1, min(LAGS, length - 1) + 1)
    lost: Any = 0.0
    if axis == "T":
        # What stays is structure; with its mean, noise loses a part that is known if it is white.
        waves = waves - waves.mean(1, keepdims=True)
        lost = (waves**2).mean((1, 2)) / (length - 1)
    power = (waves**2).mean((1, 2)) + lost
    products = [(waves[:, :-lag] * waves[:, lag:]).mean((1, 2)) + lost for lag in lags]
    total = max(float(power.mean()), np.finfo(float).tiny)
    values = [float(p.mean()) / total for p in products]
    errors = [
        float(np.std(p - v * power) / np.sqrt(len(power)) / total)
        for p, v in zip(products, values, strict=True)
    ]
    return [Correlation(axis, tuple(values), tuple(errors))]
