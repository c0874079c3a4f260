"""Disks that are full or cannot be written to: real ones, where the tests may mount them."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys

import pytest


@contextlib.contextmanager
def mounted(folder, options):
    """A file system in memory at a folder, with the options of mount; skips where it may not be."""
    folder.mkdir(exist_ok=True)
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root on Linux can mount a small disk")
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no disk can be mounted: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder, keep):
    """Leave so many bytes free."""
    file = os.open(folder / "ballast", os.O_WRONLY | os.O_CREAT)
    with contextlib.suppress(OSError):
        while os.write(file, bytes(4096)):
            pass
    os.ftruncate(file, max(os.fstat(file).st_size - keep, 0))
    os.close(file)


def make_read_only(folder):
    """Mount it anew, so that not even root can write."""
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
