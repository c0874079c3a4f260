"""A trained model in one safetensors file. Nothing is unpickled."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open

from napari_blindspot import methods
from napari_blindspot.axes import DIMS, Layout, dims_of
from napari_blindspot.methods.base import Method, Parts, Spec
from napari_blindspot.noise import LawInterval, NoiseLaw
from napari_blindspot.normalization import Normalization
from napari_blindspot.params import InputError
from napari_blindspot.tensors import save_tensors

if TYPE_CHECKING:
    from torch import Tensor

    from napari_blindspot.axes import Spatial
    from napari_blindspot.io.base import Volume

FORMAT = 3
_KEY = "napari_blindspot"


@dataclass(frozen=True)
class TrainedNetwork:
    """A network with all that its prediction needs.

    Attributes
    ----------
    channels : tuple of int
        Channels of the data that it denoises together.
    spec : Spec
        What the method was told.
    parts : Parts
        The trained network and the calibrated predictor.
    normalization : Normalization
        Intensity scale, one entry per channel of `channels`.
    noise : tuple of NoiseLaw
        Fitted noise per channel, in the units of the input.
    losses : tuple of float
        Training loss, thinned to at most 1000 values.
    noise_intervals : tuple of LawInterval or None
        Intervals of `noise`, None where there were too few pixels; empty in models that were
        saved before they were kept.
    pace : str
        `Pace` of the training, as text; empty if it is not known or was that of all steps.
    """

    channels: tuple[int, ...]
    spec: Spec
    parts: Parts
    normalization: Normalization
    noise: tuple[NoiseLaw, ...]
    losses: tuple[float, ...]
    pace: str = ""
    noise_intervals: tuple[LawInterval | None, ...] = ()

    @property
    def intervals(self) -> tuple[LawInterval | None, ...]:
        """Interval of the noise of each channel, None where it is not known."""
        return self.noise_intervals or (None,) * len(self.noise)


@dataclass(frozen=True)
class Model:
    """One trained network, or one per channel.

    Attributes
    ----------
    method : Method
        Method and parameters that made it.
    spatial : str
        `YX`, `ZYX` or `TYX`.
    networks : tuple of TrainedNetwork
        The networks; their channels are those of the training data.
    """

    method: Method
    spatial: Spatial
    networks: tuple[TrainedNetwork, ...]

    @property
    def dims(self) -> str:
        """What its networks see: `2D`, `3D` or `2D+T`."""
        return dims_of(self.spatial)

    @property
    def n_channels(self) -> int:
        """Number of channels that the model denoises."""
        return sum(len(network.channels) for network in self.networks)

    def check_fits(self, volume: Volume) -> None:
        """Raise an InputError if the volume has other channels or axes than the model needs."""
        layout = Layout(volume.axes, volume.shape, self.spatial)
        if self.n_channels != layout.n_channels:
            raise InputError(
                f"The model was trained on {self.n_channels} channels, the input has "
                f"{layout.n_channels}; apply it to data like its training data."
            )

    def save(self, path: str | Path) -> None:
        """Write the model beside `path` and rename it.

        Raises
        ------
        InputError
            If the folder cannot be written.
        """
        tensors = {
            f"{i}.{name}": tensor.detach().cpu().contiguous()
            for i, network in enumerate(self.networks)
            for name, tensor in network.parts.network.state_dict().items()
        }
        save_tensors(Path(path).resolve(), tensors, {_KEY: json.dumps(self._header())})

    def _header(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "method": self.method.name,
            "params": self.method.values(),
            "spatial": self.spatial,
            "networks": [_describe(network) for network in self.networks],
        }


def load(path: str | Path) -> Model:
    """Model read from a file.

    Raises
    ------
    InputError
        If the file is missing, not one of ours, of another version, or damaged.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = _header_of(file.metadata(), path)
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path} cannot be read as a model: {error}.") from error
    try:
        method = methods.create(header["method"], header["params"])
        networks = tuple(
            _rebuild(method, entry, _tensors_of(i, tensors))
            for i, entry in enumerate(header["networks"])
        )
        return Model(method, _spatial(header["spatial"]), networks)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:150]
        raise InputError(f"{path} is a damaged model file: {reason}.") from error


def _header_of(metadata: dict[str, str] | None, path: str | Path) -> dict[str, Any]:
    if not metadata or _KEY not in metadata:
        raise InputError(f"{path} is not a model of napari-blindspot.")
    try:
        header: dict[str, Any] = json.loads(metadata[_KEY])
    except json.JSONDecodeError as error:
        raise InputError(f"{path} is a damaged model file: {error}.") from error
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise InputError(f"{path} has another model format; this version reads {FORMAT}.")
    return header


def _spatial(text: str) -> Spatial:
    found = next((space for space in DIMS.values() if space == text), None)
    if found is None:
        raise ValueError(f"spatial={text!r}")
    return found


def _describe(network: TrainedNetwork) -> dict[str, Any]:
    return {
        "channels": network.channels,
        "spec": dataclasses.asdict(network.spec),
        "normalization": dataclasses.asdict(network.normalization),
        "noise": [dataclasses.asdict(law) for law in network.noise],
        "noise_intervals": [
            interval and dataclasses.asdict(interval) for interval in network.noise_intervals
        ],
        "predictor": network.parts.predictor.state(),
        "losses": network.losses,
        "pace": network.pace,
    }


def _rebuild(method: Method, entry: dict[str, Any], tensors: dict[str, Tensor]) -> TrainedNetwork:
    spec = _spec(entry["spec"])
    parts = method.build(spec)
    parts.network.load_state_dict(tensors)
    parts.network.eval()
    parts = dataclasses.replace(parts, predictor=parts.predictor.restored(entry["predictor"]))
    return TrainedNetwork(
        channels=tuple(int(c) for c in entry["channels"]),
        spec=spec,
        parts=parts,
        normalization=Normalization(
            tuple(map(float, entry["normalization"]["mean"])),
            tuple(map(float, entry["normalization"]["std"])),
        ),
        noise=tuple(NoiseLaw(**law) for law in entry["noise"]),
        losses=tuple(map(float, entry["losses"])),
        pace=str(entry.get("pace", "")),
        noise_intervals=tuple(map(_interval, entry.get("noise_intervals", ()))),
    )


def _interval(ends: dict[str, Any] | None) -> LawInterval | None:
    if ends is None:
        return None
    (gain_low, gain_high), (offset_low, offset_high) = ends["gain"], ends["offset"]
    return LawInterval((float(gain_low), float(gain_high)), (float(offset_low), float(offset_high)))


def _floats(values: list[float]) -> tuple[float, ...]:
    return tuple(map(float, values))


def _spec(values: dict[str, Any]) -> Spec:
    return Spec(
        ndim=int(values["ndim"]),
        channels=int(values["channels"]),
        mean=tuple(map(float, values["mean"])),
        std=tuple(map(float, values["std"])),
        budget_s=float(values["budget_s"]),
        noise=tuple(NoiseLaw(**law) for law in values["noise"]),
        quantum=tuple(map(float, values["quantum"])),
        contrast=tuple(map(float, values.get("contrast", ()))),
        pixels=int(values.get("pixels", 0)),
        along=tuple((_floats(y), _floats(x)) for y, x in values.get("along", ())),
    )


def _tensors_of(index: int, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    prefix = f"{index}."
    return {
        key.removeprefix(prefix): tensor
        for key, tensor in tensors.items()
        if key.startswith(prefix)
    }
