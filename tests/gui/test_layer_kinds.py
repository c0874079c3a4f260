"""Every kind of layer can be denoised, or is refused in a sentence."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
import zarr

from napari_blindspot._gui.layers import KEY

pytestmark = pytest.mark.gui

RNG = np.random.default_rng(0)


def photons(*shape):
    return RNG.poisson(20.0, shape)


KINDS = {
    "signed": lambda: (photons(3, 32, 32) - 30).astype(np.int16),
    "4d big-endian": lambda: photons(2, 2, 32, 32).astype(">u2"),
    "5d": lambda: photons(2, 1, 2, 32, 32).astype(np.uint8),
    "boolean": lambda: photons(32, 32) > 20,
    "float16": lambda: photons(32, 32).astype(np.float16),
    "zarr": lambda: zarr.array(photons(3, 32, 32).astype(np.uint16), chunks=(1, 32, 32)),
}


def test_every_kind_of_layer_is_denoised(window, denoise):
    viewer, tab = window()
    for kind, pixels in KINDS.items():
        source = viewer.add_image(pixels(), name=kind, contrast_limits=(0, 40))
        tab.choose(layer=source)

        (result,) = denoise(viewer, tab, budget="2steps")

        assert result.name == f"{kind} · Noise2Void"
        assert result.data.shape == source.data.shape
        assert result.data.dtype == np.float32
        assert np.isfinite(result.data).all()
        assert tuple(result.contrast_limits) == (0, 40)
        viewer.layers.clear()


def test_multiscale_layer_is_denoised_at_its_finest_level(window, denoise):
    fine = photons(64, 64).astype(np.float32)
    viewer, tab = window()
    viewer.add_image([fine, fine[::2, ::2]], multiscale=True, name="pyramid")

    (result,) = denoise(viewer, tab, budget="2steps")

    assert result.data.shape == (64, 64)
    assert not result.multiscale


def test_colours_are_split_on_request(window, denoise):
    viewer, tab = window(photons(40, 48, 3).astype(np.uint8), rgb=True, name="stain")
    assert not tab.actions.denoise_button.isEnabled()

    tab.image.split.click()

    assert [layer.name for layer in viewer.layers][1:] == [
        "stain · red",
        "stain · green",
        "stain · blue",
    ]
    tab.choose(layer=viewer.layers["stain · green"])
    (result,) = denoise(viewer, tab, budget="2steps")
    assert result.data.shape == (40, 48)
    assert result.colormap.name == "green"


class Counting:
    """An array that counts the values that are read of it."""

    def __init__(self, shape):
        self.shape, self.dtype, self.ndim = shape, np.dtype(np.uint16), len(shape)
        self.largest = 0

    def __getitem__(self, index):
        places = np.broadcast_to(np.uint16(0), self.shape)[index]
        self.largest = max(self.largest, places.size)
        return 20 + RNG.poisson(20.0, places.shape).astype(np.uint16)


def test_a_lazy_layer_is_never_loaded_whole(window, denoise, monkeypatch):
    counting = Counting((30, 96, 96))
    lazy = da.from_array(counting, chunks=(1, 96, 96), asarray=False, meta=np.empty(0, np.uint16))
    # From how many values on an image counts as large: 32 million otherwise.
    monkeypatch.setattr("napari_blindspot.sources.WHOLE", 50_000)
    viewer, tab = window()
    viewer.add_image(lazy, contrast_limits=(0, 100), name="long", axis_labels=("t", "y", "x"))
    assert counting.largest <= 96 * 96

    (result,) = denoise(viewer, tab, budget="2steps")

    assert result.data.shape == lazy.shape
    assert np.isfinite(result.data).all()
    assert counting.largest <= lazy.size / 10


def test_a_result_above_the_memory_limit_is_a_lazy_layer_from_a_file(
    window, denoise, tmp_path, monkeypatch
):
    from napari_blindspot._gui import denoise_tab
    from napari_blindspot._gui.settings import Settings

    settings = Settings(memory_limit_gb=1e-5, output_folder=str(tmp_path))
    monkeypatch.setattr(denoise_tab, "read_settings", lambda: settings)
    viewer, tab = window(photons(4, 64, 64).astype(np.uint16), name="stack")

    (result,) = denoise(viewer, tab, budget="2steps")

    assert not isinstance(result.data, np.ndarray)
    assert np.isfinite(np.asarray(result.data)).all()
    (file,) = tmp_path.glob("*.ome.zarr")
    assert "stack" in file.name
    assert str(file) in result.metadata[KEY]["job"]
