"""Which images are found, and what their results are called."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from napari_blindspot.batch import Batch, Part
from napari_blindspot.batch.images import find
from napari_blindspot.params import InputError


@pytest.fixture
def root(tmp_path):
    for name in ("b.tif", "a.TIFF", "sub/c.png", "sub/d.npy", "notes.txt", ".hidden.tif"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    (tmp_path / "in" / "e.ome.zarr" / "0.tif").mkdir(parents=True)
    return tmp_path


def named(root, *inputs, output="out", **options):
    """Pairs of image and result, relative to the root."""
    batch = Batch(tuple(str(root / name) for name in inputs), str(root / output), **options)
    return [
        (image.path.relative_to(root).as_posix(), image.output.relative_to(root).as_posix())
        for image in find(batch)
    ]


def test_folders_give_their_images_but_not_those_inside_image_folders(root):
    assert named(root, "in") == [
        ("in/a.TIFF", "out/a.ome.tif"),
        ("in/b.tif", "out/b.ome.tif"),
        ("in/e.ome.zarr", "out/e.ome.zarr"),
    ]


def test_results_of_formats_that_are_only_read_are_ome_tiff(root):
    (root / "m").mkdir()
    for name in ("a.czi", "b.LIF", "c.nd2"):
        (root / "m" / name).write_bytes(b"x")
    assert [result for _, result in named(root, "m")] == [
        f"out/{stem}.ome.tif" for stem in ("a", "b", "c")
    ]


def test_recursive_keeps_the_subfolders(root):
    assert ("in/sub/c.png", "out/sub/c.png") in named(root, "in", recursive=True)
    assert len(named(root, "in", recursive=True)) == 5


def test_patterns_are_expanded_here_too(root):
    assert named(root, "in/*.tif") == [("in/b.tif", "out/b.ome.tif")]
    assert [name for name, _ in named(root, "in/**/*.*")] == [
        name for name, _ in named(root, "in", recursive=True)
    ]
    assert named(root, "in/s*") == [
        ("in/sub/c.png", "out/sub/c.png"),
        ("in/sub/d.npy", "out/sub/d.npy"),
    ]


def test_relative_patterns_in_folders_with_brackets(root, monkeypatch):
    odd = root / "[1]"
    odd.mkdir()
    (odd / "x.tif").write_bytes(b"x")
    monkeypatch.chdir(odd)
    (image,) = find(Batch(("*.tif",), str(root / "out")))
    assert image.path == odd / "x.tif"
    assert image.output == root / "out" / "x.ome.tif"
    assert named(root, "[1]") == [("[1]/x.tif", "out/x.ome.tif")]


def test_each_image_once(root):
    assert len(named(root, "in", "in/*.tif", "in/b.tif")) == 3


def test_pattern_chooses_names_in_any_case(root):
    assert [name for name, _ in named(root, "in", pattern="*.tiff")] == ["in/a.TIFF"]
    with pytest.raises(InputError, match=r"No image that matches \*\.czi in"):
        named(root, "in", pattern="*.czi")


def test_several_folders_stay_apart(root):
    (root / "other").mkdir()
    (root / "other" / "b.tif").write_bytes(b"x")
    found = dict(named(root, "in", "other"))
    assert found["in/b.tif"] == "out/in/b.ome.tif"
    assert found["other/b.tif"] == "out/other/b.ome.tif"


def test_output_folder_inside_the_input_is_no_input(root):
    (root / "in" / "out").mkdir()
    (root / "in" / "out" / "b.ome.tif").write_bytes(b"x")
    names = [name for name, _ in named(root, "in", output="in/out", recursive=True)]
    assert "in/out/b.ome.tif" not in names
    assert len(names) == 5


@pytest.mark.parametrize("output", ["in", "."])
def test_images_inside_the_output_folder_are_refused(root, output):
    with pytest.raises(InputError, match="lie in the output folder"):
        named(root, "in", output=output)


def test_images_of_the_same_name_keep_all_of_it(root):
    for name in ("b.tiff", "b.ome.tif", "B.btf", "b.png"):
        (root / "in" / name).write_bytes(b"x")
    found = dict(named(root, "in", pattern="b.*"))
    assert found == {
        "in/B.btf": "out/B_btf.ome.tif",
        "in/b.ome.tif": "out/b_ome_tif.ome.tif",
        "in/b.png": "out/b.png",
        "in/b.tif": "out/b_tif.ome.tif",
        "in/b.tiff": "out/b_tiff.ome.tif",
    }


def test_names_that_still_meet_are_refused(root):
    for name in ("b.tiff", "b_tif.tif"):
        (root / "in" / name).write_bytes(b"x")
    with pytest.raises(InputError, match="would both be written as"):
        named(root, "in")
    (root / "in" / "b.tiff").unlink()
    (root / "in" / "b_tif.tif").rename(root / "in" / "b_std.tif")
    named(root, "in")
    with pytest.raises(InputError, match=r"b\.tif and .*b_std\.tif would both"):
        named(root, "in", uncertainty=True)


def test_formats(root, job):
    assert named(root, "in/sub", format="ome.zarr")[0][1] == "out/c.ome.zarr"
    (image,) = find(Batch((str(root / "in/sub/c.png"),), str(root / "out"), uncertainty=True))
    assert (image.output.name, image.uncertainty.name) == ("c.png", "c_std.ome.tif")
    floats = dataclasses.replace(job, float32=True)
    (image,) = find(Batch((str(root / "in/sub/c.png"),), str(root / "out"), job=floats))
    assert image.output.name == "c.ome.tif"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("nowhere", "nowhere does not exist"),
        ("in/notes.txt", "'.txt', which is not supported"),
        ("in/*.lif", "No image in"),
    ],
)
def test_unusable_inputs_are_one_sentence(root, given, words):
    with pytest.raises(InputError, match=words):
        named(root, given)


def test_links_to_the_same_image_count_once(root):
    link = root / "in" / "link.tif"
    try:
        os.symlink(root / "in" / "b.tif", link)
    except OSError:
        pytest.skip("this system makes no links")
    assert len(named(root, "in/*.tif")) == 1


def test_home_folder_is_understood(root, monkeypatch):
    monkeypatch.setenv("HOME", str(root))
    monkeypatch.setenv("USERPROFILE", str(root))
    assert len(find(Batch(("~/in",), str(root / "out")))) == 3


@pytest.mark.parametrize("text", ["0/3", "4/3", "3", "1/0", "a/b", "-1/3"])
def test_parts_that_are_none(text):
    with pytest.raises(InputError, match="write it as 3/8"):
        Part.parse(text)


def test_parts_cover_all_once():
    items = list(range(11))
    parts = [Part.parse(f"{n}/4").of(items) for n in range(1, 5)]
    assert sorted(item for part in parts for item in part) == items
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"train": "some"}, "train='some' is not known; use each, first, together"),
        ({"format": "gif"}, "format='gif' is not known"),
        ({"jobs": 0}, "jobs=0 is not allowed"),
        ({"train": "first", "part": Part(1, 2)}, "would train a model each"),
        ({"train": "first", "save_models": True}, "is for train=each"),
        ({"uncertainty": True}, "'n2v' has no uncertainty; use one of: express"),
    ],
)
def test_options_that_do_not_fit(job, options, words):
    with pytest.raises(InputError, match=words):
        Batch(("in",), "out", job=job, **options)


def test_a_model_is_not_trained(job):
    with pytest.raises(InputError, match="applied as it is"):
        Batch(("in",), "out", job=dataclasses.replace(job, model="m"), train="first")
    axes = dataclasses.replace(job, axes="QQ")
    with pytest.raises(InputError, match="'Q'"):
        Batch(("in",), "out", job=axes)
    assert Path(Batch(("in",), "out", job=job).folder).is_absolute()
