"""Seconds of CAREamics' training steps and of its tiled prediction; `throughput.py` calls this.

python benchmarks/careamics_speed.py noisy.npy --epochs 8
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from careamics_n2v import BATCH_SIZE, PATCH_SIZE, stand_in_for_torchvision


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("noisy", type=Path)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--learn-from", type=int, default=512, help="side of what is trained on")
    parser.add_argument("--threads", type=int, required=True)
    options = parser.parse_args()
    stand_in_for_torchvision()
    import torch
    from careamics import CAREamist
    from careamics.config import create_n2v_config
    from lightning.pytorch.callbacks import Callback

    torch.set_num_threads(options.threads)
    ends: list[tuple[float, int]] = []

    class Times(Callback):
        def on_train_epoch_end(self, trainer: Any, _: Any) -> None:
            ends.append((time.perf_counter(), trainer.global_step))

    noisy = np.load(options.noisy).astype(np.float32)
    config = create_n2v_config(
        experiment_name="peer", data_type="array", axes="YX", patch_size=PATCH_SIZE,
        batch_size=BATCH_SIZE, num_epochs=options.epochs,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        peer = CAREamist(
            config, work_dir=Path(folder), enable_progress_bar=False, callbacks=[Times()]
        )
        peer.train(train_data=noisy[: options.learn_from, : options.learn_from])
        began = time.perf_counter()
        peer.predict(noisy, tile_size=(256, 256), tile_overlap=(48, 48))
        predicted = time.perf_counter() - began
    (first, before), (last, after) = ends[0], ends[-1]
    step = (last - first) / (after - before)
    print(json.dumps({"step_s": step, "predict_s": predicted}))


if __name__ == "__main__":
    main()
