"""What a killed process left is removed; nothing else is."""

from __future__ import annotations

from napari_blindspot import leftovers
from napari_blindspot.locks import writing


def test_only_what_was_begun_for_the_targets_goes(tmp_path):
    gone = [".a.ome.tif.part-12", ".a.ome.tif.job.json.part-9"]
    stay = ["a.ome.tif", ".b.ome.tif.part-12", ".a.ome.tif.part-x", "a.ome.tif.part-12"]
    for name in gone + stay:
        (tmp_path / name).write_text(name)
    (tmp_path / ".a.ome.tif.part-77").mkdir()
    (tmp_path / ".a.ome.tif.part-77" / "0").write_text("x")
    leftovers.clear([str(tmp_path / "a.ome.tif"), str(tmp_path / "none" / "c.tif")])
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(stay)


def test_a_folder_put_aside_comes_back_if_its_successor_did_not(tmp_path):
    for name in (".a.ome.zarr.old-1", ".b.ome.zarr.old-1", "b.ome.zarr"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "zarr.json").write_text(name)
    leftovers.clear([str(tmp_path / f"{name}.ome.zarr") for name in "ab"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.ome.zarr", "b.ome.zarr"]
    assert (tmp_path / "a.ome.zarr" / "zarr.json").read_text() == ".a.ome.zarr.old-1"
    assert (tmp_path / "b.ome.zarr" / "zarr.json").read_text() == "b.ome.zarr"


def test_states_of_trainings_and_pixels_that_were_not_yet_saved_go_too(tmp_path):
    gone = [
        ".a.ome.tif.checkpoint-0",
        "..a.ome.tif.checkpoint-1.part-77",
        ".a.ome.tif.pixels.part-77",
    ]
    stay = [".b.ome.tif.checkpoint-0", ".b.ome.tif.pixels.part-77"]
    for name in gone + stay:
        (tmp_path / name).write_text("x")
    leftovers.clear([str(tmp_path / "a.ome.tif")])
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(stay)


def test_locks_of_the_dead_go_and_what_the_living_write_stays(tmp_path):
    names = [".a.tif.lock", ".a.tif.part-1", ".b.tif.part-2", ".b.tif.job.json.part-2"]
    for name in names:
        (tmp_path / name).write_text("process 1 on a machine long gone")
    with writing([tmp_path / "b.tif"]):
        leftovers.clear([str(tmp_path / f"{name}.tif") for name in "ab"])
        left = sorted(path.name for path in tmp_path.iterdir())
        assert left == [".b.tif.job.json.part-2", ".b.tif.lock", ".b.tif.part-2"]
    leftovers.clear([str(tmp_path / "b.tif")])
    assert list(tmp_path.iterdir()) == []
