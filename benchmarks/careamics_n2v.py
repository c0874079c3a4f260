"""Train CAREamics' Noise2Void on one image and denoise it; `peers.py` and `race.py` call this.

    python benchmarks/careamics_n2v.py noisy.npy denoised.npy --epochs 30
    python benchmarks/careamics_n2v.py noisy.npy denoised.npy --epochs 100 --curve folder --n2v2

It runs in an environment with CAREamics, knows nothing of napari-blindspot, and prints the
seconds of training and prediction as JSON on its last line. With `--curve` a folder gets what the
network makes of the image after growing numbers of epochs; the clock stands meanwhile, and the
seconds of the final prediction are added to each.
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
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

BATCH_SIZE = 16
PATCH_SIZE = (64, 64)
EPOCHS = (1, 2, 3, 5, 8, 12, 20, 30, 45, 70, 100, 150, 200)  # looked at in a curve


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


class Looks:
    """Denoises the image after growing numbers of epochs, while the clock stands."""

    def __init__(self, began: float) -> None:
        self.began, self.looking_s, self.startup_s = began, 0.0, None
        self.points: list[tuple[float, int, NDArray[np.float32]]] = []

    def callback(self, noisy: NDArray[np.float32]) -> Any:
        import torch
        from lightning.pytorch.callbacks import Callback

        mean, std = float(noisy.mean()), float(noisy.std())
        shown = torch.from_numpy((noisy - mean) / std)[None, None]
        looks, start = self, time.perf_counter()

        class Look(Callback):
            def on_train_batch_end(self, *_: Any) -> None:
                if looks.startup_s is None:
                    looks.startup_s = time.time() - looks.began

            def on_train_epoch_end(self, trainer: Any, module: Any) -> None:
                epoch = trainer.current_epoch + 1
                if epoch not in EPOCHS:
                    return
                spent = time.perf_counter() - start - looks.looking_s
                network = module.model.eval()
                with torch.no_grad():
                    image = network(shown)[0, 0].numpy() * std + mean
                network.train()
                looks.points.append((spent, epoch, image))
                looks.looking_s = time.perf_counter() - start - spent

        return Look()

    def save(self, folder: Path, final: NDArray[np.float32], prediction_s: float) -> None:
        """Keep the curve, whose last image is that of CAREamics' own prediction."""
        from curves import Curve

        if self.points:
            self.points[-1] = (*self.points[-1][:2], final)

        curve = Curve(folder, startup_s=self.startup_s)
        for spent, epoch, image in self.points:
            curve.add(image, spent + prediction_s, label=f"{epoch} epochs")
        curve.save()


def denoise(
    noisy: NDArray[np.float32],
    epochs: int,
    seed: int,
    folder: Path,
    *,
    n2v2: bool = False,
    looks: Looks | None = None,
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
        use_n2v2=n2v2,
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
    callbacks = [looks.callback(noisy)] if looks else None
    peer = CAREamist(config, work_dir=folder, enable_progress_bar=False, callbacks=callbacks)
    peer.train(train_data=noisy)
    trained = time.perf_counter()
    predictions, _ = peer.predict(noisy, tile_size=(256, 256), tile_overlap=(48, 48))
    seconds = {
        "training_s": trained - start - (looks.looking_s if looks else 0.0),
        "prediction_s": time.perf_counter() - trained,
    }
    return np.asarray(predictions[0], np.float32).reshape(noisy.shape), seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("noisy", type=Path)
    parser.add_argument("denoised", type=Path)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--n2v2", action="store_true")
    parser.add_argument("--curve", type=Path)
    options = parser.parse_args()
    looks = Looks(psutil.Process().create_time()) if options.curve else None
    stand_in_for_torchvision()
    noisy = np.load(options.noisy).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        denoised, seconds = denoise(
            noisy, options.epochs, options.seed, Path(folder), n2v2=options.n2v2, looks=looks
        )
    if looks:
        looks.save(options.curve, denoised, seconds["prediction_s"])
    np.save(options.denoised, denoised)
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
