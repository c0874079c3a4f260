from __future__ import annotations

import psutil
import pytest
import torch

from napari_blindspot import openmp
from napari_blindspot.halting import never
from napari_blindspot.interruption import aside

X = torch.ones(2**21)


@pytest.fixture
def helped():
    """Number of threads while this one has a helper for its operations."""
    if not openmp.dismiss_helpers():
        pytest.skip("PyTorch does not use GNU's OpenMP here")
    before, count = torch.get_num_threads(), psutil.Process().num_threads()
    torch.set_num_threads(2)
    X.add(1)
    yield count + 1
    torch.set_num_threads(before)
    openmp.dismiss_helpers()


def test_helpers_go_and_come_back(helped):
    assert psutil.Process().num_threads() == helped
    assert openmp.dismiss_helpers()
    assert psutil.Process().num_threads() == helped - 1
    assert torch.equal(X.add(1), torch.full_like(X, 2))
    assert psutil.Process().num_threads() == helped


def test_work_aside_has_helpers_of_its_own_alone(helped):
    def counted():
        torch.set_num_threads(2)
        X.add(1)
        return psutil.Process().num_threads()

    # This thread without a helper, the other one with its own.
    assert aside(counted, never) == helped + 1


def test_other_libraries_are_left_alone(monkeypatch):
    monkeypatch.setattr(openmp, "_gnu", tuple)
    assert not openmp.dismiss_helpers()
