"""What the noise of a channel means for the choice of a method, in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_blindspot.measure.report import CORRELATED

if TYPE_CHECKING:
    from napari_blindspot.measure.report import ChannelNoise

_ALIKE = 0.05  # part by which two variances may differ
_MUCH = 0.01  # part of the pixels from which saturation is worth a word


def advice(noise: ChannelNoise) -> str:
    """What to do about the noise of a channel."""
    if noise.groups is None:
        return "Too few usable pixels to tell anything about the noise."
    if not noise.groups.variance.max() > 0:
        return "There is no noise to remove."
    sentences = [_on_correlation(noise)]
    if noise.counts:
        sentences.append("The values are photon counts.")
    if noise.gain is not None and noise.gain.high < 0:
        sentences.append(
            "The noise falls as the signal rises: the image is inverted or was processed."
        )
    if noise.saturated >= _MUCH:
        sentences.append(
            f"{100 * noise.saturated:.3g} % of the pixels are saturated; no method restores them."
        )
    return " ".join(sentences)


def comparison(noise: ChannelNoise, before: ChannelNoise) -> str:
    """How the noise in the blind prediction compares with that seen in the image alone."""
    if noise.groups is None or before.groups is None or not before.variance > 0:
        return "There are too few pixels to compare the blind prediction with the image alone."
    ratio = noise.variance / before.variance
    percent = f"{100 * abs(ratio - 1):.0f} %"
    if abs(ratio - 1) < _ALIKE:
        return "The blind prediction and the image alone tell the same noise."
    if ratio < 1:
        return (
            f"The blind prediction leaves {percent} less noise than the image has: neighbours know "
            "a part of it, for it is correlated, or the network has learned it by heart."
        )
    if before.correlated("X") or before.correlated("Y"):
        return (
            f"The blind prediction leaves {percent} more noise than the image alone tells: "
            "correlated noise hides from the filters that see the image alone, or structure is "
            "left that the network has not learned."
        )
    return (
        f"The blind prediction leaves {percent} more than the noise of the image: structure that "
        "the network has not learned. Train longer, or trust the image alone."
    )


def _on_correlation(noise: ChannelNoise) -> str:
    if not any(c.axis in "XY" for c in noise.correlations):
        return "The image is too small to tell whether the noise is correlated."
    reach = {axis: noise.correlated(axis) for axis in "XYZ"}
    if reach["X"] or reach["Y"]:
        along = " and ".join(axis for axis in "XY" if reach[axis])
        return (
            f"The noise is correlated along {along}: most methods would keep it; use "
            f"--method struct_n2v {_pattern(reach['X'], reach['Y'])}."
        )
    if reach["Z"]:
        return (
            f"The noise of neighbouring pixels is independent in a plane, but along Z planes have "
            f"{CORRELATED:g} or more in common: noise, or structure; --dims 2D is safe."
        )
    return "The noise of neighbouring pixels is independent: every method fits, express first."


def _pattern(x: int, y: int) -> str:
    """Parameters of `struct_n2v` that hide all neighbours up to these lags."""
    if not (x and y):
        name = "horizontal" if x else "vertical"
        return f"--param pattern={name} --param length={2 * max(x, y) + 1}"
    return f"--param pattern={'/'.join(['1' * (2 * x + 1)] * (2 * y + 1))}"
