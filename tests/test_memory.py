from __future__ import annotations

import psutil
import pytest
import torch

from napari_blindspot import memory

CPU = torch.device("cpu")


@pytest.fixture
def groups(tmp_path, monkeypatch):
    """Function that lays out control groups below a folder that stands for the system's."""
    monkeypatch.setattr(memory, "_CGROUPS", tmp_path)

    def laid_out(path, limit, used, inactive=0):
        group = tmp_path / path
        group.mkdir(parents=True, exist_ok=True)
        (group / "memory.max").write_text(f"{limit}\n")
        (group / "memory.current").write_text(f"{used}\n")
        (group / "memory.stat").write_text(f"anon 5\ninactive_file {inactive}\n")

    return laid_out


@pytest.mark.parametrize(
    ("limit", "used", "inactive", "left"),
    [(1000, 400, 0, 600), (1000, 400, 300, 900), (100, 400, 0, 0)],
)
def test_what_a_control_group_leaves(groups, tmp_path, limit, used, inactive, left):
    groups("batch/job", limit, used, inactive)
    assert memory._left(tmp_path / "batch" / "job") == left


def test_groups_without_a_limit_leave_all(groups, tmp_path):
    groups("", "max", 400)
    assert memory._left(tmp_path) is None
    assert memory._left(tmp_path / "absent") is None


def test_free_memory_is_that_of_the_machine_or_less(groups, monkeypatch):
    free = memory.free_bytes(CPU)
    assert 0 < free <= psutil.virtual_memory().total
    monkeypatch.setattr(memory, "_left_in_groups", lambda: [12345])
    assert memory.free_bytes(CPU) == 12345


@pytest.mark.cuda
def test_free_memory_of_a_gpu():
    device = torch.device("cuda")
    before = memory.free_bytes(device)
    held = torch.empty(2**28, dtype=torch.uint8, device=device)
    assert before - memory.free_bytes(device) >= held.nbytes // 2
    del held
    memory.let_go(device)
    assert memory.free_bytes(device) > before - 2**26
