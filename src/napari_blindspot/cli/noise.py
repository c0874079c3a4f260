"""The noise of an image, reported in the terminal."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from napari_blindspot.cli.outcome import shown
from napari_blindspot.io import open_volume
from napari_blindspot.measure.advice import notes
from napari_blindspot.measure.correlation import LAGS
from napari_blindspot.measure.numerals import number
from napari_blindspot.measure.plot import check_plot, save_plot
from napari_blindspot.reporting import report_of

if TYPE_CHECKING:
    from napari_blindspot.measure import ChannelNoise, Estimate, NoiseReport

_WIDTH_IN_FILES = 110
_LEFT = "correlation of what is left"


def report_noise(
    path: str,
    *,
    axes: str | None = None,
    black_level: float | None = None,
    model: str | None = None,
    plot: str | None = None,
    quiet: bool = False,
    as_json: bool = False,
) -> None:
    """Measure the noise of a file, with a model from its blind prediction, and print it.

    Raises
    ------
    InputError
        If the file, the model, an option or the target of the plot cannot be used.
    """
    if plot:
        check_plot(plot)
    volume = open_volume(path, axes=axes)
    report = report_of(volume, black_level, model)
    if plot:
        save_plot(report, plot, Path(path).name)
    if as_json:
        found = {"input": path, "model": model, "plot": plot, **report.as_json()}
        for values, note in zip(found["channels"], notes(report), strict=True):
            values["advice"] = note
        typer.echo(json.dumps(found, indent=2, allow_nan=False))
    elif not quiet:
        show(report, path, model=model, plot=plot)


def show(
    report: NoiseReport, path: str, *, model: str | None = None, plot: str | None = None
) -> None:
    """Print the report as tables."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_WIDTH_IN_FILES)
    shape = " × ".join(map(str, report.shape))
    console.print(Text(f"input     {shown(path)}\nimage     {shape}, {report.note}"))
    if model:
        console.print(Text(f"model     {shown(model)}, {report.model}"))
    seen = report.pixels * len(report.channels)
    part = "" if seen == math.prod(report.shape) else f" of {math.prod(report.shape):,}"
    console.print(Text(f"measured  {seen:,}{part} pixels\n"))
    before = report.before.channels if report.before else (None,) * len(report.channels)
    for channel, alone, note in zip(report.channels, before, notes(report), strict=True):
        if len(report.channels) > 1:
            console.print(Text(f"channel {channel.name}", "bold"))
        _show_channel(console, channel, alone)
        console.print(Text(f"  {note}\n", "bold" if len(report.channels) > 1 else ""))
    if plot:
        console.print(Text(f"plot      {shown(plot)}"))


def _show_channel(console: Console, channel: ChannelNoise, alone: ChannelNoise | None) -> None:
    """Tables of a channel, beside what the image alone tells if the channel is from a model."""
    if alone is None:
        console.print(_facts(channel))
        if channel.correlations:
            console.print(_correlations(channel, "correlation of the noise"))
        return
    console.print(_beside(channel, alone))
    for found, title in ((channel, _LEFT), (alone, "correlation in the image")):
        if found.correlations:
            console.print(_correlations(found, title))


def _facts(channel: ChannelNoise) -> Table:
    facts = Table(box=None, show_header=False, padding=(0, 2, 0, 2))
    facts.add_column(no_wrap=True, style="dim")
    facts.add_column(no_wrap=True)
    facts.add_column(style="dim")
    for row in rows(channel):
        facts.add_row(*(Text(cell) for cell in row))
    return facts


def _beside(channel: ChannelNoise, alone: ChannelNoise) -> Table:
    """What the blind prediction and the image alone tell, in two columns."""
    table = Table(box=None, padding=(0, 2, 0, 2), header_style="dim")
    for title in ("", "blind prediction", "image alone"):
        table.add_column(title, no_wrap=True, style="" if title else "dim")
    columns = [{name: value for name, value, _ in rows(each)} for each in (channel, alone)]
    for name in dict.fromkeys([*columns[0], *columns[1]]):
        table.add_row(*(Text(cell) for cell in (name, *(c.get(name, "–") for c in columns))))
    return table


def rows(channel: ChannelNoise) -> list[tuple[str, str, str]]:
    """What is known about a channel: name, value, and what it means."""
    found = []
    if channel.gain and channel.offset:
        law = "variance = gain · signal + offset"
        found.append(("gain", interval(channel.gain), law))
        found.append(("offset", interval(channel.offset), "95 % intervals behind the values"))
    if channel.groups is not None:
        level = f"standard deviation at the mean signal, {number(channel.signal)}"
        found.append(("noise", number(channel.variance**0.5), level))
    found += _dark(channel)
    if channel.saturated:
        found.append(("saturated", _percent(channel.saturated), "pixels at the upper limit"))
    if channel.clipped:
        found.append(("at the bottom", _percent(channel.clipped), "pixels at the lowest value"))
    for name, count in (("hot", channel.hot), ("dead", channel.dead)):
        if count:
            found.append((f"{name} pixels", f"{count:,}", "stand out alone; left out"))
    if channel.not_finite:
        found.append(("NaN or infinite", f"{channel.not_finite:,}", "left out"))
    return found


def _dark(channel: ChannelNoise) -> list[tuple[str, str, str]]:
    """Black level and read noise, or within which limits they lie."""
    if channel.read_noise is None:
        return []
    electrons = channel.read_noise_electrons
    read = number(channel.read_noise.value)
    in_electrons = f", {number(electrons.value)} electrons" if electrons else ""
    if channel.black_level is None:
        hint = f"noise at the darkest signal, {number(channel.dark)}"
        found = [("read noise", f"at most {read}{in_electrons}", hint)]
        if channel.no_noise_at is not None and channel.gain_is_known:
            lowest = number(channel.no_noise_at)
            found.append(("black level", f"at least {lowest}", "not known; give --black-level"))
        return found
    why = "photon counts" if channel.counts else "as given"
    return [
        ("read noise", interval(channel.read_noise), f"grey values{in_electrons}"),
        ("black level", number(channel.black_level), why),
    ]


def interval(estimate: Estimate) -> str:
    """A value and, where it is known, its interval."""
    if not math.isfinite(estimate.low):
        return number(estimate.value)
    return f"{number(estimate.value)} ({number(estimate.low)} to {number(estimate.high)})"


def _percent(part: float) -> str:
    return f"{100 * part:.2g} %"


def _correlations(channel: ChannelNoise, title: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 2), header_style="dim")
    table.add_column(title, no_wrap=True, min_width=len(_LEFT))
    for lag in range(1, LAGS + 1):
        table.add_column(f"lag {lag}", justify="right", no_wrap=True)
    for found in channel.correlations:
        cells = [f"{value:.2f}".replace("-0.00", "0.00") for value in found.lags]
        cells += ["–"] * (LAGS - len(cells))
        table.add_row(f"along {found.axis}", *cells)
    return table
