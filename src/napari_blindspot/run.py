"""The one path: from a Job to the denoised image. Everything that denoises calls `run`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal

from napari_blindspot import device as devices
from napari_blindspot import methods
from napari_blindspot.axes import Layout
from napari_blindspot.checkpoint import Checkpoints
from napari_blindspot.events import Finished, NoiseFitted, Started, Stop, never
from napari_blindspot.fitting import fit
from napari_blindspot.io import check_target, open_volume
from napari_blindspot.locks import writing
from napari_blindspot.model import load
from napari_blindspot.params import InputError
from napari_blindspot.prediction import predict
from napari_blindspot.results import Results, dtype_of_result, room_for, saved

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    import torch

    from napari_blindspot.axes import Spatial
    from napari_blindspot.events import Event, StopFlag
    from napari_blindspot.io.base import Volume
    from napari_blindspot.job import Job
    from napari_blindspot.model import Model

_THINNEST_3D = 8
_UNLOCKED = "no file locks here: see that no second run writes to the same file"


def run(
    job: Job,
    stop: StopFlag = never,
    volumes: Sequence[Volume] | None = None,
    *,
    resume: bool = False,
) -> Generator[Event, None, None]:
    """Do what the job says: train or load a model, denoise the first input, save.

    Parameters
    ----------
    job : Job
        What to do.
    stop : callable
        Asked before every step and every tile. `Stop.APPLY` ends the training and goes on to
        the prediction; `Stop.HALT` ends everything and keeps the model.
    volumes : sequence of Volume, optional
        Open inputs, in place of the files that the job names.
    resume : bool
        Go on with the training of the same job that was interrupted, if there was one.

    Yields
    ------
    Event
        Started, Step..., NoiseFitted..., Tile..., and at last Finished; NotKept where it applies.

    Raises
    ------
    InputError
        If the input, a parameter or the model cannot be used, or another run is writing to one of
        the targets.
    """
    began = time.perf_counter()
    device = devices.choose(job.device)
    volumes = volumes or [open_volume(path, axes=job.axes) for path in job.inputs]
    loaded = load(job.model) if job.model else None
    method = loaded.method if loaded else methods.create(job.method, job.params)
    _check_targets(job, volumes[0], method)
    layouts = _layouts(volumes, loaded.spatial if loaded else job.spatial, method.dims)
    halted = _Latch(stop)
    with writing(job.targets) as able:
        yield _started(job, method, layouts, volumes[0], device, "" if able else _UNLOCKED)
        checkpoints = Checkpoints.of_job(job, resume=resume)
        model = loaded
        if model is None:
            model = yield from fit(
                job, method, volumes, layouts, device=device, stop=halted, checkpoints=checkpoints
            )
            yield from _noise(model)
        results = yield from _results(job, model, volumes[0], layouts[0], device, halted)
        if checkpoints and halted.state is not Stop.HALT:
            checkpoints.remove()
    elapsed_s = time.perf_counter() - began
    stopped = halted.state is not Stop.NO
    yield Finished(results.denoised, results.std, model, stopped, elapsed_s, results.lost)


def _results(
    job: Job,
    model: Model,
    volume: Volume,
    layout: Layout,
    device: torch.device,
    stop: _Latch,
) -> Generator[Event, None, Results]:
    """Save the model, denoise and save the image, as far as the job asks for it."""
    if job.save_model:
        model.save(job.save_model)
    if job.train_only or stop.state is Stop.HALT:
        return Results()
    with room_for(job, volume) as room:
        arrays = yield from predict(
            model,
            volume,
            layout,
            device=device,
            stop=stop,
            seed=job.seed,
            with_std=job.with_std or bool(job.uncertainty),
            into=room,
        )
        return saved(job, volume, arrays, room)


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


def _layouts(
    volumes: Sequence[Volume], spatial: Spatial | Literal["auto"], dims: tuple[int, ...]
) -> list[Layout]:
    """One layout per input; all agree on the number of spatial dimensions."""
    if spatial == "auto":
        thick = all(_depth(volume) >= _THINNEST_3D for volume in volumes)
        spatial = "ZYX" if thick and 3 in dims else "YX"
    if len(spatial) not in dims:
        raise InputError(f"This method does not work in {len(spatial)}D; use --spatial {dims[0]}D.")
    if spatial == "ZYX" and any("Z" not in volume.axes for volume in volumes):
        axes = next(volume.axes for volume in volumes if "Z" not in volume.axes)
        raise InputError(f"A 3D network needs a Z axis, the input has {axes}; use --spatial 2D.")
    return [Layout(volume.axes, volume.shape, spatial) for volume in volumes]


def _depth(volume: Volume) -> int:
    return volume.shape[volume.axes.index("Z")] if "Z" in volume.axes else 1


def _started(
    job: Job,
    method: methods.Method,
    layouts: Sequence[Layout],
    volume: Volume,
    device: torch.device,
    warning: str,
) -> Started:
    channels = {layout.n_channels for layout in layouts}
    if len(channels) > 1:
        raise InputError(f"The inputs have different numbers of channels: {sorted(channels)}.")
    return Started(
        shape=volume.shape,
        axes=volume.axes,
        note=volume.note,
        method=method.title,
        device=devices.describe(device),
        networks=1 if job.joint else channels.pop(),
        warning=warning,
    )


def _noise(model: Model) -> Generator[Event, None, None]:
    for network in model.networks:
        rows = zip(network.channels, network.noise, network.intervals, strict=True)
        for channel, law, ends in rows:
            gain, offset = (ends.gain, ends.offset) if ends else (None, None)
            yield NoiseFitted(channel, law.gain, law.offset, gain, offset)
