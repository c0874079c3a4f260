"""Layers as volumes: axes, units, every type of values, lazy arrays, colours and files."""

from __future__ import annotations

from types import SimpleNamespace

import dask.array as da
import numpy as np
import pytest
import tifffile
import zarr
from napari.components import ViewerModel
from napari.layers import Image

from layer_kinds import counted_dask, odd_layer
from napari_blindspot import sample_data_path
from napari_blindspot._gui.layers import (
    axes_of,
    file_of,
    pixels_of,
    split_channels,
    volume_of,
)
from napari_blindspot.io import open_volume, save_volume
from napari_blindspot.params import InputError
from napari_blindspot.regions import cropped

LIMITS = {"contrast_limits": (0, 1)}


def layer(shape, **fields):
    return Image(np.zeros(shape, np.float32), **{**LIMITS, **fields})


@pytest.mark.parametrize(
    ("labels", "axes"),
    [
        (("t", "z", "y", "x"), "TZYX"),
        (("Time", "Channel", "Y", "X"), "TCYX"),
        (("z", "c", "y", "x"), "ZCYX"),
        (("x", "y", "z", "t"), "XYZT"),
        (("t", "time", "y", "x"), "TZYX"),
        (("slice", "t", "y", "x"), "TZYX"),
        (("", "z", "y", "x"), "TZYX"),
        (("t", "z", "row", "column"), "TZYX"),
        (None, "TZYX"),
    ],
)
def test_labels_name_the_axes_and_else_they_are_guessed(labels, axes):
    assert axes_of(layer((5, 6, 40, 50), axis_labels=labels)) == axes


@pytest.mark.parametrize(
    ("shape", "axes"), [((40, 50), "YX"), ((7, 40, 50), "ZYX"), ((9, 2, 40, 50), "ZCYX")]
)
def test_axes_without_names_are_those_of_the_core(shape, axes):
    assert axes_of(layer(shape)) == axes


@pytest.mark.parametrize("last", [3, 4])
def test_a_short_last_axis_is_no_colour_unless_the_layer_says_so(last):
    assert axes_of(layer((9, 40, last), rgb=False)) == "ZYX"
    assert axes_of(layer((9, 8, 40, 40, last), rgb=False)) == "TZCYX"


def test_an_axis_in_seconds_is_time():
    timed = layer((50, 40, 40), units=("second", "micrometer", "micrometer"))
    assert axes_of(timed) == "TYX"
    assert axes_of(layer((50, 40, 40), units="micrometer")) == "ZYX"


def test_six_axes_without_names_get_a_sentence():
    with pytest.raises(InputError, match="has 6 axes"):
        axes_of(layer((2, 2, 2, 2, 20, 20)))


def test_scale_and_units_are_in_the_words_of_files():
    volume = volume_of(odd_layer(scale=(30.0, -2.0, 0.5, 0.25)))
    assert volume.axes == "TZYX"
    assert volume.scale == (30.0, 2.0, 0.5, 0.25)
    assert volume.units == ("second", "micrometer", "micrometer", "micrometer")

    unknown = volume_of(layer((5, 6, 40, 50)))
    assert unknown.scale == (1.0,) * 4
    assert unknown.units == ("", "pixel", "pixel", "pixel")

    rare = volume_of(layer((40, 50), units=("um", "kilometer")))
    assert rare.units == ("micrometer", "kilometer")


def test_a_volume_of_a_layer_survives_a_file(tmp_path):
    volume = volume_of(odd_layer())
    assert save_volume(tmp_path / "odd.ome.tif", volume) == ""
    read = open_volume(tmp_path / "odd.ome.tif")
    assert (read.axes, read.scale, read.units) == (volume.axes, volume.scale, volume.units)
    np.testing.assert_array_equal(read.read(), volume.read())


def test_given_axes_overrule_those_of_the_layer():
    assert volume_of(odd_layer(), "CTYX").axes == "CTYX"
    with pytest.raises(InputError, match="names 2 axes"):
        volume_of(odd_layer(), "YX")
    with pytest.raises(InputError, match="colours of a pixel"):
        volume_of(odd_layer(), "TSYX")


@pytest.mark.parametrize(
    "dtype", ["?", "u1", "i1", "<u2", ">u2", ">i2", "i4", "u8", "f2", "<f4", ">f4", ">f8"]
)
def test_real_numbers_of_every_type_are_read_as_they_are(dtype):
    pixels = np.arange(6 * 20 * 30).reshape(6, 20, 30).astype(dtype)
    volume = volume_of(Image(pixels, **LIMITS))
    assert volume.dtype == np.dtype(dtype).newbyteorder("=")
    part = volume.read((slice(1, 2), slice(0, 20), slice(3, 30, 3)))
    assert part.dtype.isnative
    np.testing.assert_array_equal(part, pixels[1:2, :, 3::3])


def test_complex_values_get_a_sentence():
    # This napari shows no complex values; others do.
    shown = {"rgb": False, "multiscale": False, "ndim": 2, "axis_labels": ("y", "x")}
    numbers = SimpleNamespace(name="waves", data=np.ones((20, 20), np.complex64), **shown)
    with pytest.raises(InputError, match=r"'waves' has values of type complex64; use an array of"):
        volume_of(numbers)


def test_colours_get_a_sentence_that_tells_to_split():
    for axes in (None, "YX"):
        with pytest.raises(InputError, match=r"'photo' is a colour image .* split it"):
            volume_of(layer((40, 50, 3), rgb=True, name="photo"), axes)


def test_of_several_levels_the_finest_counts():
    levels = [np.full((64 // n, 48 // n), n, np.uint8) for n in (1, 2, 4)]
    pyramid = Image(levels, multiscale=True, **LIMITS)
    assert pixels_of(pyramid) is levels[0]
    volume = volume_of(pyramid)
    assert volume.shape == (64, 48)
    assert volume.read().max() == 1


REGION = (slice(3, 4), slice(10, 20), slice(0, 10))


def test_of_a_dask_array_only_the_chunks_that_a_region_touches_are_computed():
    pixels = np.random.default_rng(0).integers(0, 99, (12, 64, 64)).astype(np.uint16)
    array, counter = counted_dask(pixels, (1, 32, 32))
    volume = volume_of(Image(array, axis_labels=("t", "y", "x"), **LIMITS))
    counter.n_pixels = 0

    np.testing.assert_array_equal(volume.read(REGION), pixels[REGION])
    assert counter.n_pixels == 32 * 32

    every_fifth = cropped(volume, "T=1:12:5,Y=0:20:3,X=40:60")
    assert counter.n_pixels == 32 * 32
    np.testing.assert_array_equal(every_fifth.read(), pixels[1::5, 0:20:3, 40:60])
    assert counter.n_pixels == 4 * 32 * 32
    second = (slice(1, 2), slice(2, 5), slice(0, 20, 7))
    np.testing.assert_array_equal(
        every_fifth.read(second), pixels[1::5, 0:20:3, 40:60][1:2, 2:5, 0:20:7]
    )
    assert counter.n_pixels == 5 * 32 * 32


def stored(folder, pixels, chunks):
    array = zarr.create_array(
        folder / "a.zarr", shape=pixels.shape, chunks=chunks, dtype=pixels.dtype
    )
    array[:] = pixels
    return array


def test_a_zarr_array_is_read_by_region(tmp_path):
    pixels = np.random.default_rng(0).normal(size=(6, 64, 64)).astype(np.float32)
    array = zarr.create_array(
        tmp_path / "a.zarr", shape=(6, 64, 64), chunks=(1, 32, 32), dtype="f4"
    )
    array[:] = pixels
    volume = volume_of(Image(array, **LIMITS))
    np.testing.assert_array_equal(volume.read(REGION), pixels[REGION])
    part = cropped(volume, "Z=0:6:2,X=5:64:4")
    np.testing.assert_array_equal(part.read(), pixels[::2, :, 5::4])
    assert volume.data is array


@pytest.mark.parametrize("lazy", [False, True], ids=["numpy", "dask"])
@pytest.mark.parametrize("samples", [3, 4])
def test_colours_become_layers_that_look_the_same_and_lie_above(samples, lazy):
    viewer = ViewerModel()
    pixels = np.random.default_rng(0).integers(0, 255, (5, 6, 40, 50, samples)).astype(np.uint8)
    array, counter = counted_dask(pixels, (1, 1, 40, 50, samples)) if lazy else (pixels, None)
    photo = odd_layer(
        data=array, rgb=True, name="photo", contrast_limits=(0, 255), metadata={"a": 1}
    )
    for each in (layer((40, 50), name="below"), photo, layer((40, 50), name="above")):
        viewer.add_layer(each)
    before = counter.n_pixels if counter else 0

    red, green, blue = split_channels(viewer, photo)

    names = [each.name for each in viewer.layers]
    split = ["photo · red", "photo · green", "photo · blue"]
    assert names == ["below", "photo", *split, "above"]
    assert not photo.visible
    for number, each in enumerate((red, green, blue)):
        assert not each.rgb
        assert each.colormap.name == ("red", "green", "blue")[number]
        assert each.blending == "additive"
        assert each.contrast_limits == [0, 255]
        assert each.metadata == {"a": 1}
        assert axes_of(each) == "TZYX"
        assert each.units == photo.units
        place = (3, 2, 10, 20)
        np.testing.assert_allclose(each.data_to_world(place), photo.data_to_world(place))
        if not lazy:
            np.testing.assert_array_equal(each.data, pixels[..., number])
    if counter:
        # What is seen, and the thumbnails: one plane for each.
        assert counter.n_pixels - before <= 6 * 40 * 50 * samples
        np.testing.assert_array_equal(red.data[1, 2].compute(), pixels[1, 2, ..., 0])
    else:
        assert np.shares_memory(red.data, pixels)


def test_colours_of_several_levels_and_of_zarr_are_split_without_reading_them(tmp_path):
    viewer = ViewerModel()
    pixels = np.random.default_rng(0).integers(0, 255, (64, 48, 3)).astype(np.uint8)
    array = zarr.create_array(
        tmp_path / "a.zarr", shape=(64, 48, 3), chunks=(32, 32, 3), dtype="u1"
    )
    array[:] = pixels
    viewer.add_image([array, pixels[::2, ::2]], rgb=True, multiscale=True)
    _, green, _ = split_channels(viewer, viewer.layers[0])
    assert green.multiscale
    assert isinstance(green.data[0], da.Array)
    np.testing.assert_array_equal(volume_of(green).read(), pixels[..., 1])
    np.testing.assert_array_equal(green.data[1], pixels[::2, ::2, 1])


def test_what_has_no_colours_is_not_split():
    viewer = ViewerModel()
    with pytest.raises(InputError, match="no colours"):
        split_channels(viewer, viewer.add_image(np.zeros((20, 20)), **LIMITS))


@pytest.fixture
def opened(npe2pm):
    """Opens a file as napari itself does."""

    def open_file(file):
        (image,) = ViewerModel().open(file, plugin="napari")
        return image

    with npe2pm.tmp_plugin(package="napari"):
        yield open_file


def test_the_file_of_a_layer_is_the_one_it_shows_unchanged(opened):
    file = sample_data_path("planaria_noisy.ome.tif")
    image = opened(file)
    assert file_of(image) == file
    image.data = image.data + 1
    assert file_of(image) is None
    image.data = image.data[1:]
    assert file_of(image) is None


def test_a_file_that_was_changed_meanwhile_is_no_longer_that_of_the_layer(opened, tmp_path):
    file = tmp_path / "a.tif"
    pixels = np.random.default_rng(0).normal(size=(9, 30, 40)).astype(">f4")
    pixels[4, 5] = np.nan
    tifffile.imwrite(file, pixels, byteorder=">")
    image = opened(file)
    assert file_of(image) == file
    tifffile.imwrite(file, pixels + 1)
    assert file_of(image) is None
    file.write_bytes(b"no image")
    assert file_of(image) is None
    file.unlink()
    assert file_of(image) is None


def test_of_a_lazy_layer_of_a_file_only_a_few_planes_are_compared(opened, tmp_path):
    file = tmp_path / "a.tif"
    pixels = np.random.default_rng(0).integers(0, 99, (60, 100, 100)).astype(np.uint16)
    tifffile.imwrite(file, pixels, imagej=True)
    image = opened(file)
    image.data, counter = counted_dask(pixels, (1, 100, 100))
    counter.n_pixels = 0
    assert file_of(image) == file
    assert counter.n_pixels == 5 * 100 * 100


def test_a_sample_has_its_file_unless_the_layer_is_one_of_its_channels(npe2pm):
    viewer = ViewerModel()
    with npe2pm.tmp_plugin(package="napari-blindspot"):
        (worm,) = viewer.open_sample("napari-blindspot", "planaria")
        nuclei, _ = viewer.open_sample("napari-blindspot", "timelapse")
    assert file_of(worm) == sample_data_path("planaria_noisy.ome.tif")
    assert file_of(nuclei) is None


def test_layers_of_arrays_have_no_file():
    assert file_of(odd_layer()) is None
    assert file_of(layer((40, 50, 3), rgb=True)) is None
