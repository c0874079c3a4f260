"""Damaged and unusual files: one sentence each, no traceback, no invented pixels."""

from __future__ import annotations

import logging
import random

import numpy as np
import pytest
import tifffile

from napari_blindspot.io import tiff
from napari_blindspot.io.tiff import read_tiff
from napari_blindspot.params import InputError

STACK = np.random.default_rng(0).integers(0, 4000, (4, 3, 20, 24), dtype=np.uint16)
RGB = np.random.default_rng(0).integers(0, 255, (20, 24, 3), dtype=np.uint8)
GRAY = {"photometric": "minisblack"}

DIALECTS = {
    "ome": (STACK, {"ome": True, "metadata": {"axes": "ZCYX", "PhysicalSizeX": 0.1}} | GRAY),
    "ome zlib": (STACK, {"ome": True, "compression": "zlib"} | GRAY),
    "imagej": (STACK, {"imagej": True, "metadata": {"axes": "ZCYX", "unit": "um"}}),
    "shaped": (STACK, {"metadata": {"axes": "ZCYX"}} | GRAY),
    "big-endian": (STACK, {"byteorder": ">"} | GRAY),
    "bigtiff": (STACK[0], {"bigtiff": True, "metadata": None} | GRAY),
    "pages": (STACK[:, 0], {"metadata": None} | GRAY),
    "pages lzw": (STACK[:, 0], {"metadata": None, "compression": "lzw", "predictor": 2} | GRAY),
    "tiles zstd": (STACK[0, 0], {"tile": (16, 16), "compression": "zstd"} | GRAY),
    "lzma": (STACK[0, 0], {"compression": "lzma"} | GRAY),
    "packbits": (STACK[0, 0], {"compression": "packbits"} | GRAY),
    "rgb": (RGB, {"photometric": "rgb"}),
    "jpeg": (RGB, {"photometric": "rgb", "compression": "jpeg"}),
    "bool": (STACK[0, 0] > 2000, GRAY),
}


@pytest.fixture(params=DIALECTS)
def whole(request, tmp_path):
    """A whole file and its bytes."""
    pixels, options = DIALECTS[request.param]
    tifffile.imwrite(tmp_path / "whole.tif", pixels, **options)
    return tmp_path / "whole.tif"


@pytest.fixture(params=[tiff.WHOLE, 0], ids=["at once", "by region"])
def read(request, monkeypatch):
    """How compressed and tiled pixels are read."""
    monkeypatch.setattr(tiff, "WHOLE", request.param)


def outcome(path):
    """Pixels of a file, or None where it was refused in one sentence."""
    try:
        return read_tiff(path).read()
    except InputError as error:
        text = str(error)
        assert text.startswith(str(path))
        assert "\n" not in text
        assert text.endswith(".")
        return None


def mutated(data, chance):
    data = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 4, 16])):
        # Headers, tags and descriptions lie at the two ends.
        near_end = chance.randrange(min(len(data), 600))
        place = chance.choice([near_end, len(data) - 1 - near_end, chance.randrange(len(data))])
        data[place] = chance.choice([0, 1, 127, 128, 255, chance.randrange(256)])
    return data


def assert_survives(whole, n_mutations):
    chance = random.Random(n_mutations)
    data, broken = whole.read_bytes(), whole.with_name("broken.tif")
    refused = 0
    for _ in range(n_mutations):
        broken.write_bytes(mutated(data, chance))
        refused += outcome(broken) is None
    assert refused > 0


@pytest.mark.usefixtures("read")
def test_mutated_files_end_in_pixels_or_one_sentence(whole):
    assert_survives(whole, 25)


@pytest.mark.slow
@pytest.mark.usefixtures("read")
def test_many_mutated_files_end_in_pixels_or_one_sentence(whole):
    assert_survives(whole, 150)


@pytest.mark.usefixtures("read")
def test_a_cut_file_never_gives_other_pixels(whole):
    """Half a stack or a description cut off must not pass for a whole image."""
    data, cut = whole.read_bytes(), whole.with_name("cut.tif")
    expected = read_tiff(whole)
    for length in {len(data) * part // 16 for part in range(1, 16)} | {len(data) - 150}:
        cut.write_bytes(data[:length])
        pixels = outcome(cut)
        if pixels is not None:
            np.testing.assert_array_equal(pixels, expected.read())
            assert read_tiff(cut).axes == expected.axes


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("dialect", ["ome", "imagej", "shaped", "pages", "pages lzw"])
def test_a_cut_stack_is_refused(tmp_path, dialect, kept):
    pixels, options = DIALECTS[dialect]
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, pixels, **options)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    assert outcome(path) is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not a TIFF at all", "is damaged or of another format"),
        (b"II", "is damaged or of another format"),
        (b"II*\0\x08\0\0\0\0\0\0\0\0\0", "cannot be used: it holds no image"),
    ],
)
def test_what_is_no_tiff_is_refused(tmp_path, content, message):
    (tmp_path / "a.tif").write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_tiff(tmp_path / "a.tif")


def test_missing_files_of_a_set_are_refused(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, STACK[:, 0], ome=True, metadata={"axes": "ZYX"}, **GRAY)
    xml = tifffile.tiffcomment(path).replace('SizeZ="4"', 'SizeZ="9"')
    tifffile.tiffcomment(path, xml.encode())
    with pytest.raises(InputError, match="planes that its metadata state are missing"):
        read_tiff(path)


def test_pixels_that_the_file_cannot_hold_are_refused(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((16, 16), np.uint8), compression="zlib", tile=(16, 16))
    with tifffile.TiffFile(path, mode="r+") as file:
        file.pages[0].tags["ImageWidth"].overwrite(2**16 - 1)
        file.pages[0].tags["ImageLength"].overwrite(2**16 - 1)
    with pytest.raises(InputError, match="states 4294836225 bytes of pixels and holds"):
        read_tiff(path)


def test_complex_pixels_are_refused(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((4, 5), np.complex64), **GRAY)
    with pytest.raises(InputError, match="pixels of type complex64 are no intensities"):
        read_tiff(tmp_path / "a.tif")


def test_a_file_too_large_for_memory_is_refused(tmp_path, monkeypatch):
    def exhausted(*args, **kwargs):
        raise MemoryError

    tifffile.imwrite(tmp_path / "a.tif", STACK, compression="zlib", **GRAY)
    monkeypatch.setattr(tifffile.TiffPageSeries, "asarray", exhausted)
    with pytest.raises(InputError, match="does not fit into memory"):
        read_tiff(tmp_path / "a.tif")


def test_a_file_that_the_system_does_not_give_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"cannot be read \(No such file or directory\)"):
        read_tiff(tmp_path / "a.tif")


def test_tifffile_is_silent_while_reading_and_only_then(tmp_path, caplog):
    (tmp_path / "a.tif").write_bytes(b"II*\0\xff\0\0\0")
    with caplog.at_level(logging.DEBUG, logger="tifffile"):
        assert outcome(tmp_path / "a.tif") is None
        assert caplog.records == []
        logging.getLogger("tifffile").error("heard")
    assert [record.message for record in caplog.records] == ["heard"]


@pytest.fixture
def palettes(tmp_path):
    def write(colormap, **options):
        indices = np.arange(256, dtype=np.uint8).reshape(16, 16)
        tifffile.imwrite(
            tmp_path / "p.tif", indices, colormap=colormap.astype(np.uint16), **options
        )
        return read_tiff(tmp_path / "p.tif")

    return write


def test_colour_scales_are_taken_as_intensities(palettes):
    ramp = np.linspace(0, 65535, 256)
    for colormap in (ramp * [[0], [1], [0]], ramp[::-1] * [[1], [1], [1]]):
        volume = palettes(colormap, photometric="palette")
        assert volume.read().ravel().tolist() == list(range(256))
        assert volume.note.endswith("coloured by a palette; the indices are taken as intensities")


@pytest.mark.parametrize("flat", [True, False])
def test_palettes_without_order_are_refused(palettes, flat):
    colours = np.random.default_rng(0).integers(0, 65535, (3, 256))
    with pytest.raises(InputError, match="indices into a palette; save it as grayscale or RGB"):
        palettes(np.zeros((3, 256)) if flat else colours, photometric="palette")


def test_a_palette_that_is_missing_is_refused(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", STACK[0, 0], **GRAY)
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+") as file:
        file.pages[0].tags["PhotometricInterpretation"].overwrite(3)
    with pytest.raises(InputError, match="indices into a palette"):
        read_tiff(tmp_path / "a.tif")


def test_any_colour_scale_of_imagej_is_accepted(palettes):
    colours = np.random.default_rng(0).integers(0, 65535, (3, 256))
    colours -= colours % 257
    assert "palette" in palettes(colours, imagej=True).note


def test_white_zero_is_kept_and_told(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", STACK[0, 0], photometric="miniswhite")
    volume = read_tiff(tmp_path / "a.tif")
    np.testing.assert_array_equal(volume.read(), STACK[0, 0])
    assert "0 is white in this file; values are kept as stored" in volume.note
