"""What the widget says of an image, of its noise and of a run. No Qt."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from napari_blindspot import methods
from napari_blindspot.io.calibration import OME_SYMBOLS, TIME_UNITS
from napari_blindspot.measure.advice import Choice, correlation_choice, notes, remarks
from napari_blindspot.measure.numerals import number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_blindspot.events import Finished
    from napari_blindspot.io.base import Volume
    from napari_blindspot.measure import ChannelNoise, Estimate, NoiseReport

_TIMES = " × "


def axes_text(volume: Volume) -> str:
    """What the axes are: `32 planes of 512 × 512 pixels, 0.5 × 0.1 × 0.1 µm`."""
    lengths = dict(zip(volume.axes, volume.shape, strict=True))
    counts = [
        f"{lengths[letter]} {word}"
        for letter, word in (("T", "time points"), ("C", "channels"), ("S", "colours"))
        if lengths.get(letter, 1) > 1
    ]
    plane = f"{lengths['Y']}{_TIMES}{lengths['X']} pixels"
    planes = f"{lengths['Z']} planes of {plane}" if lengths.get("Z", 1) > 1 else plane
    return ", ".join(filter(None, [*counts, planes, _spacing(volume), _interval(volume)]))


def summary_text(volume: Volume) -> str:
    """An image in one sentence: what its axes are, its type and its size."""
    return f"{axes_text(volume)}; {volume.dtype.name}, {bytes_text(volume.nbytes)}"


RESUME = "Go on where it was left off"
# The core speaks of the options of the command line.
_IN_WORDS = {
    "use --resume to go on with it": f'tick "{RESUME}"',
    "start without --resume": f'untick "{RESUME}"',
    "with --resume": f'with "{RESUME}"',
    ", and subfolders are searched with --recursive": "; add subfolders one by one",
    ", or choose with --pattern": ", or remove one of them",
    "use --dims 2D+T": "choose movies (2D + T) under Denoise, Advanced",
    "use --dims 2D": "choose planes (2D) under Denoise, Advanced",
    "use --dims 3D": "choose volumes (3D) under Denoise, Advanced",
    "use --device auto": "choose the device auto in the preferences",
}


def in_window_words(sentence: str) -> str:
    """A sentence of the core, with what to do here in place of what to do on the command line."""
    for option, words in _IN_WORDS.items():
        sentence = sentence.replace(option, words)
    return sentence


def noise_text(report: NoiseReport) -> str:
    """The noise of an image in up to three short lines for each channel."""
    lines = []
    for channel, note in zip(report.channels, notes(report, _advice), strict=True):
        name = f"{_channel_name(channel.name)}: " if len(report.channels) > 1 else ""
        said = list(filter(None, [_law(channel), note, _defects(channel)]))
        lines += [name + said[0], *said[1:]]
    return "\n".join(lines)


def advised(report: NoiseReport) -> dict[str, Any]:
    """Fields of a Job that the noise asks for, `method` and `params`; empty if any would do."""
    choice = correlation_choice((report.before or report).channels)
    if choice is None:
        return {}
    return {"method": choice.method, "params": dict(choice.params)}


def stopped_text(finished: Finished) -> str:
    """What is there after a run that was stopped."""
    done = finished.done
    if finished.denoised is None or done <= 0:
        return "Stopped before anything was denoised. What was learned so far is kept as a model."
    if done >= 1:
        return "The training was ended early, and the whole image denoised with what was learned."
    # A part that rounds to all of it is not all of it.
    return f"Stopped: {min(math.floor(100 * done), 99)} % of the image is denoised."


def done_text(finished: Finished, title: str) -> str:
    """What was done, and in what time."""
    verb = "Trained" if finished.denoised is None else "Denoised"
    return f"{verb} with {title} in {clock_text(finished.elapsed_s)}."


def clock_text(seconds: float) -> str:
    """Time as `0:07`, `1:04` or `1:02:03`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def bytes_text(count: int) -> str:
    """Size as `512 B`, `16.8 MB` or `1.2 TB`; 1 kB is 1000 bytes."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 999.5:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"


def choice_text(choice: Choice) -> str:
    """A choice in the words of the widget: `StructN2V (pattern horizontal, length 3 px)`."""
    if choice.method is None:
        return choice.dims or ""
    method = methods.get(choice.method)
    labels = {declared.name: declared for declared in method.declared()}
    settings = [
        " ".join(filter(None, [labels[name].label.lower(), str(value), labels[name].unit]))
        for name, value in choice.params.items()
    ]
    return f"{method.title} ({', '.join(settings)})" if settings else method.title


def _advice(channel: ChannelNoise) -> str:
    return " ".join(remark.text(choice_text) for remark in remarks(channel))


def _law(channel: ChannelNoise) -> str:
    """The law in words; empty where there is none, for then the advice says so."""
    if channel.groups is None or not channel.groups.variance.max() > 0:
        return ""
    level = f"standard deviation {number(channel.variance**0.5)}"
    at_mean = f"{level} at the mean signal, {number(channel.signal)}"
    if channel.gain is None:
        return f"Noise with {at_mean}; an image of one brightness tells no more."
    if channel.gain.high < 0:
        return f"Noise with {at_mean}."
    if channel.gain.low <= 0:
        return f"Gaussian, {level} at any signal; too few photons to tell the gain."
    if channel.counts:
        return f"Poisson, gain {number(channel.gain.value)}."
    gain = f"gain {number(channel.gain.value)}"
    if not channel.gain_is_known and math.isfinite(channel.gain.low):
        gain = f"gain {number(channel.gain.low)} to {number(channel.gain.high)}"
    return ", ".join(filter(None, ["Poisson-Gaussian", gain, _read_noise(channel)])) + "."


def _read_noise(channel: ChannelNoise) -> str:
    """Read noise; without a black level an image tells only its upper limit."""
    read: Estimate | None = channel.read_noise
    if read is None:
        return ""
    limit = "at most " if channel.black_level is None else ""
    return f"read noise {limit}{number(read.value)}"


def _defects(channel: ChannelNoise) -> str:
    """Pixels that were left out."""
    counts = [(channel.hot, "hot"), (channel.dead, "dead"), (channel.not_finite, "empty (NaN)")]
    found = [f"{count:,} {word}" for count, word in counts if count]
    if not found:
        return ""
    plural = "" if sum(count for count, _ in counts) == 1 else "s"
    return f"Left out: {' and '.join(found)} pixel{plural}."


def _channel_name(name: str) -> str:
    return f"channel {name}" if name.isdigit() else name


def _spacing(volume: Volume) -> str:
    """Size of a pixel, of those axes of which it is known."""
    steps = [
        (step, unit)
        for letter, step, unit in _steps(volume)
        if letter in "ZYX" and unit not in ("", "pixel")
    ]
    if len({unit for _, unit in steps}) == 1:
        unit = OME_SYMBOLS.get(steps[0][1], steps[0][1])
        return f"{_TIMES.join(number(step) for step, _ in steps)} {unit}"
    return _TIMES.join(f"{number(step)} {OME_SYMBOLS.get(unit, unit)}" for step, unit in steps)


def _interval(volume: Volume) -> str:
    for letter, step, unit in _steps(volume):
        if letter == "T" and unit in TIME_UNITS:
            return f"every {number(step)} {OME_SYMBOLS[unit]}"
    return ""


def _steps(volume: Volume) -> Sequence[tuple[str, float, str]]:
    """Letter, size and unit of the axes longer than one pixel."""
    rows = zip(volume.axes, volume.scale, volume.units, volume.shape, strict=True)
    return [(letter, step, unit) for letter, step, unit, length in rows if length > 1]
