"""What the noise of a channel means for the choice of a method."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from napari_blindspot.measure.report import CORRELATED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_blindspot.measure.report import ChannelNoise, NoiseReport

_ALIKE = 0.05  # part by which two variances may differ
_MUCH = 0.01  # part of the pixels from which saturation is worth a word
# Correlation of neighbours that `express` recognises for certain, and how far it may reach.
_CLEARLY, _FARTHEST = 0.2, 3


@dataclass(frozen=True)
class Choice:
    """What suits the noise, as fields of a Job; None for those that it leaves open."""

    method: str | None = None
    params: dict[str, Any] = field(default_factory=dict)
    dims: str | None = None


@dataclass(frozen=True)
class Remark:
    """What was found, and what to choose because of it.

    Attributes
    ----------
    found : str
        A sentence; with a choice it has a place for that, `{}`.
    choice : Choice or None
        What to choose.
    """

    found: str
    choice: Choice | None = None

    def text(self, say: Callable[[Choice], str]) -> str:
        """The sentence, the choice in the words of `say`."""
        return self.found if self.choice is None else self.found.format(say(self.choice))


def advice(noise: ChannelNoise) -> str:
    """What to do about the noise of a channel, in flags of the command line."""
    return " ".join(remark.text(in_flags) for remark in remarks(noise))


def notes(report: NoiseReport, say: Callable[[ChannelNoise], str] = advice) -> list[str]:
    """The closing sentences of each channel: advice, and where a model was given, comparison."""
    if report.before is None:
        return [say(channel) for channel in report.channels]
    pairs = zip(report.channels, report.before.channels, strict=True)
    return [f"{comparison(after, before)} {say(before)}" for after, before in pairs]


def remarks(noise: ChannelNoise) -> list[Remark]:
    """What there is to say about the noise of a channel."""
    if noise.groups is None:
        return [Remark("Too few usable pixels to tell anything about the noise.")]
    if not noise.groups.variance.max() > 0:
        return [Remark("There is no noise to remove.")]
    found = [_on_correlation(noise)]
    if noise.counts:
        found.append(Remark("The values are photon counts."))
    if noise.gain is not None and noise.gain.high < 0:
        found.append(
            Remark("The noise falls as the signal rises: the image is inverted or was processed.")
        )
    if noise.saturated >= _MUCH:
        percent = f"{100 * noise.saturated:.3g} %"
        found.append(Remark(f"{percent} of the pixels are saturated; no method restores them."))
    return found


def correlation_choice(channels: Sequence[ChannelNoise]) -> Choice | None:
    """What suits the correlated noise of all channels; None where it is independent.

    `express` has learned in its pretraining how noise over a few pixels looks; noise that reaches
    farther is hidden from a network by a pattern. Three confocal images with noise over 3 pixels
    along X had 32.1, 33.3 and 33.6 dB with `express` in 2 s, 31.0, 31.3 and 33.2 dB with
    `struct_n2v` in 41 s; over 5 pixels 26.6, 27.5 and 25.3 against 30.6, 30.3 and 33.1 dB
    (`benchmarks/shared_noise.py`).
    """
    shared = [channel for channel in channels if any(map(channel.correlated, "XY"))]
    if shared and all(map(_is_known, shared)):
        return Choice("express")
    x, y = (max((channel.correlated(axis) for channel in channels), default=0) for axis in "XY")
    return Choice("struct_n2v", _pattern(x, y)) if x or y else None


def in_flags(choice: Choice) -> str:
    """A choice as it is written on the command line; a method alone by its name."""
    flags = [f"--param {name}={value}" for name, value in choice.params.items()]
    if choice.method:
        flags.insert(0, f"--method {choice.method}" if choice.params else choice.method)
    if choice.dims:
        flags.append(f"--dims {choice.dims}")
    return " ".join(flags)


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


def _is_known(noise: ChannelNoise) -> bool:
    """Whether neighbours clearly share noise, and only near ones do."""
    nearest = max(c.lags[0] for c in noise.correlations if c.axis in "XY")
    return nearest >= _CLEARLY and max(map(noise.correlated, "XY")) <= _FARTHEST


def _on_correlation(noise: ChannelNoise) -> Remark:
    if not any(c.axis in "XY" for c in noise.correlations):
        return Remark("The image is too small to tell whether the noise is correlated.")
    choice = correlation_choice([noise])
    if choice is not None:
        along = " and ".join(axis for axis in "XY" if noise.correlated(axis))
        return Remark(
            f"The noise is correlated along {along}, {_CAUSES[along]}: most methods would keep "
            "it; use {}.",
            choice,
        )
    if noise.correlated("Z"):
        return Remark(
            f"The noise of neighbouring pixels is independent in a plane, but along Z planes have "
            f"{CORRELATED:g} or more in common: noise, or structure; {{}} is safe.",
            Choice(dims="2D"),
        )
    return Remark(
        "The noise of neighbouring pixels is independent: every method fits, {} first.",
        Choice("express"),
    )


_CAUSES = {
    "X": "as in images that are read row by row",
    "Y": "as in images that are read column by column",
    "X and Y": "as in images that were scaled, turned or compressed",
}


def _pattern(x: int, y: int) -> dict[str, Any]:
    """Parameters of `struct_n2v` that hide all neighbours up to these lags."""
    if not (x and y):
        return {"pattern": "horizontal" if x else "vertical", "length": 2 * max(x, y) + 1}
    return {"pattern": "/".join(["1" * (2 * x + 1)] * (2 * y + 1))}
