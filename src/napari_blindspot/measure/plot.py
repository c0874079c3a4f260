"""The noise report as a picture: variance against signal, and correlation against lag."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_blindspot.io.base import replacing
from napari_blindspot.measure.correlation import LAGS
from napari_blindspot.measure.report import CORRELATED
from napari_blindspot.params import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from napari_blindspot.measure.report import ChannelNoise, NoiseReport

SUFFIXES = (".png", ".pdf", ".svg")
_COLOURS = {"X": "#0072b2", "Y": "#d55e00", "Z": "#009e73", "T": "#cc79a7"}
_LINE, _FAINT, _OTHER = "#0072b2", "#8a8d94", "#d55e00"
_ROW_HEIGHT, _WIDTH = 3.4, 9.6  # inches
_CHANNELS = 8  # that a picture shows at most


def check_plot(path: str | Path) -> Path:
    """Path of a picture to draw; found out before the work, not after it.

    Raises
    ------
    InputError
        If the suffix is not known, the folder is missing, or matplotlib is not installed.
    """
    target = Path(path)
    if target.suffix.lower() not in SUFFIXES:
        raise InputError(f"{target.name} is no name for a plot; use {', '.join(SUFFIXES)}.")
    if not target.absolute().parent.is_dir() or target.is_dir():
        raise InputError(f"{target} cannot be written; give a file name in an existing folder.")
    if importlib.util.find_spec("matplotlib") is None:
        raise InputError(
            "A plot needs matplotlib, which is not installed; use `pip install matplotlib`."
        )
    return target


def save_plot(report: NoiseReport, path: str | Path, title: str = "") -> None:
    """Draw the report and write it as PNG, PDF or SVG, whole or not at all.

    Raises
    ------
    InputError
        If the file cannot be written or matplotlib is not installed.
    """
    target = check_plot(path)
    figure = draw(report, title)
    with replacing(target) as part:
        figure.savefig(part, format=target.suffix.lower()[1:], dpi=150)


def draw(report: NoiseReport, title: str = "") -> Figure:
    """One row for each channel: mean and variance with the line, and the correlation."""
    from matplotlib.figure import Figure

    shown = report.channels[:_CHANNELS]
    before = report.before.channels if report.before else (None,) * len(report.channels)
    figure = Figure(figsize=(_WIDTH, _ROW_HEIGHT * len(shown) + 0.3), layout="constrained")
    rows = figure.subplots(len(shown), 2, squeeze=False, width_ratios=(1.5, 1))
    for channel, alone, (left, right) in zip(shown, before, rows, strict=False):
        _law(left, channel)
        if alone:
            _alone(left, alone)
        _correlation(right, channel)
        if alone:
            right.set_ylabel("correlation of what is left")
        if len(report.channels) > 1:
            left.set_title(f"channel {channel.name}", loc="left", fontsize=10)
    hidden = len(report.channels) - len(shown)
    note = f" (and {hidden} more channels)" if hidden else ""
    if title or note:
        figure.suptitle(f"{title}{note}", fontsize=11)
    return figure


def _law(axes: Axes, channel: ChannelNoise) -> None:
    axes.set_xlabel("signal (grey values)")
    axes.set_ylabel("variance of the noise")
    _tidy(axes)
    groups = channel.groups
    if groups is None:
        _say(axes, "too few usable pixels")
        return
    share = np.sqrt(groups.count / groups.count.max())
    axes.scatter(
        groups.signal, groups.variance, s=8 + 50 * share, color=_LINE, alpha=0.55, linewidths=0
    )
    if channel.gain is None or channel.offset is None:
        return
    ends = np.array([min(groups.signal.min(), _left(channel)), groups.signal.max()])
    middle = channel.gain.value * ends + channel.offset.value
    interval = f"95 %: {channel.gain.low:.4g} to {channel.gain.high:.4g}"
    sign = "+" if channel.offset.value >= 0 else "−"
    label = (
        f"{channel.gain.value:.4g} · signal {sign} {abs(channel.offset.value):.4g}\n"
        f"gain, {interval}"
    )
    axes.plot(ends, middle, color="black", linewidth=1.3, label=label)
    if channel.black_level is not None:
        axes.axvline(channel.black_level, color=_FAINT, linewidth=0.9, linestyle="--")
    top = max(float(groups.variance.max()), float(middle.max()))
    axes.set_ylim(min(0.0, float(middle.min())) - 0.02 * top, 1.3 * top + 1e-12)
    axes.legend(frameon=False, loc="upper left", fontsize=9)


def _alone(axes: Axes, channel: ChannelNoise) -> None:
    """The line that the image alone tells."""
    if channel.gain is None or channel.offset is None or not axes.lines:
        return
    ends = np.asarray(axes.lines[0].get_xdata())
    line = channel.gain.value * ends + channel.offset.value
    label = f"image alone, gain {channel.gain.value:.4g}"
    axes.plot(ends, line, color=_OTHER, linewidth=1.3, linestyle=":", label=label)
    axes.legend(frameon=False, loc="upper left", fontsize=9)


def _left(channel: ChannelNoise) -> float:
    """Where the line begins: at the black level, else where the noise was seen first."""
    return channel.dark if channel.black_level is None else channel.black_level


def _correlation(axes: Axes, channel: ChannelNoise) -> None:
    axes.set_xlabel("lag (pixels, planes or time points)")
    axes.set_ylabel("correlation of the noise")
    _tidy(axes)
    if not channel.correlations:
        _say(axes, "the image is too small")
        return
    width = 0.8 / len(channel.correlations)
    for place, found in enumerate(channel.correlations):
        at = np.arange(1, len(found.lags) + 1) + (place + 0.5) * width - 0.4
        bars: dict[str, Any] = {"color": _COLOURS[found.axis], "label": found.axis}
        axes.bar(at, found.lags, width * 0.9, yerr=1.96 * np.array(found.errors), **bars)
    axes.axhline(0, color="black", linewidth=0.8)
    axes.axhline(CORRELATED, color=_FAINT, linewidth=0.9, linestyle="--")
    axes.set_xticks(range(1, LAGS + 1))
    lowest = min(min(found.lags) for found in channel.correlations)
    highest = max(max(found.lags) for found in channel.correlations)
    axes.set_ylim(min(-0.1, 1.3 * lowest), max(0.4, 1.2 * highest))
    axes.legend(frameon=False, ncols=len(channel.correlations), loc="upper right", fontsize=9)


def _tidy(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e6e7ea", linewidth=0.6)
    axes.set_axisbelow(True)


def _say(axes: Axes, text: str) -> None:
    axes.text(0.5, 0.5, text, ha="center", va="center", transform=axes.transAxes, color=_FAINT)
    axes.set_xticks([])
    axes.set_yticks([])
