"""What a run did: in words for people, in JSON for scripts."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_blindspot.events import Finished, Settled, Started, Step
from napari_blindspot.measure.numerals import number
from napari_blindspot.telling import speed

if TYPE_CHECKING:
    from napari_blindspot.events import Event
    from napari_blindspot.job import Job
    from napari_blindspot.noise import LawInterval, NoiseLaw

    Noise = tuple[NoiseLaw, LawInterval | None]


@dataclass
class Outcome:
    """Collects the events of a run.

    Attributes
    ----------
    job : Job
        What was to be done.
    started, finished : Started or None, Finished or None
        First and last event.
    last_steps : dict
        Last training step of each network.
    settled : dict
        For each network that ended by itself, the step whose weights it went back to.
    held_out : dict
        Last loss of each network on the pixels that are held out, where there are some.
    kept_model : str or None
        Where the model lies, if it was saved.
    """

    job: Job
    started: Started | None = None
    finished: Finished | None = None
    last_steps: dict[int, Step] = field(default_factory=dict)
    settled: dict[int, int] = field(default_factory=dict)
    held_out: dict[int, float] = field(default_factory=dict)
    kept_model: str | None = None

    def add(self, event: Event) -> None:
        """Take notice of an event."""
        if isinstance(event, Started):
            self.started = event
        elif isinstance(event, Step):
            self.last_steps[event.network] = event
            if event.held_out is not None:
                self.held_out[event.network] = event.held_out
        elif isinstance(event, Settled):
            self.settled[event.network] = event.best_step
        elif isinstance(event, Finished):
            self.finished = event
            self.kept_model = self.job.save_model

    @property
    def halted(self) -> bool:
        """Whether the run was ended early by the user."""
        return self.finished is not None and self.finished.stopped

    @property
    def untrained(self) -> list[int]:
        """Networks whose training was not begun before the run was halted."""
        if self.job.model or self.finished is None:
            return []
        return [n for n in range(len(self.finished.model.networks)) if n not in self.last_steps]

    @property
    def noise(self) -> dict[int, Noise]:
        """Noise law of each channel and its interval, in the units of the input."""
        networks = self.finished.model.networks if self.finished else ()
        laws = {
            channel: (law, interval)
            for index, network in enumerate(networks)
            for channel, law, interval in zip(
                network.channels, network.noise, network.intervals, strict=True
            )
            if index not in self.untrained
        }
        return dict(sorted(laws.items()))

    @property
    def written(self) -> list[str]:
        """Files that the run has made."""
        images = [self.job.output, self.job.uncertainty] if self._has_image else []
        return [path for path in (*images, self.kept_model) if path]

    @property
    def _has_image(self) -> bool:
        return self.finished is not None and self.finished.denoised is not None

    def as_json(self) -> dict[str, Any]:
        """The outcome as values that JSON has."""
        if self.started is None or self.finished is None:
            raise RuntimeError("the run has not finished")
        model, steps = self.finished.model, list(self.last_steps.values())
        output = self.job.output if self._has_image else None
        return {
            "status": "stopped" if self.halted else "done",
            "input": list(self.job.inputs),
            "output": output,
            "job": f"{output}.job.json" if output else None,
            "uncertainty": self.job.uncertainty if self._has_image else None,
            "model": self.kept_model or self.job.model,
            "axes": self.started.axes,
            "shape": list(self.started.shape),
            "axes_note": self.started.note,
            "method": model.method.name,
            "params": model.method.values(),
            "dims": model.dims,
            "device": self.started.device,
            "seed": self.job.seed,
            "steps": [step.step for step in steps],
            "ended_by_itself": [step.network in self.settled for step in steps],
            "loss": [_finite(step.loss) for step in steps],
            "held_out_loss": [_finite(loss) for loss in self.held_out.values()],
            "training_s": round(sum(step.elapsed_s for step in steps), 3),
            "noise": [
                {"channel": channel, **law_as_json(*noise)} for channel, noise in self.noise.items()
            ],
            "lost": self.finished.lost,
            "elapsed_s": round(self.finished.elapsed_s, 3),
        }

    def as_text(self) -> str:
        """The outcome as a few aligned lines."""
        rows = [(label, line) for label, lines in self._rows().items() for line in lines]
        labels = [label for label, _ in rows]
        return "\n".join(
            f"{label if label not in labels[:place] else '':<10}{line}"
            for place, (label, line) in enumerate(rows)
        )

    def _rows(self) -> dict[str, list[str]]:
        if self.started is None or self.finished is None:
            raise RuntimeError("the run has not finished")
        started, model = self.started, self.finished.model
        shape = " × ".join(map(str, started.shape))
        return {
            "input": [f"{shown(path)}" for path in self.job.inputs],
            "image": [f"{shape}, {started.note}"],
            "method": [f"{model.method.title}, {model.dims}, on {started.device}"],
            "training": self._training(),
            "noise": [
                f"{self._channel(channel)}: {in_words(*noise)}"
                for channel, noise in self.noise.items()
            ],
            "written": [shown(path) for path in self.written],
            "job": [f"{shown(self.job.output)}.job.json"] if self._has_image else [],
            "lost": [self.finished.lost] if self.finished.lost else [],
            "time": [duration(self.finished.elapsed_s)],
        }

    def _training(self) -> list[str]:
        if not self.last_steps:
            return [f"none, model {shown(self.job.model)}"] if self.job.model else []
        many = len(self.last_steps) > 1
        return [
            (f"network {index + 1}: " if many else "")
            + f"{step.step} steps in {duration(step.elapsed_s)} "
            f"({speed(step)}), last loss {step.loss:.4g}{self._by_held_out(index)}"
            for index, step in self.last_steps.items()
        ]

    def _by_held_out(self, index: int) -> str:
        """What the pixels that are held out have told of a network."""
        loss, best = self.held_out.get(index), self.settled.get(index)
        told = "" if loss is None else f", {loss:.4g} on held-out pixels"
        return told if best is None else f"{told}; ended by itself, best at step {best}"

    def _channel(self, channel: int) -> str:
        denoised = self.finished.denoised if self.finished else None
        names = denoised.channel_names if denoised else ()
        name = f" ({names[channel]})" if channel < len(names) and names[channel] else ""
        return f"channel {channel}{name}"


def law_as_json(law: NoiseLaw, interval: LawInterval | None) -> dict[str, Any]:
    """The noise law and the ends of its intervals, null where they are not known."""
    gain, offset = (interval.gain, interval.offset) if interval else (None, None)
    return {
        "gain": _finite(law.gain),
        "gain_interval": gain and [_finite(end) for end in gain],
        "offset": _finite(law.offset),
        "offset_interval": offset and [_finite(end) for end in offset],
    }


def in_words(law: NoiseLaw, interval: LawInterval | None = None) -> str:
    """The noise law as a formula, its 95 % intervals, and what it means."""
    gain, offset = law.gain, law.offset
    if gain <= 0:
        level = max(offset, law.floor)
        return f"variance = {number(level)}, standard deviation {number(level**0.5)}, at any signal"
    sign = "+" if offset >= 0 else "-"
    formula = f"variance = {number(gain)} · signal {sign} {number(abs(offset))}"
    dark = (
        f"standard deviation {number(offset**0.5)} at 0"
        if offset >= 0
        else f"no noise at signal {number(-offset / gain)}"
    )
    if interval is None:
        return f"{formula} (gain {number(gain)}, {dark})"
    ends = [f"{number(low)} to {number(high)}" for low, high in (interval.gain, interval.offset)]
    return f"{formula} (95 %: gain {ends[0]}, offset {ends[1]}; {dark})"


def duration(seconds: float) -> str:
    """Time in words: `1.2 s`, `12 s`, `3 min 05 s`, `2 h 10 min`."""
    whole = round(seconds)
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def shown(path: str | None) -> str:
    """Path as the user would write it: relative if it lies below the current folder."""
    if path is None:
        return ""
    try:
        return os.fspath(Path(path).absolute().relative_to(Path.cwd()))
    except ValueError:
        return path


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
