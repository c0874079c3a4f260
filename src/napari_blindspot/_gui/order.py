"""What the user has ordered: the work for the thread, and how its result becomes layers."""

from __future__ import annotations

import dataclasses
import re
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_blindspot import __version__, methods
from napari_blindspot._gui.free_path import free_path
from napari_blindspot._gui.lazy import sliceable
from napari_blindspot._gui.look import Look, add_above
from napari_blindspot._gui.repeating import Repeat
from napari_blindspot.events import Finished
from napari_blindspot.halting import Stop
from napari_blindspot.regions import cropped, parse_region

if TYPE_CHECKING:
    from collections.abc import Generator, Hashable

    from napari.components import ViewerModel

    from napari_blindspot.events import Event, Watching
    from napari_blindspot.halting import StopFlag
    from napari_blindspot.io.base import Region, Volume
    from napari_blindspot.job import Job
    from napari_blindspot.model import Model

_BYTES_OF_RESULT = 4
_COVERING = ("opaque", "translucent", "translucent_no_depth")


@dataclass(frozen=True)
class Subject:
    """A layer to work on, as it was when the work was ordered.

    Attributes
    ----------
    layer : Image
        The layer; it may be renamed or removed while the work goes on.
    look : Look
        How it was placed and shown.
    volume : Volume
        Its pixels.
    """

    layer: Any
    look: Look
    volume: Volume

    @property
    def key(self) -> Hashable:
        """What tells this layer from all others."""
        key: Hashable = self.layer.unique_id
        return key


@dataclass(frozen=True)
class Order:
    """One run: learn from a layer, or take a model, and apply it to a layer.

    Attributes
    ----------
    job : Job
        What to do.
    source, target : Subject
        What is learned from, and what is denoised; mostly the same.
    model : Model or None
        A model to apply in place of learning.
    residual : bool
        Whether the user wants the difference of the noisy and the denoised image.
    model_file : str
        File of that model; empty for a model that is not saved.
    """

    job: Job
    source: Subject
    target: Subject
    model: Model | None = None
    residual: bool = False
    model_file: str = ""

    @property
    def title(self) -> str:
        """Title of the method."""
        name = self.model.method.name if self.model else self.job.method
        return methods.get(name).title

    @property
    def is_double(self) -> bool:
        """Whether one layer is learned from and another one denoised."""
        return self.source is not self.target and self.model is None

    def work(self, stop: StopFlag, watching: Watching | None) -> Generator[Event, None, None]:
        """Do it; to be called in a thread."""
        from napari_blindspot.run import run

        if not self.is_double:
            yield from run(
                self.job,
                stop,
                [self.target.volume],
                watching=watching,
                model=self.model,
                keep_partial=True,
            )
            return
        learn, apply = self.two_jobs()
        learned = None
        learning = run(learn, stop, [self.source.volume], watching=watching)
        with closing(learning):
            for event in learning:
                if isinstance(event, Finished):
                    learned = event
                else:
                    yield event
        if learned is not None and stop() is Stop.HALT:
            yield learned
        elif learned is not None:
            volumes = [self.target.volume]
            yield from run(apply, stop, volumes, model=learned.model, keep_partial=True)

    def two_jobs(self) -> tuple[Job, Job]:
        """The job that learns from one layer, and the one that denoises another."""
        learn = dataclasses.replace(
            self.job, train_only=True, output=None, uncertainty=None, apply_on=None
        )
        apply = dataclasses.replace(
            self.job, train_on=None, held_out=False, early_stop=False, apply_on=None
        )
        return learn, apply


def stored(order: Order, limit_bytes: float, folder: Path) -> Order:
    """The order with files for its results, if they would take more memory than allowed."""
    values = order.target.volume.nbytes / order.target.volume.dtype.itemsize
    copies = 2 if order.job.with_std else 1
    if values * _BYTES_OF_RESULT * copies <= limit_bytes:
        return order
    stem = _file_name(f"{order.target.look.name} {order.title}")
    output = free_path(folder, stem, ".ome.zarr")
    std = str(free_path(folder, f"{stem} uncertainty", ".ome.zarr")) if order.job.with_std else None
    job = dataclasses.replace(order.job, output=str(output), uncertainty=std, float32=True)
    return dataclasses.replace(order, job=job)


def add_results(viewer: ViewerModel, order: Order, finished: Finished) -> list[Any]:
    """Add the layers of a run: the denoised image and what else was asked for.

    Returns
    -------
    list of Image
        Nothing where no pixel was denoised; the denoised image is the first one.
    """
    if finished.denoised is None:
        return []
    region = region_of(order.job.apply_on, order.target.volume)
    look, source = look_of_part(order.target.look, region), order.target.layer
    record = record_of(order, finished)
    done = finished.done
    title = order.title if done >= 1 else f"{order.title} ({100 * done:.0f} %)"
    pixels = sliceable(finished.denoised.data)
    added = [add_above(viewer, source, pixels, look.denoised(title, record))]
    extra = {}
    if finished.std is not None and order.job.with_std:
        extra["uncertainty"] = sliceable(finished.std.data)
    if order.residual:
        extra["residual"] = difference(_noisy_part(order), pixels)
    if str(added[0].blending) not in _COVERING and source in viewer.layers:
        # Both together would be twice as bright.
        source.visible = False
    for what, values in extra.items():
        kwargs = look.derived(title, what, values, record)
        added.append(add_above(viewer, source, values, kwargs))
        added[-1].visible = False
    return added


def record_of(order: Order, finished: Finished) -> dict[str, Any]:
    """What the metadata of a result say about its origin."""
    job = finished.job or order.job
    model = finished.model
    return {
        "version": __version__,
        "job": job.to_json(),
        "method": model.method.name,
        "params": model.method.values(),
        "source": order.source.look.name,
        "applied_to": order.target.look.name,
        "complete": finished.done >= 1,
        "noise": [
            {"channel": channel, "gain": law.gain, "offset": law.offset}
            for network in model.networks
            for channel, law in zip(network.channels, network.noise, strict=True)
        ],
        "loss": [network.losses[-1] for network in model.networks if network.losses],
        "elapsed_s": finished.elapsed_s,
    }


def repeat_of(order: Order, finished: Finished) -> Repeat:
    """The jobs that do the same again."""
    job = finished.job or order.job
    if not order.is_double:
        return Repeat((job,))
    paces = tuple(network.pace for network in finished.model.networks)
    learn, apply = order.two_jobs()
    threads = job.threads
    return Repeat(
        (
            dataclasses.replace(learn, pace=paces if any(paces) else (), threads=threads),
            dataclasses.replace(apply, threads=threads),
        )
    )


def difference(noisy: Any, denoised: Any) -> Any:
    """Noisy minus denoised, computed where it is looked at if the pixels are not in memory."""
    return sliceable(noisy).astype(np.float32) - sliceable(denoised)


def region_of(text: str | None, volume: Volume) -> Region | None:
    """One slice with both ends per axis for the text of a region; None for all."""
    if not text:
        return None
    parts = parse_region(text)
    spans = zip(volume.axes, volume.shape, strict=True)
    return tuple(slice(*parts.get(axis, slice(None)).indices(length)) for axis, length in spans)


def look_of_part(look: Look, region: Region | None) -> Look:
    """The look of a part, or of all."""
    return look if region is None else look.part(region)


def _noisy_part(order: Order) -> Any:
    part = cropped(order.target.volume, order.job.apply_on)
    return part.data


def _file_name(text: str) -> str:
    """A name that every file system takes."""
    return re.sub(r"[^\w .-]+", "-", text).strip(" .-") or "denoised"
