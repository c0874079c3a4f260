"""The image sets of the benchmarks: noisy image, truth, and the data range of their PSNR.

The measured sets lie in a folder `shared/data` beside the checkout, or where `BLINDSPOT_DATA`
points to. The simulated set is made here.

    python benchmarks/images.py      list all images with the PSNR of the noisy one
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from skimage.io import imread

from napari_blindspot import simulate
from napari_blindspot.quality import affine_psnr, psnr
from napari_blindspot.simulate import Camera

DATA = Path(
    os.environ.get("BLINDSPOT_DATA", Path(__file__).resolve().parents[2] / "shared" / "data")
)
CAMERA = Camera(gain=2.0, offset=100.0, read_noise=2.0)
PHOTONS = (3, 10, 30, 100)


@dataclass(frozen=True)
class BenchmarkImage:
    """One noisy image `(Y, X)` or volume `(Z, Y, X)` with its truth.

    Without `data_range` the two are not on the same intensity scale.
    """

    name: str
    noisy: NDArray[Any]
    truth: NDArray[Any]
    data_range: float | None

    def psnr(self, result: NDArray[Any]) -> float:
        """PSNR in dB, affine PSNR where intensities are not on the scale of the truth."""
        if self.data_range is None:
            return affine_psnr(result, self.truth)
        return psnr(result, self.truth, self.data_range)


def fmd() -> Iterator[BenchmarkImage]:
    """Confocal images of the FMD data set, 8 bit, truth = mean of 50 frames."""
    for name in ("BPAE_G", "fish", "mice", "BPAE_B", "BPAE_R"):
        noisy, truth = (
            tifffile.imread(DATA / "fmd_confocal" / kind / f"{name}.tif")
            for kind in ("noisy", "gt")
        )
        yield BenchmarkImage(name, noisy, truth, 255.0)


def hazelnut() -> Iterator[BenchmarkImage]:
    """Photon counts, frame 0 of each file; the peak is the range of the truth without outliers.

    The truth of `hazelnut_frame` is the mean of the other four scans: that of all five holds a
    fifth of the noise that is to be removed.
    """
    folder = DATA / "photon_hazelnut"
    scans = tifffile.imread(folder / "noisy_frames_T5.tif")
    yield _counts("hazelnut_frame", scans[0], scans[1:].mean(0))
    yield _counts("hazelnut_frame_mean5", scans[0], tifffile.imread(folder / "gt_mean_of_5.tif"))
    low = tifffile.imread(folder / "noisy_lowlight_T40.tif")
    yield _counts("hazelnut_low", low[0], tifffile.imread(folder / "gt_lowlight_total_div40.tif"))


def _counts(name: str, noisy: NDArray[Any], truth: NDArray[Any]) -> BenchmarkImage:
    return BenchmarkImage(name, noisy, truth, float(np.percentile(truth, 99.9) - truth.min()))


def zebrafish() -> Iterator[BenchmarkImage]:
    """One shot of a zebrafish, 8 bit."""
    folder = DATA / "fmd_zebrafish_widefield"
    noisy = imread(folder / "Raw_Images" / "Confocal_FISH_3.png")
    truth = imread(folder / "Target_Images" / "gt_Confocal_FISH_3.png")
    yield BenchmarkImage("Confocal_FISH_3", noisy, truth, 255.0)


def widefield() -> Iterator[BenchmarkImage]:
    """Channels of a wide-field camera, 8 bit, contrast-stretched, with correlated noise."""
    folder = DATA / "fmd_zebrafish_widefield"
    noisy = imread(folder / "Raw_Images" / "WideField_BPAE_raw_rgb_new1.png")
    truth = imread(folder / "Target_Images" / "WideField_BPAE_gt_rgb_new1.png")
    for channel, name in enumerate(("widefield_R", "widefield_G", "widefield_B")):
        yield BenchmarkImage(name, noisy[..., channel], truth[..., channel], None)


def simulated() -> Iterator[BenchmarkImage]:
    """Nuclei, filaments and tissue with 3 to 100 photons in the brightest pixel."""
    for scene in ("nuclei", "filaments", "tissue"):
        for photons in PHOTONS:
            clean = _scene(scene, float(photons))
            noisy = CAMERA.expose(clean, np.random.default_rng(1000 + photons))
            data_range = CAMERA.gain * float(clean.max() - clean.min())
            truth = CAMERA.expected(clean)
            yield BenchmarkImage(f"{scene}_{photons}", noisy, truth, data_range)


def _scene(scene: str, peak: float) -> simulate.Photons:
    # The seed of a scene does not depend on the peak: the same structures at every exposure.
    background = 0.05 * peak
    if scene == "nuclei":
        rng = np.random.default_rng(11)
        return simulate.nuclei((256, 256), rng, peak=peak, background=background)
    if scene == "filaments":
        rng = np.random.default_rng(12)
        return simulate.filaments((256, 256), rng, peak=peak, background=background)
    rng = np.random.default_rng(13)
    return simulate.planaria((15, 256, 256), rng, peak=peak, background=background)[2]


def planaria() -> Iterator[BenchmarkImage]:
    """Volumes like those of a flatworm: Poisson noise with 30 and 50 photons at the peak."""
    for peak in (30.0, 50.0):
        clean = simulate.planaria((12, 128, 128), np.random.default_rng(14), peak=peak)
        noisy = np.random.default_rng(int(peak)).poisson(clean).astype(np.float32)
        yield BenchmarkImage(f"planaria_{peak:.0f}", noisy, clean, float(peak))


SETS: dict[str, Callable[[], Iterator[BenchmarkImage]]] = {
    "fmd": fmd,
    "hazelnut": hazelnut,
    "zebrafish": zebrafish,
    "widefield": widefield,
    "simulated": simulated,
    "planaria": planaria,
}


def load(names: list[str]) -> list[tuple[str, BenchmarkImage]]:
    """Images of the named sets, each with the name of its set."""
    return [(name, image) for name in names for image in SETS[name]()]


def main() -> None:
    for set_name, image in load(list(SETS)):
        scale = "affine" if image.data_range is None else f"range {image.data_range:.1f}"
        shape = "x".join(map(str, image.noisy.shape))
        print(
            f"{set_name:10} {image.name:16} {shape:10} {image.noisy.dtype} "
            f"{scale:12}  noisy {image.psnr(image.noisy):5.2f} dB"
        )


if __name__ == "__main__":
    main()
