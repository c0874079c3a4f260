"""One run at a time writes to a file."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from napari_blindspot import locks
from napari_blindspot.locks import is_held, lock_of, locked, writing
from napari_blindspot.params import InputError

HOLD = """
import sys
from napari_blindspot.locks import writing
with writing(sys.argv[1:]):
    print("held", flush=True)
    sys.stdin.read()
"""


def holding(*targets):
    """Process that holds the locks of some targets until it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, *map(str, targets)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    return process


def test_a_target_is_free_again_when_its_process_is_killed(tmp_path):
    image, std = tmp_path / "out.tif", tmp_path / "std.tif"
    process = holding(image, std)
    words = f"std.tif is being written by process {process.pid} on .*; wait for its end or choose"
    with pytest.raises(InputError, match=words), writing([tmp_path / "other.tif", std]):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == [".out.tif.lock", ".std.tif.lock"]
    process.kill()
    process.communicate()
    assert lock_of(image).exists()
    assert not is_held(lock_of(image))
    with writing([image, std]) as able:
        assert able
    assert list(tmp_path.iterdir()) == []


def test_other_paths_of_the_same_file_are_no_way_around(tmp_path):
    (tmp_path / "folder").mkdir()
    target = tmp_path / "folder" / "out.tif"
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    (tmp_path / "out_link.tif").symlink_to(target)
    others = [
        tmp_path / "link" / "out.tif",
        tmp_path / "out_link.tif",
        tmp_path / "folder" / ".." / "folder" / "out.tif",
        os.path.relpath(target),
    ]
    with writing([target]):
        for path in others:
            with pytest.raises(InputError, match="is being written"):
                writing([path]).__enter__()
    with writing(others[:1]):
        pass


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match=r"there is no folder .*none; create it first"):
        writing([tmp_path / "none" / "out.tif"]).__enter__()


def test_a_lock_that_was_let_go_while_another_waited_is_not_taken_for_held(tmp_path, monkeypatch):
    """Between opening and locking, the former holder removes the file."""
    path, lock, removed = tmp_path / "lock", locks._lock, []

    def late(file, name):
        if not removed:
            removed.append(name)
            name.unlink()
        return lock(file, name)

    monkeypatch.setattr(locks, "_lock", late)
    with locked(path):
        assert removed == [path]
        assert is_held(path)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows locks in another way")
@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_file_systems_without_locks(tmp_path, monkeypatch, code):
    def unable(*_):
        raise OSError(code, "no locks")

    monkeypatch.setattr(locks.fcntl, "flock", unable)
    with writing([tmp_path / "out.tif"]) as able:
        assert not able
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def shared_folder():
    """A folder that everyone may write to; those of pytest are closed to others."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        yield Path(name)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid(), reason="only root can be another")
def test_what_another_user_left_is_no_obstacle_and_what_he_holds_is(shared_folder):
    target = shared_folder / "out.tif"
    lock_of(target).write_text("process 1 on a machine long gone")
    lock_of(target).chmod(0o644)
    script = f"import os, napari_blindspot.locks; os.setuid(65534)\n{HOLD}"
    command = [sys.executable, "-c", script, str(target)]
    done = subprocess.run(command, input="", capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("held\n", "")
    with writing([target]):
        done = subprocess.run(command, input="", capture_output=True, text=True)
    assert f"is being written by process {os.getpid()} on" in done.stderr
