"""The weights that come with the package."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from importlib.resources import as_file, files

import torch
from safetensors import safe_open
from torch import Tensor

from napari_blindspot.networks.prior import WHITE, PriorUNet
from napari_blindspot.noise import NoiseLaw

_FILE = "prior.safetensors"


def pretrained(
    ndim: int, law: NoiseLaw, *, added: float = 0.0, correlation: Sequence[float] = WHITE
) -> PriorUNet:
    """Network that has learned from simulated microscopy, for noise of this law.

    Parameters
    ----------
    ndim : int
        2 or 3; in 2D the network lacks the weights of neighbouring planes.
    law : NoiseLaw
        Noise of the one channel.
    added, correlation
        See `PriorUNet`.
    """
    made_by, weights = _stored()
    size = {"width": made_by["width"], "depth": made_by["depth"]}
    network = PriorUNet(ndim, law, **size, added=added, correlation=correlation)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            shared = tuple(map(slice, parameter.shape))
            parameter.copy_(weights[name][shared])
    return network


@functools.cache
def _stored() -> tuple[dict[str, int], dict[str, Tensor]]:
    with (
        as_file(files("napari_blindspot.networks") / "weights" / _FILE) as path,
        safe_open(path, framework="pt") as file,
    ):
        made_by = json.loads(file.metadata()["prior"])
        return made_by, {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
