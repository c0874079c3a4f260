"""Train CAREamics' Noise2Void on one image and denoise it; `peers.py` calls this.

    python benchmarks/careamics_n2v.py noisy.npy denoised.npy --epochs 30

It runs in an environment with CAREamics, knows nothing of napari-blindspot, and prints the
seconds of training and prediction as JSON on its last line.
"""

from __future__ import annotations

import argparse
import importlib.machinery
import importlib.util
import json
import sys
import tempfile
import time
import types
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

BATCH_SIZE = 16
PATCH_SIZE = (64, 64)


def stand_in_for_torchvision() -> None:
    """Let CAREamics be imported without torchvision.

    It wants torchvision for a version number in exported models and for networks other than
    N2V's U-Net. There is no build of torchvision for torch without CUDA in the package index.
    """
    if importlib.util.find_spec("torchvision") is not None:
        return
    # torchmetrics looks for torchvision when it is imported, and must not find the stand-in.
    importlib.import_module("torchmetrics")
    names = ("torchvision", "torchvision.transforms", "torchvision.transforms.functional")
    for name in names:
        module = types.ModuleType(name)
        module.__spec__ = importlib.machinery.ModuleSpec(name, loader=None)
        sys.modules[name] = module
    sys.modules["torchvision"].__version__ = "0.0.0"  # type: ignore[attr-defined]


def denoise(
    noisy: NDArray[np.float32], epochs: int, seed: int, folder: Path
) -> tuple[NDArray[np.float32], dict[str, float]]:
    """Denoised image `(Y, X)` and the seconds it took, with CAREamics' own defaults."""
    from careamics import CAREamist
    from careamics.config import create_n2v_config
    from lightning.pytorch import seed_everything

    seed_everything(seed)
    patches = int(
        np.prod([size // side for size, side in zip(noisy.shape, PATCH_SIZE, strict=True)])
    )
    config = create_n2v_config(
        experiment_name="peer",
        data_type="array",
        axes="YX",
        patch_size=PATCH_SIZE,
        batch_size=BATCH_SIZE,
        num_epochs=epochs,
        # Its default of 8, unless that would keep more than an eighth of a small image.
        n_val_patches=max(1, min(8, patches // 8)),
    )
    start = time.perf_counter()
    peer = CAREamist(config, work_dir=folder, enable_progress_bar=False)
    peer.train(train_data=noisy)
    trained = time.perf_counter()
    predictions, _ = peer.predict(noisy, tile_size=(256, 256), tile_overlap=(48, 48))
    seconds = {
        "training_s": trained - start,
        "prediction_s": time.perf_counter() - trained,
    }
    return np.asarray(predictions[0], np.float32).reshape(noisy.shape), seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("noisy", type=Path)
    parser.add_argument("denoised", type=Path)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    stand_in_for_torchvision()
    noisy = np.load(options.noisy).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        denoised, seconds = denoise(noisy, options.epochs, options.seed, Path(folder))
    np.save(options.denoised, denoised)
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
