"""CZI, LIF and ND2 in: real files, read through bioio where the extra is installed."""

from __future__ import annotations

import importlib.util
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from typer.testing import CliRunner

from microscope_files import write_czi, write_lif, write_nd2
from napari_blindspot.cli import app
from napari_blindspot.events import Finished
from napari_blindspot.io import check_target, open_volume
from napari_blindspot.io import scene as scene_module
from napari_blindspot.job import Job
from napari_blindspot.params import InputError
from napari_blindspot.run import run

EXTRA = "the extra `microscopes` is not installed"
UM = "micrometer"
NAMES = ("DNA", "actin", "tubulin")


def needs(*libraries):
    absent = [name for name in libraries if importlib.util.find_spec(name) is None]
    return pytest.mark.skipif(bool(absent), reason=f"{EXTRA}: no {', '.join(absent)}")


czi = needs("bioio", "bioio_czi", "pylibCZIrw")
lif = needs("bioio", "bioio_lif")
nd2 = needs("bioio", "bioio_nd2")
every_format = pytest.mark.parametrize(
    "suffix",
    [
        pytest.param("czi", marks=czi),
        pytest.param("lif", marks=lif),
        pytest.param("nd2", marks=nd2),
    ],
)


def pixels(shape=(2, 3, 4, 30, 40), dtype=np.uint16):
    values = np.random.default_rng(0).integers(0, 250, shape)
    return values.astype(dtype)


def write(path, values, **options):
    """Write in the format of the suffix; `scenes` gives several with values that differ by 1."""
    scenes = options.pop("scenes", 1)
    if path.suffix == ".czi":
        write_czi(path, values, scenes=scenes, **options)
    elif path.suffix == ".nd2":
        write_nd2(path, values, positions=scenes, **options)
    else:
        names = [f"P{number + 1}" for number in range(scenes)]
        write_lif(path, {name: values + i for i, name in enumerate(names)}, **options)
    return path


@every_format
def test_pixels_axes_and_names_are_those_of_the_file(tmp_path, suffix):
    values = pixels()
    volume = open_volume(write(tmp_path / f"a.{suffix}", values, names=NAMES))
    assert (volume.axes, volume.shape, volume.dtype) == ("TCZYX", values.shape, values.dtype)
    assert volume.channel_names == NAMES
    assert volume.note == f"axes TCZYX from {suffix.upper()} metadata"
    assert volume.source == (tmp_path / f"a.{suffix}").resolve()
    np.testing.assert_array_equal(volume.read(), values)


@every_format
def test_sizes_are_in_micrometers(tmp_path, suffix):
    volume = open_volume(write(tmp_path / f"a.{suffix}", pixels()))
    y_um = 0.2 if suffix == "nd2" else 0.25  # pixels are square in ND2
    assert volume.scale == pytest.approx((1.0, 1.0, 1.0, y_um, 0.2))
    assert volume.units == ("", "", UM, UM, UM)


@pytest.mark.parametrize("suffix", [pytest.param("lif", marks=lif), pytest.param("nd2", marks=nd2)])
def test_interval_is_in_seconds(tmp_path, suffix):
    volume = open_volume(write(tmp_path / f"a.{suffix}", pixels(), interval_s=2.5))
    assert (volume.scale[0], volume.units[0]) == (pytest.approx(2.5), "second")


@every_format
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_dtype_is_kept(tmp_path, suffix, dtype):
    values = pixels((1, 1, 2, 20, 30), dtype)
    volume = open_volume(write(tmp_path / f"a.{suffix}", values))
    assert volume.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(volume.read(), values[0, 0])


@every_format
@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((1, 1, 1, 20, 30), "YX"),
        ((3, 1, 1, 20, 30), "TYX"),
        ((1, 2, 1, 20, 30), "CYX"),
        ((1, 2, 3, 1, 30), "CZYX"),
    ],
)
def test_axes_of_length_one_are_left_out_but_for_the_plane(tmp_path, suffix, shape, axes):
    volume = open_volume(write(tmp_path / f"a.{suffix}", pixels(shape)))
    lengths = dict(zip("TCZYX", shape, strict=True))
    assert (volume.axes, volume.shape) == (axes, tuple(lengths[letter] for letter in axes))
    np.testing.assert_array_equal(volume.read().ravel(), pixels(shape).ravel())


@every_format
def test_regions_are_those_of_the_whole(tmp_path, suffix):
    values = pixels()
    volume = open_volume(write(tmp_path / f"a.{suffix}", values))
    for region in [np.s_[1:2, 0:3, 1:3, 5:30, 0:7], np.s_[:, 2:3, 3:4, ::2, -6:]]:
        np.testing.assert_array_equal(volume.read(region), values[region])


@every_format
def test_the_first_of_several_scenes_is_taken(tmp_path, suffix):
    values = pixels()
    volume = open_volume(write(tmp_path / f"a.{suffix}", values, scenes=3))
    assert volume.note.endswith("; first of 3 scenes (P1)")
    np.testing.assert_array_equal(volume.read(), values)


@every_format
def test_axes_and_names_given_overrule_the_file(tmp_path, suffix):
    path = write(tmp_path / f"a.{suffix}", pixels((5, 1, 1, 20, 30)))
    volume = open_volume(path, axes="ZYX")
    assert (volume.axes, volume.note) == ("ZYX", "axes ZYX as given")
    volume = open_volume(path, axes="TCZYX", channel_names=["DNA"])
    assert (volume.axes, volume.shape) == ("TCZYX", (5, 1, 1, 20, 30))
    assert volume.channel_names == ("DNA",)
    with pytest.raises(InputError, match="give 5 letters, or 3 without the axes of length 1"):
        open_volume(path, axes="YX")


@pytest.mark.parametrize("suffix", [pytest.param("czi", marks=czi), pytest.param("nd2", marks=nd2)])
def test_samples_of_colour_pixels(tmp_path, suffix):
    values = pixels((1, 1, 2, 20, 30, 3), np.uint8)
    volume = open_volume(write(tmp_path / f"a.{suffix}", values))
    expected = values[0, 0][..., ::-1] if suffix == "czi" else values[0, 0]  # CZI has blue first
    assert (volume.axes, volume.shape) == ("ZYXS", (2, 20, 30, 3))
    np.testing.assert_array_equal(volume.read(), expected)
    region = np.s_[1:2, 3:9, :, 1:3]
    np.testing.assert_array_equal(volume.read(region), expected[region])


@lif
def test_colour_that_bioio_does_not_read_is_refused(tmp_path):
    path = write(tmp_path / "a.lif", pixels((1, 1, 2, 20, 30, 3), np.uint8))
    with pytest.raises(InputError, match=r"a\.lif cannot be read as LIF"):
        open_volume(path)


@czi
def test_tiles_are_put_together(tmp_path):
    values = pixels()
    volume = open_volume(write(tmp_path / "a.czi", values, tiles=True))
    assert volume.note.endswith("; 2 tiles put together")
    np.testing.assert_array_equal(volume.read(), values)
    region = np.s_[1:2, 1:2, 2:3, 4:9, 15:25]  # across the seam
    np.testing.assert_array_equal(volume.read(region), values[region])


@czi
def test_an_image_without_pixel_sizes_is_read(tmp_path):
    from pylibCZIrw import czi as library

    path = write(tmp_path / "a.czi", pixels())
    with library.edit_czi(str(path)) as editor, editor.edit_session() as session:
        root = ElementTree.fromstring(session.get_xml())
        metadata = root.find("Metadata")
        metadata.remove(metadata.find("Scaling"))
        session.set_xml(ElementTree.tostring(root, encoding="unicode"))
    volume = open_volume(path)
    assert volume.scale == (1.0,) * 5
    assert volume.note.endswith("; pixel sizes and names unknown: bioio cannot describe it")
    np.testing.assert_array_equal(volume.read(), pixels())


@nd2
def test_a_size_of_which_nikon_knows_nothing_is_none(tmp_path):
    volume = open_volume(write(tmp_path / "a.nd2", pixels(), sizes_um=(0.5, 0.0)))
    assert volume.scale == (1.0, 1.0, 0.5, 1.0, 1.0)
    assert volume.units == ("", "", UM, "pixel", "pixel")


@nd2
def test_frames_that_were_never_taken_are_told_of(tmp_path):
    volume = open_volume(write(tmp_path / "a.nd2", pixels(), taken=6))
    assert "; 2 of 8 frames missing, read as 0" in volume.note
    assert not volume.read()[1, :, 2:].any()


@czi
def test_planes_that_were_never_taken_are_refused(tmp_path):
    volume = open_volume(write(tmp_path / "a.czi", pixels(), taken=20))
    volume.read(np.s_[0:1, :, :, :, :])
    with pytest.raises(InputError, match=r"a\.czi cannot be read as CZI"):
        volume.read()


@nd2
def test_only_the_frames_of_a_region_are_read(tmp_path, monkeypatch):
    import nd2 as library

    frames = []
    read_frame = library.ND2File.read_frame
    monkeypatch.setattr(
        library.ND2File, "read_frame", lambda file, n: frames.append(n) or read_frame(file, n)
    )
    volume = open_volume(write(tmp_path / "a.nd2", pixels()))
    assert frames == []
    volume.read(np.s_[1:2, 0:1, 1:3, 0:8, 0:8])
    assert frames == [5, 6]


@czi
def test_only_the_planes_of_a_region_are_read(tmp_path, monkeypatch):
    import aicspylibczi as library

    planes = []
    read_image = library.CziFile.read_image
    monkeypatch.setattr(
        library.CziFile,
        "read_image",
        lambda file, **at: planes.append((at["T"], at["C"], at["Z"])) or read_image(file, **at),
    )
    volume = open_volume(write(tmp_path / "a.czi", pixels()))
    assert planes == []
    volume.read(np.s_[1:2, 0:1, 1:3, 0:8, 0:8])
    assert planes == [(1, 0, 1), (1, 0, 2)]


@lif
@pytest.mark.parametrize("stack_bytes", [2**26, 0], ids=["by stacks", "by planes"])
def test_no_other_stack_is_read_with_a_region(tmp_path, monkeypatch, stack_bytes):
    monkeypatch.setattr(scene_module, "_BIG_STACK", stack_bytes)
    path = write(tmp_path / "a.lif", pixels())
    volume = open_volume(path)
    path.write_bytes(path.read_bytes()[:-40])
    np.testing.assert_array_equal(volume.read(np.s_[0:1, 0:1, 1:2, :, :]), pixels()[:1, :1, 1:2])
    with pytest.raises(InputError, match=r"a\.lif"):
        volume.read(np.s_[1:2, 2:3, 3:4, :, :])


@every_format
@pytest.mark.parametrize("length", [0, 3, 500, 0.5, 0.99])
def test_a_file_that_was_cut_short_is_refused_in_one_sentence(tmp_path, suffix, length):
    path = write(tmp_path / f"a.{suffix}", pixels())
    data = path.read_bytes()
    path.write_bytes(data[: length if isinstance(length, int) else int(length * len(data))])
    with pytest.raises(InputError) as refused:
        open_volume(path).read()
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


@every_format
def test_another_file_with_this_suffix_is_refused(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    path.write_text("These are no pixels, but words, and enough of them.\n" * 99)
    with pytest.raises(InputError, match=f"cannot be read as {suffix.upper()}"):
        open_volume(path)


@every_format
def test_a_file_that_vanishes(tmp_path, suffix):
    path = write(tmp_path / f"a.{suffix}", pixels())
    volume = open_volume(path)
    path.unlink()
    with pytest.raises(InputError, match="it is no longer there"):
        volume.read()


@every_format
def test_denoised_from_file_to_file(tmp_path, suffix):
    path = write(tmp_path / f"a.{suffix}", pixels((1, 2, 4, 32, 32)), names=NAMES[:2])
    job = Job(
        inputs=(str(path),),
        output=str(tmp_path / "a.ome.tif"),
        method="laine19",
        budget="1steps",
        params={"width": 4, "depth": 1, "patch": 32, "batch": 32},
    )
    *_, finished = run(job)
    assert isinstance(finished, Finished)
    source, result = open_volume(path), open_volume(tmp_path / "a.ome.tif")
    for name in ("axes", "shape", "dtype", "units", "channel_names"):
        assert getattr(result, name) == getattr(source, name)
    assert result.scale == pytest.approx(source.scale)


@pytest.mark.parametrize("suffix", ["czi", "lif", "nd2"])
def test_without_the_extra_one_sentence_says_what_to_install(tmp_path, monkeypatch, suffix):
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(b"anything")
    monkeypatch.setitem(sys.modules, "bioio", None)
    done = CliRunner().invoke(app, ["noise", str(path)])
    assert done.exit_code == 2
    assert "it needs bioio, which is not installed" in done.stderr
    assert f"use `pip install bioio bioio-{suffix}`" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@lif
def test_without_one_reader_the_others_work(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "bioio_czi", None)
    (tmp_path / "a.czi").write_bytes(b"anything")
    with pytest.raises(InputError, match=r"bioio-czi, which is not installed.* Python 3\.13 or"):
        open_volume(tmp_path / "a.czi")
    open_volume(write(tmp_path / "a.lif", pixels())).read()


@pytest.mark.parametrize("suffix", ["czi", "lif", "nd2"])
def test_no_result_is_written_in_these_formats(tmp_path, suffix):
    with pytest.raises(InputError, match=r"is read, not written; write an \.ome\.tif or"):
        check_target(tmp_path / f"a.{suffix}")
    with pytest.raises(InputError) as refused:
        check_target(tmp_path / "a.gif")
    assert f".{suffix}" not in str(refused.value)
