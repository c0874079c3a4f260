"""The weights that come with the package."""

from __future__ import annotations

import functools
import json
from importlib.resources import as_file, files

import torch
from safetensors import safe_open
from torch import Tensor

from napari_blindspot.networks.prior import PriorUNet
from napari_blindspot.noise import NoiseLaw

_FILE = "prior.safetensors"


def pretrained(ndim: int, law: NoiseLaw, *, added: float = 0.0) -> PriorUNet:
    """Network that has learned from simulated microscopy, for noise of this law.

    In 3D its kernels are those of 2D in their middle plane and 0 above and below: it begins by
    denoising plane by plane, and what it learns from then on is about volumes.

    Parameters
    ----------
    ndim : int
        2 or 3.
    law : NoiseLaw
        Noise of the one channel.
    added : float
        See `PriorUNet`.
    """
    made_by, weights = _stored()
    network = PriorUNet(ndim, law, width=made_by["width"], depth=made_by["depth"], added=added)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            middle = parameter if ndim == 2 or parameter.ndim < 5 else _middle(parameter.zero_())
            middle.copy_(weights[name])
    return network


def _middle(kernel: Tensor) -> Tensor:
    """Its plane in the middle of Z."""
    return kernel[:, :, kernel.shape[2] // 2]


@functools.cache
def _stored() -> tuple[dict[str, int], dict[str, Tensor]]:
    with (
        as_file(files("napari_blindspot.networks") / "weights" / _FILE) as path,
        safe_open(path, framework="pt") as file,
    ):
        made_by = json.loads(file.metadata()["prior"])
        return made_by, {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
