"""Make the sample data: simulated images, each noisy and true, with physical sizes.

Run `python sample_data/make_samples.py` in an environment with napari-blindspot. The seeds are
fixed: the pixels come out the same each time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_blindspot import simulate
from napari_blindspot.simulate import Camera, Photons

CAMERA = Camera(gain=2.0, offset=100.0, read_noise=3.0)
VOXEL_UM = (2.0, 0.5, 0.5)


@dataclass(frozen=True)
class Sample:
    """One scene: how it is made and what its file says about it."""

    axes: str
    seed: int
    scene: Callable[[np.random.Generator], Photons]
    metadata: dict[str, Any]


def _pixel_size(**sizes_um: float) -> dict[str, Any]:
    sizes = {f"PhysicalSize{axis}": size for axis, size in sizes_um.items()}
    return sizes | {f"PhysicalSize{axis}Unit": "µm" for axis in sizes_um}


SAMPLES = {
    "planaria": Sample(
        axes="ZYX",
        seed=20,
        scene=lambda rng: simulate.planaria((24, 160, 160), rng, peak=60.0, scale_um=VOXEL_UM),
        metadata=_pixel_size(Z=2.0, Y=0.5, X=0.5) | {"Channel": {"Name": ["nuclei"]}},
    ),
    "filaments": Sample(
        axes="YX",
        seed=21,
        scene=lambda rng: simulate.filaments((256, 256), rng, peak=40.0),
        metadata=_pixel_size(Y=0.1, X=0.1) | {"Channel": {"Name": ["filaments"]}},
    ),
    "timelapse": Sample(
        axes="TCYX",
        seed=22,
        scene=lambda rng: simulate.timelapse((8, 128, 128), rng, peak=40.0),
        metadata=_pixel_size(Y=0.25, X=0.25)
        | {"TimeIncrement": 30.0, "TimeIncrementUnit": "s"}
        | {"Channel": {"Name": ["nuclei", "filaments"]}},
    ),
}


def make(sample: Sample) -> tuple[NDArray[np.unsignedinteger[Any]], NDArray[np.float32]]:
    """Noisy image and truth, both in grey values; the truth is what the camera sees on average."""
    rng = np.random.default_rng(sample.seed)
    # Sixteenths of a grey value: the file packs well, and the last bits of a platform's
    # floating-point arithmetic cannot reach the random numbers.
    truth = np.rint(16 * CAMERA.expected(sample.scene(rng))) / np.float32(16)
    photons = (truth.astype(np.float64) - CAMERA.offset) / CAMERA.gain
    return CAMERA.expose(photons, rng), truth.astype(np.float32)


def write(folder: Path) -> None:
    """Write `NAME_noisy.ome.tif` and `NAME_truth.ome.tif` of every sample into `folder`."""
    for name, sample in SAMPLES.items():
        for kind, pixels in zip(("noisy", "truth"), make(sample), strict=True):
            file = folder / f"{name}_{kind}.ome.tif"
            # Left to itself, the writer makes a UUID of the computer's own address.
            own = {"axes": sample.axes, "Name": name, "UUID": str(uuid5(NAMESPACE_OID, file.name))}
            tifffile.imwrite(
                file,
                pixels,
                ome=True,
                photometric="minisblack",
                compression="zlib",
                metadata=own | sample.metadata,
            )
            print(f"{file.name}: {sample.axes} {pixels.shape} {pixels.dtype}")


if __name__ == "__main__":
    write(Path(__file__).parent)
