"""The one path: from a Job to the denoised image. Everything that denoises calls `run`."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from napari_blindspot import device as devices
from napari_blindspot import heap, leftovers, methods
from napari_blindspot.checkpoint import Checkpoints
from napari_blindspot.events import Finished, NoiseFitted, Started
from napari_blindspot.fitting import fit
from napari_blindspot.halting import Stop, never
from napari_blindspot.io import check_target, open_volume
from napari_blindspot.layouts import doubts, space_of, to_denoise, to_learn_from
from napari_blindspot.locks import writing
from napari_blindspot.model import load
from napari_blindspot.params import InputError
from napari_blindspot.prediction import predict
from napari_blindspot.preview import Previews
from napari_blindspot.regions import cropped
from napari_blindspot.results import Results, dtype_of_result, room_for, saved

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from napari_blindspot.axes import Layout
    from napari_blindspot.events import Event, Watching
    from napari_blindspot.halting import StopFlag
    from napari_blindspot.io.base import Volume
    from napari_blindspot.job import Job
    from napari_blindspot.model import Model

_UNLOCKED = "no file locks here: see that no second run writes to the same file"


def run(
    job: Job,
    stop: StopFlag = never,
    volumes: Sequence[Volume] | None = None,
    *,
    resume: bool = False,
    model: Model | None = None,
    watching: Watching | None = None,
    keep_partial: bool = False,
) -> Generator[Event, None, None]:
    """Do what the job says: train or load a model, denoise the first input, save.

    Parameters
    ----------
    job : Job
        What to do.
    stop : callable
        Asked again and again, up to fifty times a second. `Stop.APPLY` ends the training and goes
        on to the prediction; `Stop.HALT` ends everything, a step or a tile at work too, and keeps
        the model.
    volumes : sequence of Volume, optional
        Open inputs, in place of the files that the job names.
    resume : bool
        Go on with the training of the same job that was interrupted, if there was one.
    model : Model, optional
        A trained model to apply, in place of a file that the job names and of training.
    watching : Watching, optional
        The region to preview during the training, and how often. Previews take less than a tenth
        of the time, and change nothing in the result.
    keep_partial : bool
        Whether a prediction that is halted after its first tile gives an image, in memory and in
        the files of the job, in which all that is not denoised is NaN, or 0 in integers.

    Yields
    ------
    Event
        Started, Step..., NoiseFitted..., Tile..., and at last Finished; Preview and each kind of
        Notice where they apply.

    Raises
    ------
    InputError
        If the input, a parameter or the model cannot be used, or another run is writing to one of
        the targets.
    """
    device = devices.choose(job.device)
    with devices.threads(job.threads), heap.reused():
        work = _Work.of(job, volumes, device, _Latch(stop), model)
        yield from work.events(resume, watching, keep_partial)


@dataclass(frozen=True)
class _Work:
    """A job with all that it names.

    `shown` is what is learned from, `noisy` what is denoised.
    """

    job: Job
    device: torch.device
    stop: _Latch
    loaded: Model | None
    method: methods.Method
    shown: list[Volume]
    layouts: list[Layout]
    noisy: Volume
    layout: Layout

    @classmethod
    def of(
        cls,
        job: Job,
        volumes: Sequence[Volume] | None,
        device: torch.device,
        stop: _Latch,
        model: Model | None,
    ) -> _Work:
        volumes = volumes or [open_volume(path, axes=job.axes) for path in job.inputs]
        loaded = model or (load(job.model) if job.model else None)
        method = loaded.method if loaded else methods.create(job.method, job.params)
        noisy = cropped(volumes[0], job.apply_on)
        shown = [cropped(volume, job.train_on) for volume in volumes]
        _check_targets(job, noisy, method)
        space = space_of([*shown, noisy], loaded.spatial if loaded else job.spatial, method)
        laid_out = to_denoise if loaded else to_learn_from
        layouts = [laid_out(volume, space, method) for volume in shown]
        layout = to_denoise(noisy, space, method)
        return cls(job, device, stop, loaded, method, shown, layouts, noisy, layout)

    def events(
        self, resume: bool, watching: Watching | None, keep_partial: bool
    ) -> Generator[Event, None, None]:
        began = time.perf_counter()
        leftovers.clear(self.job.targets, trainings=False)
        with writing(self.job.targets) as able:
            yield self._started("" if able else _UNLOCKED)
            checkpoints = None if self.loaded else Checkpoints.of_job(self.job, resume=resume)
            model = self.loaded
            if model is None:
                model = yield from self._trained(checkpoints, watching)
            job = self._repeated(model)
            results = yield from self._results(job, model, keep_partial)
            if checkpoints and self.stop.state is not Stop.HALT:
                checkpoints.remove()
        elapsed_s = time.perf_counter() - began
        yield Finished(
            denoised=results.denoised,
            std=results.std,
            model=model,
            stopped=self.stop.state is not Stop.NO,
            elapsed_s=elapsed_s,
            lost=results.lost,
            job=job,
            done=results.done,
        )

    def _trained(
        self, checkpoints: Checkpoints | None, watching: Watching | None
    ) -> Generator[Event, None, Model]:
        model = yield from fit(
            self.job,
            self.method,
            self.shown,
            self.layouts,
            device=self.device,
            stop=self.stop,
            checkpoints=checkpoints,
            previews=Previews(watching, self.noisy, self.layout, self.device) if watching else None,
        )
        yield from _noise(model)
        return model

    def _results(
        self, job: Job, model: Model, keep_partial: bool
    ) -> Generator[Event, None, Results]:
        """Save the model, denoise and save the image, as far as the job asks for it."""
        if job.save_model:
            model.save(job.save_model)
        if job.train_only or self.stop.state is Stop.HALT:
            return Results()
        with room_for(job, self.noisy) as room:
            arrays = yield from predict(
                model,
                self.noisy,
                self.layout,
                device=self.device,
                stop=self.stop,
                seed=job.seed,
                with_std=job.with_std or bool(job.uncertainty),
                into=room,
                keep_partial=keep_partial,
            )
            return saved(job, self.noisy, arrays, room)

    def _repeated(self, model: Model) -> Job:
        """Job that does the same again: as many steps, and on a CPU as many threads."""
        paces = () if self.loaded else tuple(network.pace for network in model.networks)
        threads = torch.get_num_threads() if self.device.type == "cpu" else self.job.threads
        return dataclasses.replace(self.job, pace=paces if any(paces) else (), threads=threads)

    def _started(self, warning: str) -> Started:
        channels = {layout.n_channels for layout in (*self.layouts, self.layout)}
        if len(channels) > 1:
            raise InputError(f"The inputs have different numbers of channels: {sorted(channels)}.")
        repeats = {layout.n_repeats for layout in self.layouts}
        if len(repeats) > 1 and not self.loaded:
            raise InputError(f"The inputs have different numbers of repeats: {sorted(repeats)}.")
        doubt = "" if self.loaded else doubts(self.shown[0], self.layouts[0])
        return Started(
            shape=self.noisy.shape,
            axes=self.noisy.axes,
            note="; ".join(filter(None, [self.noisy.note, self._repeats_in_words()])),
            method=self.method.title,
            device=devices.describe(self.device),
            networks=1 if self.job.joint else channels.pop(),
            warning=" ".join(filter(None, [warning, doubt])),
        )

    def _repeats_in_words(self) -> str:
        count, letter = self.layouts[0].n_repeats, self.method.repeats
        return f"the {count} frames along {letter} are repeats of one another" * (count > 1)


def _check_targets(job: Job, volume: Volume, method: methods.Method) -> None:
    """Find out before the training what would make it useless."""
    if job.output:
        check_target(job.output, volume, dtype=dtype_of_result(job, volume))
    if job.uncertainty:
        check_target(job.uncertainty, volume, dtype="float32")
    if job.uncertainty and not method.has_std:
        able = ", ".join(name for name, cls in methods.available().items() if cls.has_std)
        raise InputError(
            f"Method {method.name!r} has no uncertainty; use one of: {able}, or ask for none."
        )


class _Latch:
    """Stop flag that remembers: a run once halted stays halted."""

    def __init__(self, stop: StopFlag) -> None:
        self._stop = stop
        self.state = Stop.NO

    def __call__(self) -> Stop:
        if self.state is not Stop.HALT:
            answer = self._stop()
            self.state = answer if answer is not Stop.NO else self.state
        return self.state


def _noise(model: Model) -> Generator[Event, None, None]:
    for network in model.networks:
        rows = zip(network.channels, network.noise, network.intervals, strict=True)
        for channel, law, ends in rows:
            gain, offset = (ends.gain, ends.offset) if ends else (None, None)
            yield NoiseFitted(channel, law.gain, law.offset, gain, offset)
