"""Run a batch in forks of this process, each killed at another call to the file system.

Arguments: folder of images, folder for the outputs, stride between the calls, and options.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path

import torch

import napari_blindspot.run  # noqa: F401 - loaded once, for all forks
from napari_blindspot import fitting
from napari_blindspot.cli import main

fitting._PIXELS_AT_THE_END = 100_000
CALLS = ("fsync", "mkdir", "rename", "replace", "rmdir", "unlink", "write")
FARTHEST = 2000


def crash_at(number):
    """Let this process be killed at its `number`-th call; a write is cut in the middle."""
    count = 0

    def watched(name, call):
        def watch(*arguments, **options):
            nonlocal count
            count += 1
            if count == number:
                if name == "write":
                    call(arguments[0], arguments[1][: len(arguments[1]) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*arguments, **options)

        return watch

    for name in CALLS:
        setattr(os, name, watched(name, getattr(os, name)))


def forked(arguments, number=None):
    """Signal that ended a batch in a fork, or 0."""
    child = os.fork()
    if child == 0:
        torch.set_num_threads(1)
        sys.argv = ["blindspot", "batch", *arguments]
        if number is not None:
            crash_at(number)
        main()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        sys.exit(f"batch ended with code {os.WEXITSTATUS(status)} at call {number}")
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


def crash_everywhere(images, outputs, stride, options):
    """Folders `killed_N` as the kill left them, and `resumed_N`, for each N tried."""
    for number in range(1, FARTHEST, stride):
        out = Path(outputs, "out")
        command = [images, "-o", str(out), "--quiet", *options]
        signalled = forked(command, number)
        if not signalled:
            return
        if out.exists():
            shutil.copytree(out, Path(outputs, f"killed_{number}"))
        forked([*command, "--resume"])
        out.rename(Path(outputs, f"resumed_{number}"))


if __name__ == "__main__":
    crash_everywhere(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:])
