"""TIFFs whose pixels are decoded region by region."""

from __future__ import annotations

import gc
import os
import threading
import tracemalloc

import numpy as np
import pytest
import tifffile

import scenes
from napari_blindspot import api, ring, sources
from napari_blindspot.io import save_volume, tiff, tiff_segments
from napari_blindspot.io.arranged import Arranged
from napari_blindspot.io.held import Held
from napari_blindspot.io.tiff import read_tiff
from napari_blindspot.io.tiff_segments import TiffSegments
from napari_blindspot.job import Job
from napari_blindspot.params import InputError
from napari_blindspot.run import run

RNG = np.random.default_rng(0)
STACK = RNG.integers(0, 4000, (2, 3, 4, 45, 52), dtype=np.uint16)
PLANES = STACK[0, 0]
COLOURS = RNG.integers(0, 255, (4, 45, 52, 3), dtype=np.uint8)
FLOATS = RNG.normal(size=(4, 45, 52))
GRAY = {"photometric": "minisblack"}
RGB = {"photometric": "rgb"}
PLANAR = {**RGB, "planarconfig": "separate"}
ZLIB = {"compression": "zlib"}
TILES = {"tile": (16, 32)}

KINDS = {
    "strips": (PLANES, ZLIB | GRAY | {"rowsperstrip": 7}),
    "whole planes": (PLANES, ZLIB | GRAY | {"rowsperstrip": 45}),
    "strips, predicted": (PLANES, ZLIB | GRAY | {"rowsperstrip": 7, "predictor": 2}),
    "tiles": (PLANES, ZLIB | GRAY | TILES),
    "tiles, predicted": (PLANES, ZLIB | GRAY | TILES | {"predictor": 2}),
    "tiles, uncompressed": (PLANES, GRAY | TILES),
    "tiles in 3D": (PLANES, ZLIB | GRAY | {"tile": (16, 16, 32), "volumetric": True}),
    "strips in 3D": (PLANES, ZLIB | GRAY | {"rowsperstrip": 7, "volumetric": True}),
    "big-endian strips": (PLANES, ZLIB | GRAY | {"byteorder": ">", "rowsperstrip": 7}),
    "big-endian tiles": (PLANES, GRAY | TILES | {"byteorder": ">"}),
    "bigtiff": (PLANES, ZLIB | GRAY | {"bigtiff": True}),
    "lzw": (PLANES, GRAY | {"compression": "lzw", "predictor": 2, "rowsperstrip": 8}),
    "zstd": (PLANES, GRAY | {"compression": "zstd", "rowsperstrip": 8}),
    "lzma": (PLANES, GRAY | {"compression": "lzma", "rowsperstrip": 8}),
    "packbits": (PLANES.astype(np.uint8), GRAY | {"compression": "packbits", "rowsperstrip": 8}),
    "jpeg": (COLOURS[0], RGB | {"compression": "jpeg", "tile": (16, 16)}),
    "jpeg, subsampled": (
        COLOURS[0], {"photometric": "ycbcr", "compression": "jpeg", "subsampling": (2, 2)} | TILES,
    ),
    "jpeg 2000": (PLANES, GRAY | TILES | {"compression": "jpeg2000"}),
    "png": (PLANES, GRAY | TILES | {"compression": "png"}),
    "bits": (PLANES > 2000, GRAY | {"rowsperstrip": 7}),
    "bits, compressed": (PLANES > 2000, ZLIB | GRAY | {"rowsperstrip": 7}),
    "float16": (FLOATS.astype(np.float16), ZLIB | GRAY),
    "float32, predicted": (FLOATS.astype(np.float32), ZLIB | GRAY | TILES | {"predictor": 3}),
    "float64": (FLOATS, ZLIB | GRAY | {"byteorder": ">"}),
    "int8": (PLANES.astype(np.int8), ZLIB | GRAY),
    "uint32": (PLANES.astype(np.uint32), ZLIB | GRAY),
    "colours": (COLOURS, ZLIB | RGB | {"rowsperstrip": 7}),
    "colours in tiles": (COLOURS, ZLIB | RGB | TILES),
    "planar colours": (np.moveaxis(COLOURS, 3, 1), ZLIB | PLANAR | {"rowsperstrip": 7}),
    "planar colours in tiles": (np.moveaxis(COLOURS, 3, 1), ZLIB | PLANAR | TILES),
    "planar colours in 3D": (
        np.moveaxis(COLOURS, 3, 0),
        ZLIB | PLANAR | {"tile": (16, 16, 32), "volumetric": True},
    ),
    "ImageJ": (
        np.moveaxis(STACK, 1, 2), ZLIB | {"imagej": True, "metadata": {"axes": "TZCYX"}},
    ),
    "OME": (STACK, ZLIB | GRAY | {"ome": True, "metadata": {"axes": "TCZYX"}}),
    "OME in tiles": (STACK, ZLIB | GRAY | TILES | {"ome": True, "metadata": {"axes": "TCZYX"}}),
    "OME, singletons": (
        STACK[:1, :, :1], ZLIB | GRAY | {"ome": True, "metadata": {"axes": "TCZYX"}},
    ),
    "singletons": (STACK[:1, :1, ..., None], ZLIB | GRAY | {"metadata": {"axes": "TCZYXS"}}),
    "one plane": (PLANES[0], ZLIB | GRAY),
    "one row": (PLANES[0, :1], ZLIB | GRAY),
    "one column": (PLANES[:, :, :1], ZLIB | GRAY | {"metadata": {"axes": "ZYX"}}),
    "one pixel": (PLANES[0, :1, :1], ZLIB | GRAY),
    "plain pages": (PLANES, ZLIB | GRAY | {"metadata": None}),
}  # fmt: skip


@pytest.fixture(autouse=True)
def all_are_large(monkeypatch):
    monkeypatch.setattr(tiff, "WHOLE", 0)


@pytest.fixture
def hold(monkeypatch):
    """Hold so many bytes of decoded pixels, and no others than this test's."""

    def hold_bytes(n_bytes):
        held = Held(n_bytes)
        monkeypatch.setattr(tiff_segments, "HELD", held)
        return held

    return hold_bytes


@pytest.fixture
def decoded(monkeypatch):
    """Numbers of the segments that were decoded."""
    numbers = []
    decode = tiff_segments._Page.decode

    def counted(page, data, index):
        numbers.append(index)
        return decode(page, data, index)

    monkeypatch.setattr(tiff_segments._Page, "decode", counted)
    return numbers


def random_region(rng, shape):
    spans = [sorted(rng.integers(0, length + 1, 2).tolist()) for length in shape]
    return tuple(slice(low, high) for low, high in spans)


def assert_same(pixels, expected, n_regions=12):
    """Pixels read at once and region by region are those expected."""
    rng = np.random.default_rng(1)
    assert (pixels.shape, np.dtype(pixels.dtype)) == (expected.shape, expected.dtype)
    for _ in range(n_regions):
        region = random_region(rng, expected.shape)
        np.testing.assert_array_equal(pixels[region], expected[region])
    everything = pixels[(slice(None),) * expected.ndim]
    np.testing.assert_array_equal(everything, expected)
    assert everything.dtype == expected.dtype


def lazy(path, **options):
    volume = read_tiff(path, **options)
    assert isinstance(volume.data, Arranged)
    assert isinstance(volume.data.data, TiffSegments)
    return volume


@pytest.mark.parametrize("held", [2**20, 2_000, 0])
@pytest.mark.parametrize("kind", KINDS)
def test_regions_are_those_of_the_whole(tmp_path, hold, kind, held):
    pixels, options = KINDS[kind]
    tifffile.imwrite(tmp_path / "a.tif", pixels, **options)
    hold(held)
    volume = lazy(tmp_path / "a.tif")
    expected = tifffile.imread(tmp_path / "a.tif").reshape(volume.shape)
    assert_same(volume.data, expected)
    np.testing.assert_array_equal(volume.read(), expected)


@pytest.mark.parametrize("threads", [1, 4])
def test_threads_change_nothing(tmp_path, hold, monkeypatch, threads):
    monkeypatch.setattr(tifffile.TIFF, "MAXWORKERS", threads)
    tifffile.imwrite(tmp_path / "a.tif", STACK, **KINDS["OME in tiles"][1])
    hold(20_000)
    pixels = lazy(tmp_path / "a.tif").data
    outcomes = []

    def read():
        assert_same(pixels, STACK)
        outcomes.append(True)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert outcomes == [True] * 3


def test_planes_spread_over_the_file(tmp_path):
    """As acquisition programs write them: each plane behind its own directory."""
    with tifffile.TiffWriter(tmp_path / "a.tif", byteorder=">") as file:
        for plane in PLANES:
            file.write(plane, contiguous=False, metadata=None, description="x", **GRAY)
    volume = lazy(tmp_path / "a.tif", axes="ZYX")
    assert_same(volume.data, PLANES)


def test_tiles_that_were_left_out_are_background(tmp_path):
    tiles = [PLANES[0, :16, :32], None, None, PLANES[0, 16:32, :32]]
    options = {"shape": (32, 64), "dtype": np.uint16} | TILES | ZLIB | GRAY
    extra = [(42113, "s", 0, "7", True)]  # the value of missing data
    tifffile.imwrite(tmp_path / "a.tif", iter(tiles), extratags=extra, **options)
    expected = tifffile.imread(tmp_path / "a.tif")
    assert (expected[:16, 32:] == 7).all()
    assert_same(lazy(tmp_path / "a.tif").data, expected)


def test_the_finest_level_of_a_pyramid(tmp_path):
    finest = RNG.integers(0, 255, (64, 80), dtype=np.uint8)
    with tifffile.TiffWriter(tmp_path / "a.tif", ome=True) as file:
        file.write(finest, subifds=1, tile=(16, 16), compression="zlib")
        file.write(finest[::2, ::2], subfiletype=1, tile=(16, 16), compression="zlib")
    assert_same(lazy(tmp_path / "a.tif").data, finest)


def write_set(folder):
    """A stack of which each plane has a file of its own."""
    names = [f"{z}.ome.tif" for z in range(len(PLANES))]
    parts = "".join(
        f'<TiffData FirstZ="{z}" IFD="0"><UUID FileName="{name}">urn:uuid:{z}</UUID></TiffData>'
        for z, name in enumerate(names)
    )
    for z, name in enumerate(names):
        xml = (
            '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" '
            f'UUID="urn:uuid:{z}"><Image ID="Image:0"><Pixels ID="Pixels:0" '
            'DimensionOrder="XYZCT" Type="uint16" SizeX="52" SizeY="45" SizeZ="4" SizeC="1" '
            f'SizeT="1"><Channel ID="Channel:0"/>{parts}</Pixels></Image></OME>'
        )
        options = {"description": xml, "metadata": None, "rowsperstrip": 7} | ZLIB | GRAY
        tifffile.imwrite(folder / name, PLANES[z], **options)
    return [folder / name for name in names]


def test_an_image_of_several_files(tmp_path):
    first, *_, last = write_set(tmp_path)
    volume = lazy(first)
    assert volume.axes == "ZYX"
    assert_same(volume.data, PLANES)
    gc.collect()
    tiff_segments.HELD.forget(volume.data.data._owner)
    last.unlink()
    np.testing.assert_array_equal(volume.data[:3, :, :], PLANES[:3])
    with pytest.raises(InputError, match="cannot be read"):
        volume.read()


@pytest.mark.parametrize("axes", ["XYZ", "YCXZ", "ZTYX", "TZYXS"])
def test_axes_as_this_package_wrote_them(tmp_path, axes):
    lengths = {"T": 1, "C": 2, "Z": 4, "Y": 20, "X": 24, "S": 3}
    values = RNG.integers(0, 255, [lengths[letter] for letter in axes]).astype(np.uint8)
    save_volume(tmp_path / "a.ome.tif", api.as_volume(values, axes), compression="zlib")
    volume = lazy(tmp_path / "a.ome.tif")
    assert volume.axes == axes
    assert_same(volume.data, values)


def test_given_axes_may_leave_out_axes_of_length_one(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", PLANES[:, None, :, :, None],
                     metadata={"axes": "TZYXC"}, **ZLIB, **GRAY)  # fmt: skip
    assert_same(lazy(tmp_path / "a.tif", axes="ZYX").data, PLANES)
    assert lazy(tmp_path / "a.tif", axes="CTYXZ").shape == (4, 1, 45, 52, 1)


def test_every_third_plane_is_read_as_numpy_has_it(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", PLANES, **ZLIB, **GRAY)
    steps = (slice(0, 4, 3), slice(None, None, 2), slice(-30, -1, 5))
    np.testing.assert_array_equal(lazy(tmp_path / "a.tif").data[steps], PLANES[steps])


def test_all_reference_files(shared_data, hold):
    hold(100_000)
    files = sorted((shared_data / "formats").glob("*.tif"))
    assert len(files) > 30
    n_lazy = 0
    for path in files:
        expected = tifffile.imread(path, series=0)
        volume = read_tiff(path)
        n_lazy += isinstance(volume.data, Arranged)
        np.testing.assert_array_equal(volume.read(), expected, str(path))
        with tifffile.TiffFile(path) as file:
            segments = TiffSegments.of(path, file.series[0])
        assert_same(segments, expected)
    assert n_lazy >= 7


def test_small_files_are_read_at_once(tmp_path, monkeypatch):
    tifffile.imwrite(tmp_path / "a.tif", PLANES, **ZLIB, **GRAY)
    monkeypatch.setattr(tiff, "WHOLE", PLANES.size)
    assert isinstance(read_tiff(tmp_path / "a.tif").data, np.ndarray)
    monkeypatch.setattr(tiff, "WHOLE", PLANES.size - 1)
    lazy(tmp_path / "a.tif")


def stripes(path, **options):
    """A stack of 16 planes of 256 x 256 pixels of 16 bit in strips of 32 rows."""
    values = RNG.integers(0, 50, (16, 256, 256), dtype=np.uint16)
    tifffile.imwrite(path, values, **{"rowsperstrip": 32, **ZLIB, **GRAY, **options})
    return values


def windows(shape, depth, side):
    for z in range(0, shape[0], depth):
        for y in range(0, shape[1], side):
            for x in range(0, shape[2], side):
                yield slice(z, z + depth), slice(y, y + side), slice(x, x + side)


def test_neighbouring_regions_decode_a_strip_once(tmp_path, hold, decoded):
    values = stripes(tmp_path / "a.tif")
    hold(2**20)
    pixels = lazy(tmp_path / "a.tif").data
    for window in windows(values.shape, 8, 64):
        np.testing.assert_array_equal(pixels[window], values[window])
    assert len(decoded) == 16 * 8


@pytest.mark.parametrize(("room", "times"), [(1, 4), (4, 2), (8, 1)])
def test_of_strips_too_large_to_be_held_some_rows_are(tmp_path, hold, decoded, room, times):
    """With room for one row of regions they are decoded for each, with more less often."""
    values = stripes(tmp_path / "a.tif", rowsperstrip=256)
    hold(room * 8 * (64 * 256 * 2 + 600))
    pixels = lazy(tmp_path / "a.tif").data
    for window in windows(values.shape, 8, 64):
        np.testing.assert_array_equal(pixels[window], values[window])
    assert len(decoded) == 16 * times


@pytest.mark.parametrize("rows", [32, 256])
def test_memory_is_bounded(tmp_path, hold, rows):
    values = stripes(tmp_path / "a.tif", rowsperstrip=rows)
    held = hold(300_000)
    pixels = lazy(tmp_path / "a.tif").data
    tracemalloc.start()
    try:
        for window in windows(values.shape, 4, 64):
            assert pixels[window].shape == (4, 64, 64)
            assert held.n_bytes <= held.limit
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sum(array.nbytes for array in held._values.values()) > 100_000
    assert peak < 300_000 + 400_000 < values.nbytes / 2


def test_what_is_held_goes_with_the_volume(tmp_path, hold):
    held = hold(2**20)
    stripes(tmp_path / "a.tif")
    volume = lazy(tmp_path / "a.tif")
    volume.read()
    assert held.n_bytes > 0
    del volume
    gc.collect()
    assert held.n_bytes == 0


def test_the_file_is_not_kept_open(tmp_path):
    stripes(tmp_path / "a.tif")
    volume = lazy(tmp_path / "a.tif")
    volume.read()
    if os.path.isdir("/proc/self/fd"):
        links = [os.path.join("/proc/self/fd", name) for name in os.listdir("/proc/self/fd")]
        opened = {os.readlink(link) for link in links if os.path.lexists(link)}
        assert str(tmp_path / "a.tif") not in opened
    (tmp_path / "a.tif").unlink()


def damage(path, plane=9, index=3):
    """Spoil a strip in the middle of the file."""
    with tifffile.TiffFile(path) as file:
        page = file.pages[plane]
        offset, count = page.dataoffsets[index], page.databytecounts[index]
    with path.open("r+b") as file:
        file.seek(offset + count // 2)
        file.write(bytes(byte ^ 0x5A for byte in range(min(count // 2, 200))))


@pytest.mark.parametrize("codec", ["zlib", "lzw", "zstd", "lzma"])
def test_damage_in_the_middle_is_one_sentence_where_it_is_read(tmp_path, codec):
    path = tmp_path / "a.tif"
    values = stripes(path, compression=codec)
    damage(path)
    volume = lazy(path)
    whole = slice(0, 256)
    for region in ((slice(0, 9), whole, whole), (slice(9, 10), slice(0, 96), whole)):
        np.testing.assert_array_equal(volume.read(region), values[region])
    with pytest.raises(InputError) as caught:
        volume.read((slice(9, 10), slice(90, 100), slice(0, 10)))
    assert str(caught.value).startswith(f"{path} cannot be ")
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_damage_is_found_in_threads_as_well(tmp_path, monkeypatch):
    monkeypatch.setattr(tifffile.TIFF, "MAXWORKERS", 4)
    stripes(tmp_path / "a.tif")
    damage(tmp_path / "a.tif")
    with pytest.raises(InputError, match="is damaged or of another format"):
        lazy(tmp_path / "a.tif").read()


def vanish(path):
    path.unlink()


def shrink(path):
    path.write_bytes(path.read_bytes()[:-5000])


def replace(path):
    stripes(path, compression="lzw")


@pytest.mark.parametrize("options", [{}, {"compression": None, "contiguous": False}])
@pytest.mark.parametrize(
    ("change", "words"),
    [(vanish, "No such file"), (shrink, "has changed since"), (replace, "has changed since")],
)
def test_a_file_that_changes_meanwhile_is_refused(tmp_path, change, words, options):
    path = tmp_path / "a.tif"
    if options:
        with tifffile.TiffWriter(path) as file:
            for plane in PLANES:
                file.write(plane, metadata=None, description="x", **options, **GRAY)
    else:
        stripes(path)
    volume = lazy(path)
    change(path)
    with pytest.raises(InputError, match=words):
        volume.read()


def test_a_strip_that_is_missing_is_refused(tmp_path):
    stripes(tmp_path / "a.tif")
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        series = file.series[0]
        page = series.pages[5]
        page.dataoffsets = page.dataoffsets[:-1]
        segments = TiffSegments.of(tmp_path / "a.tif", series)
    whole = slice(0, 256)
    assert segments[:5, whole, whole].shape == (5, 256, 256)
    with pytest.raises(InputError, match="is damaged"):
        segments[5:6, whole, whole]


@pytest.fixture
def small_ring(few_pixels, monkeypatch):
    monkeypatch.setattr(sources, "WHOLE", 1000)
    monkeypatch.setattr(sources, "_PROBE", 2**15)
    monkeypatch.setattr(ring, "MOST_BLOCKS", 8)
    monkeypatch.setattr(ring, "PIECE", {2: (32, 32), 3: (4, 32, 32)})


@pytest.mark.usefixtures("small_ring")
@pytest.mark.parametrize("dims", ["2D", "3D"])
def test_a_network_learns_and_denoises_the_same(tmp_path, monkeypatch, hold, dims):
    noisy, _ = scenes.noisy_and_clean((8, 72, 80))
    source = tmp_path / "in.tif"
    options = {"metadata": {"axes": "ZYX"}, "rowsperstrip": 12} | ZLIB | GRAY
    tifffile.imwrite(source, noisy.astype(np.uint16), **options)
    hold(50_000)
    results = []
    for name, whole in (("lazy", 0), ("whole", 2**25)):
        monkeypatch.setattr(tiff, "WHOLE", whole)
        target = tmp_path / f"{name}.ome.tif"
        *events, finished = run(
            Job(
                (str(source),), str(target), method="n2v", budget="10steps", dims=dims,
                params={"width": 4, "depth": 1, "patch": 16}, float32=True,
            )
        )  # fmt: skip
        losses = [event.loss for event in events if hasattr(event, "loss")]
        results.append((losses, finished.denoised.read()))
    assert results[0][0] == results[1][0]
    assert len(results[0][0]) == 10
    np.testing.assert_array_equal(results[0][1], results[1][1])


@pytest.mark.usefixtures("small_ring")
def test_damage_ends_a_training_in_one_sentence(tmp_path):
    path = tmp_path / "a.tif"
    stripes(path)
    damage(path)
    job = Job((str(path),), str(tmp_path / "out.ome.tif"), method="n2v", budget="9steps")
    with pytest.raises(InputError, match="it is damaged or of another format"):
        list(run(job))
    assert not (tmp_path / "out.ome.tif").exists()
