"""Reading: one small file per metadata dialect."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_blindspot.io.tiff import read_tiff
from napari_blindspot.params import InputError

GRAY = {"photometric": "minisblack"}
MICRO = "micrometer"


def noise(shape, dtype=np.uint16):
    return np.random.default_rng(0).integers(0, 255, shape).astype(dtype)


@pytest.fixture
def reread(tmp_path):
    """Write pixels with tifffile, read them back, and check that they are the same."""

    def write_and_read(pixels, *, axes=None, channel_names=None, **options):
        path = tmp_path / "a.tif"
        tifffile.imwrite(path, pixels, **options)
        volume = read_tiff(path, axes, channel_names)
        np.testing.assert_array_equal(volume.read().ravel(), pixels.ravel())
        assert volume.source == path.resolve()
        return volume

    return write_and_read


def test_ome(reread):
    metadata = {
        "axes": "TCZYX",
        "PhysicalSizeX": 0.1,
        "PhysicalSizeY": 200,
        "PhysicalSizeYUnit": "nm",
        "PhysicalSizeZ": 0.5,
        "TimeIncrement": 2.0,
        "TimeIncrementUnit": "min",
        "Channel": {"Name": ["DNA", "actin"]},
    }
    volume = reread(noise((2, 2, 3, 4, 5)), ome=True, metadata=metadata, **GRAY)
    assert (volume.axes, volume.shape) == ("TCZYX", (2, 2, 3, 4, 5))
    assert volume.scale == (2.0, 1.0, 0.5, 200.0, 0.1)
    assert volume.units == ("minute", "", MICRO, "nanometer", MICRO)
    assert volume.channel_names == ("DNA", "actin")
    assert volume.note == "axes TCZYX from OME metadata"
    assert volume.metadata == {"format": "ome"}


def test_ome_leaves_out_axes_of_length_one_unless_it_is_ours(reread):
    metadata = {"axes": "TCZYX", "Channel": {"Name": ["DNA"]}}
    volume = reread(noise((1, 1, 3, 4, 5)), ome=True, metadata=metadata, **GRAY)
    assert (volume.axes, volume.shape, volume.channel_names) == ("ZYX", (3, 4, 5), ("DNA",))


@pytest.mark.parametrize("ours", ["ZTYX", "TYX", "ZZYX", "ZQYX", "ZYXT?"])
def test_axes_of_ours_that_do_not_fit_are_ignored(reread, ours):
    """Another program may have cut the image and kept the annotation."""
    annotation = {"Namespace": "napari-blindspot", "axes": ours}
    metadata = {"axes": "CZYX", "MapAnnotation": annotation}
    volume = reread(noise((2, 3, 4, 5)), ome=True, metadata=metadata, **GRAY)
    assert volume.axes == "CZYX"


def test_ome_rgb(reread):
    volume = reread(
        noise((3, 20, 21, 3), np.uint8), ome=True, metadata={"axes": "ZYXS"}, photometric="rgb"
    )
    assert (volume.axes, volume.shape) == ("ZYXS", (3, 20, 21, 3))


def test_ome_without_sizes_takes_the_resolution_tags(reread):
    volume = reread(
        noise((4, 5)), ome=True, resolution=(10_000, 10_000), resolutionunit="CENTIMETER"
    )
    assert (volume.scale, volume.units) == ((1.0, 1.0), (MICRO, MICRO))


def test_ome_with_broken_xml_is_read_as_plain_tiff(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, noise((3, 4, 5)), ome=True, metadata={"axes": "TYX"}, **GRAY)
    tifffile.tiffcomment(path, tifffile.tiffcomment(path).replace("</Pixels>", "").encode())
    assert read_tiff(path).note == "axes TYX from TIFF pages, I guessed to be T"


def test_imagej_hyperstack(reread):
    volume = reread(
        noise((2, 3, 2, 4, 5)),
        imagej=True,
        resolution=(4, 2),
        metadata={
            "axes": "TZCYX",
            "spacing": 1.5,
            "unit": r"\u00B5m",
            "finterval": 59.86,
            "Labels": ["DNA", "actin"] * 6,
        },
    )
    assert volume.axes == "TZCYX"
    assert volume.scale == (59.86, 1.5, 1.0, 0.5, 0.25)
    assert volume.units == ("second", MICRO, "", MICRO, MICRO)
    assert volume.channel_names == ("DNA", "actin")
    assert volume.note == "axes TZCYX from ImageJ metadata"


def test_imagej_writes_big_endian_and_arrives_native(reread):
    volume = reread(noise((3, 4, 5)), imagej=True, metadata={"axes": "TYX"}, byteorder=">")
    assert isinstance(volume.data, np.memmap)
    assert not volume.data.dtype.isnative
    assert volume.read().dtype.isnative


def test_unnamed_planes_of_imagej_are_time(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, noise((3, 4, 5)), description="ImageJ=1.48v\nimages=3\n", **GRAY,
                     metadata=None)  # fmt: skip
    assert read_tiff(path).note == "axes TYX from ImageJ metadata, I guessed to be T"


def test_shape_metadata_keep_axes_of_length_one(reread):
    volume = reread(noise((1, 1, 20, 21, 1)), metadata={"axes": "TZYXC"}, **GRAY)
    assert (volume.axes, volume.shape) == ("TZYXC", (1, 1, 20, 21, 1))
    assert volume.note == "axes TZYXC from TIFF metadata"


def test_unnamed_axes_are_guessed_from_the_shape(reread):
    volume = reread(noise((12, 2, 20, 21)), **GRAY)
    assert volume.note == "axes ZCYX guessed from shape (12, 2, 20, 21)"


def test_pages_without_metadata_are_time(reread):
    volume = reread(noise((3, 4, 5)), metadata=None, **GRAY)
    assert volume.note == "axes TYX from TIFF pages, I guessed to be T"


def test_rgb_with_an_unnamed_axis_is_time(reread):
    volume = reread(noise((2, 20, 21, 3), np.uint8), photometric="rgb")
    assert volume.note == "axes TYXS from TIFF metadata, Q guessed to be T"


def test_planar_rgb(reread):
    volume = reread(noise((3, 20, 21), np.uint8), photometric="rgb", planarconfig="separate")
    assert (volume.axes, volume.shape) == ("SYX", (3, 20, 21))


def test_axes_that_cannot_be_named_ask_for_names(reread):
    pixels = noise((2, 2, 2, 4, 5))
    options = {"ome": True, "metadata": {"axes": "TAZYX"}} | GRAY
    with pytest.raises(InputError, match=r"axes TAZYX of shape .* are not all known; name them"):
        reread(pixels, **options)
    assert reread(pixels, axes="TCZYX", **options).axes == "TCZYX"


def test_plain_tiff_states_its_size_in_centimeters(reread):
    volume = reread(noise((4, 5)), resolution=(100_000, 50_000), resolutionunit="CENTIMETER")
    assert (volume.scale, volume.units) == ((0.2, 0.1), (MICRO, MICRO))


def test_square_pixels_are_guessed(reread):
    metadata = {"axes": "YX", "PhysicalSizeX": 0.1}
    volume = reread(noise((4, 5)), ome=True, metadata=metadata)
    assert volume.scale == (0.1, 0.1)
    assert volume.note.endswith("pixels guessed to be square: only one side is stated")


def test_given_axes_win(reread):
    metadata = {"axes": "ZCYX", "Channel": {"Name": ["a", "b"]}, "PhysicalSizeX": 2}
    volume = reread(noise((3, 2, 4, 5)), axes="tzyx", ome=True, metadata=metadata, **GRAY)
    assert volume.axes == "TZYX"
    assert volume.note.startswith("axes TZYX as given")
    assert volume.channel_names == ()
    assert volume.scale == (1.0, 1.0, 2.0, 2.0)


def test_given_axes_may_leave_out_axes_of_length_one(reread):
    options = {"metadata": {"axes": "TZYXC"}} | GRAY
    volume = reread(noise((3, 1, 4, 5, 1)), axes="ZYX", **options)
    assert (volume.axes, volume.shape) == ("ZYX", (3, 4, 5))
    assert reread(noise((3, 1, 4, 5, 1)), axes="CTYXZ", **options).shape == (3, 1, 4, 5, 1)


def test_given_axes_that_do_not_fit_are_refused(reread):
    options = {"metadata": {"axes": "TZYXC"}} | GRAY
    message = r"names 2 axes but the file has shape \(3, 1, 4, 5, 1\); give 5 letters, or 3 without"
    with pytest.raises(InputError, match=message):
        reread(noise((3, 1, 4, 5, 1)), axes="YX", **options)
    with pytest.raises(InputError, match=r"has shape \(3, 4, 5\); give 3 letters\.$"):
        reread(noise((3, 4, 5)), axes="TZYX", **GRAY)
    with pytest.raises(InputError, match="unknown letter 'Q'"):
        reread(noise((3, 4, 5)), axes="QYX", **GRAY)


def test_given_channel_names_win_and_must_fit(reread):
    pixels, options = noise((2, 4, 5)), {"metadata": {"axes": "CYX"}} | GRAY
    assert reread(pixels, channel_names=["a", "b"], **options).channel_names == ("a", "b")
    with pytest.raises(InputError, match="3 channel names were given"):
        reread(pixels, channel_names=["a", "b", "c"], **options)


def test_the_first_of_several_series_is_taken(tmp_path):
    first = noise((3, 4, 5))
    with tifffile.TiffWriter(tmp_path / "a.tif", ome=True) as file:
        file.write(first, metadata={"axes": "ZYX", "PhysicalSizeX": 2, "PhysicalSizeY": 2}, **GRAY)
        file.write(noise((6, 7)), metadata={"axes": "YX", "PhysicalSizeX": 9}, **GRAY)
    volume = read_tiff(tmp_path / "a.tif")
    np.testing.assert_array_equal(volume.read(), first)
    assert volume.scale == (1.0, 2.0, 2.0)
    assert volume.note == "axes ZYX from OME metadata; first of 2 series"


def test_the_finest_level_of_a_pyramid_is_taken(tmp_path):
    finest = noise((64, 64))
    with tifffile.TiffWriter(tmp_path / "a.tif", ome=True) as file:
        file.write(finest, subifds=1, tile=(16, 16))
        file.write(finest[::2, ::2], subfiletype=1, tile=(16, 16))
    volume = read_tiff(tmp_path / "a.tif")
    np.testing.assert_array_equal(volume.read(), finest)
    assert volume.note == "axes YX from OME metadata; finest of 2 pyramid levels"


@pytest.mark.parametrize("options", [{}, {"bigtiff": True}, {"byteorder": ">"}, {"ome": True}])
def test_pixels_in_one_piece_are_memory_mapped(reread, options):
    volume = reread(noise((3, 4, 5)), **options, **GRAY)
    assert isinstance(volume.data, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        volume.data[...] = 0


@pytest.mark.parametrize("options", [{"compression": "zlib"}, {"tile": (16, 16)}])
def test_other_pixels_are_read(reread, options):
    assert not isinstance(reread(noise((3, 20, 21)), **options, **GRAY).data, np.memmap)
