from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the usual name

from napari_blindspot import halting, interruption
from napari_blindspot.halting import Halted, Stop, never
from napari_blindspot.interruption import obeying

CASES = [
    ((2, 16, 90, 64), (8, 16, 3, 3), {"padding": 1}),
    ((1, 16, 90, 64), (8, 16, 3, 3), {"padding": (0, 1)}),
    ((2, 16, 40, 40, 36), (8, 16, 3, 3, 3), {"padding": (1, 1, 1)}),
    ((1, 16, 90, 40, 36), (8, 16, 3, 3, 3), {}),
    ((1, 16, 80, 40, 36), (8, 16, 1, 3, 3), {}),
    ((1, 16, 90, 64), (16, 1, 3, 3), {"groups": 16}),
    ((1, 16, 91, 64), (8, 16, 3, 3), {"stride": 2}),
    ((1, 16, 90, 64), (8, 16, 3, 3), {"padding": "same"}),
]


@pytest.fixture
def small_parts(monkeypatch):
    monkeypatch.setattr(interruption, "_MOST_PRODUCTS", 2**18)
    monkeypatch.setattr(halting, "_INTERVAL_S", 0.0)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize(("shape", "weight", "options"), CASES)
def test_convolutions_in_parts_give_the_same(shape, weight, options, channels_last):
    generator = torch.Generator().manual_seed(0)
    x, kernel = (torch.randn(each, generator=generator) for each in (shape, weight))
    bias = torch.randn(weight[0], generator=generator)
    convolve = F.conv2d if x.ndim == 4 else F.conv3d
    if channels_last:
        order = torch.channels_last if x.ndim == 4 else torch.channels_last_3d
        x = x.to(memory_format=order)
    with torch.no_grad():
        whole = convolve(x, kernel, bias, **options)
        with obeying(never):
            parts = convolve(input=x, weight=kernel, bias=bias, **options)
    torch.testing.assert_close(parts, whole, rtol=1e-4, atol=1e-4)
    assert parts.stride() == whole.stride()


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize(("shape", "weight", "options"), CASES[:6])
def test_a_large_convolution_is_ended_in_its_midst(shape, weight, options):
    answers = iter([Stop.NO] * 2 + [Stop.HALT])
    x, kernel = torch.ones(shape), torch.ones(weight)
    convolve = F.conv2d if x.ndim == 4 else F.conv3d
    with torch.no_grad(), pytest.raises(Halted), obeying(lambda: next(answers)):
        convolve(x, kernel, **options)
    assert next(answers, None) is None


def test_a_training_step_has_the_gradients_it_had(monkeypatch):
    monkeypatch.setattr(interruption, "_MOST_PRODUCTS", 1)
    x, kernel = torch.ones(1, 4, 90, 80), torch.ones(4, 4, 3, 3, requires_grad=True)
    with obeying(never):
        F.conv2d(x, kernel).sum().backward()
    assert torch.equal(kernel.grad, torch.full((4, 4, 3, 3), 88.0 * 78))


def test_work_ends_between_two_operations(monkeypatch):
    monkeypatch.setattr(halting, "_INTERVAL_S", 0.0)
    x = torch.zeros(())

    def count():
        while True:
            x.add_(1)

    with pytest.raises(Halted), obeying(lambda: Stop.HALT if float(x) > 4 else Stop.NO):
        count()
    assert x == 5
