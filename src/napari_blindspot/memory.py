"""How much memory is free, and what running out of it looks like."""

from __future__ import annotations

from pathlib import Path

import psutil
import torch

_CGROUPS = Path("/sys/fs/cgroup")
# What PyTorch's allocators say where they raise a plain RuntimeError.
_EXHAUSTED = ("not enough memory", "can't allocate memory", "out of memory")


def free_bytes(device: torch.device) -> int:
    """Free memory of a device in bytes, within the limit of a container or a batch system."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return int(free) + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    free = int(psutil.virtual_memory().available)
    return min([free, *_left_in_groups()])


def is_exhausted(error: Exception) -> bool:
    """Whether an error means that memory has run out."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error) for text in _EXHAUSTED)


def let_go(device: torch.device) -> None:
    """Give back what the allocator of a device keeps for later."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


def _left_in_groups() -> list[int]:
    """Bytes left in this process's control group and those around it (Linux only)."""
    try:
        own = Path("/proc/self/cgroup").read_text(encoding="utf-8").partition("::")[2].strip()
    except OSError:
        return []
    group = _CGROUPS / own.lstrip("/")
    return [left for each in (group, *group.parents) if (left := _left(each)) is not None]


def _left(group: Path) -> int | None:
    try:
        limit, used = ((group / f"memory.{name}").read_text() for name in ("max", "current"))
        # Pages of files count as used, but are given up when memory is needed.
        stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        return max(int(limit) - int(used) + int(stat.get("inactive_file", 0)), 0)
    except (OSError, ValueError):
        return None
