"""What a fingerprint sees, and what it is honest enough not to."""

from __future__ import annotations

import os

import pytest

from napari_blindspot.batch.fingerprint import WHOLE_BYTES, Fingerprint
from napari_blindspot.params import InputError


def set_time(path, seconds):
    os.utime(path, (seconds, seconds))


def test_small_files_are_known_by_their_content_alone(tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(b"0" * 1000)
    set_time(path, 1000)
    before = Fingerprint.of(path)
    set_time(path, 2000)
    assert Fingerprint.of(path).same(before)
    path.write_bytes(b"0" * 999 + b"1")
    set_time(path, 1000)
    assert not Fingerprint.of(path).same(before)
    assert not Fingerprint.of(path).same_content(before)
    assert not before.same(None)


@pytest.mark.parametrize("place", [0, WHOLE_BYTES, 2 * WHOLE_BYTES - 1])
def test_samples_of_big_files_reach_from_end_to_end(tmp_path, place):
    path = tmp_path / "a.tif"
    path.write_bytes(bytes(2 * WHOLE_BYTES))
    set_time(path, 1000)
    before = Fingerprint.of(path)
    assert not before.whole
    with path.open("r+b") as file:
        file.seek(place // 65536 * 65536 if place == WHOLE_BYTES else place)
        file.write(b"1" * (300_000 if place == WHOLE_BYTES else 1))
    set_time(path, 1000)
    assert not Fingerprint.of(path).same_content(before)


def test_of_big_files_the_time_counts_for_inputs_only(tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(bytes(WHOLE_BYTES + 1))
    set_time(path, 1000)
    before = Fingerprint.of(path)
    set_time(path, 2000)
    assert not Fingerprint.of(path).same(before)
    assert Fingerprint.of(path).same_content(before)


def test_folders_are_known_by_names_and_contents(tmp_path):
    folder = tmp_path / "a.zarr"
    (folder / "0").mkdir(parents=True)
    (folder / "zarr.json").write_text("{}")
    (folder / "0" / "c0").write_bytes(b"1234")
    before = Fingerprint.of(folder)
    assert (before.size, before.whole) == (6, True)
    (folder / "0" / "c0").write_bytes(b"1235")
    changed = Fingerprint.of(folder)
    assert not changed.same(before)
    (folder / "0" / "c0").rename(folder / "0" / "c1")
    assert not Fingerprint.of(folder).same_content(changed)


def test_metadata_of_big_folders_are_read_whole(tmp_path):
    folder = tmp_path / "a.zarr"
    folder.mkdir()
    for name in ("0", "z"):
        (folder / name).write_bytes(bytes(WHOLE_BYTES))
    (folder / ".zattrs").write_text('{"a": 1}')
    before = Fingerprint.of(folder)
    (folder / ".zattrs").write_text('{"a": 2}')
    assert not Fingerprint.of(folder).same_content(before)


def test_json_both_ways(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"1")
    print_ = Fingerprint.of(path)
    assert Fingerprint.from_json(print_.to_json()) == print_
    for broken in (None, {}, {**print_.to_json(), "size": "1"}, {"size": 1}):
        assert Fingerprint.from_json(broken) is None


def test_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match=r"x\.tif does not exist\.$"):
        Fingerprint.of(tmp_path / "x.tif")
