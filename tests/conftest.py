"""Shape checks at run time, limited threads, and the markers that skip tests."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import hypothesis
import jaxtyping
import pytest
import torch

# The hook can change only modules that are imported after it.
if "napari_blindspot" in sys.modules:
    raise RuntimeError("napari_blindspot was imported before the shape checks could be installed")
jaxtyping.install_import_hook("napari_blindspot", "shape_checks.checked")

# A busy machine makes no example wrong.
hypothesis.settings.register_profile("house", deadline=None)
hypothesis.settings.load_profile("house")

# More threads than cores, or than small test images can feed, only slow the suite down.
_WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
_THREADS = max(min(4, (os.cpu_count() or 1) // _WORKERS), 1)
torch.set_num_threads(_THREADS)
os.environ["OMP_NUM_THREADS"] = str(_THREADS)  # of the processes that tests start


def pytest_collection_modifyitems(items):
    skips = {
        "cuda": (not torch.cuda.is_available(), "no CUDA device"),
        "gui": (not _has_display(), "no display; use `make test` or xvfb-run"),
    }
    for item in items:
        for marker, (skip, reason) in skips.items():
            if skip and item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))
        # Coverage leaves the window out, and whoever trains takes twice as long when traced: the
        # tests that train most are marked `no_cover`, too.
        if item.get_closest_marker("gui"):
            item.add_marker(pytest.mark.no_cover)


def _has_display():
    if not sys.platform.startswith("linux"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


@pytest.fixture(scope="session")
def shared_data():
    """Folder of the reference data beside the checkout."""
    folder = Path(__file__).parents[1] / ".." / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the reference data ../shared/data is not beside this checkout")
    return folder.resolve()


@pytest.fixture(autouse=True)
def small_prior(request, monkeypatch):
    """A small network that knows nothing in the place of the pretrained one, which takes its time.

    Tests of what that one knows are marked `pretrained`; processes that a test starts have it, too.
    """
    if request.node.get_closest_marker("pretrained"):
        return
    from napari_blindspot.networks import PriorUNet
    from napari_blindspot.noise import NoiseLaw

    size = {"width": 8, "depth": 1}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        weights = dict(PriorUNet(3, NoiseLaw(1.0, 0.0), **size).named_parameters())
    monkeypatch.setattr("napari_blindspot.networks.shipped._stored", lambda: (size, weights))


@pytest.fixture
def few_pixels(monkeypatch):
    """Noise fitted to a tenth of the usual pixels, which takes longer than a training of few steps.

    For tests of the way that data take; processes that a test starts fit to the usual number.
    """
    monkeypatch.setattr("napari_blindspot.fitting._PIXELS_IN_TRAINING", 30_000)
    monkeypatch.setattr("napari_blindspot.fitting._PIXELS_AT_THE_END", 100_000)
