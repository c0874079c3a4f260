from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from napari_blindspot.optimizer import OPTIMIZERS, AdamW


def parameters():
    generator = torch.Generator().manual_seed(0)
    shapes = [(4, 3, 3, 3), (4,), (2, 5), (8, 4, 3, 3), (12, 8, 1, 3, 3), (8, 4, 3, 3)]
    made = [torch.randn(shape, generator=generator, requires_grad=True) for shape in shapes]
    made[0].data = made[0].data.to(memory_format=torch.channels_last)
    return made


def pull(own, step):
    for k, parameter in enumerate(own):
        parameter.grad = torch.sin(parameter.detach() * (k + step + 1))


@pytest.mark.parametrize("decay", [0.0, 1.5])
def test_it_is_that_of_pytorch(decay):
    own, theirs = parameters(), parameters()
    optimizer = AdamW(own, decay)
    reference = torch.optim.AdamW(theirs, betas=(0.9, 0.99), weight_decay=decay, fused=True)
    for step in range(6):
        rate = 0.01 / (step + 1)
        optimizer.rate = reference.param_groups[0]["lr"] = rate
        pull(own, step)
        pull(theirs, step)
        optimizer.step()
        reference.step()
    for mine, other in zip(own, theirs, strict=True):
        assert torch.equal(mine, other)


@pytest.mark.parametrize("made", OPTIMIZERS.values())
def test_what_has_no_gradient_stays(made):
    own = parameters()
    before = [parameter.detach().clone() for parameter in own]
    optimizer = made(own, 1.0)
    optimizer.rate = 0.1
    optimizer.step()
    pull(own[:1] + own[3:4], 0)
    optimizer.step()
    same = [torch.equal(mine, old) for mine, old in zip(own, before, strict=True)]
    assert same == [False, True, True, False, True, True]
    optimizer.zero_grad()
    assert all(parameter.grad is None for parameter in own)


@pytest.mark.parametrize("made", OPTIMIZERS.values())
def test_a_restored_state_goes_on_as_if_nothing_had_happened(made):
    first, second = parameters(), parameters()
    one, two = made(first, 0.1), made(second, 0.1)
    one.rate = two.rate = 0.05
    for step in range(3):
        pull(first, step)
        one.step()
    with torch.no_grad():
        for mine, other in zip(first, second, strict=True):
            other.copy_(mine)
    two.restore({name: value.clone() for name, value in one.tensors().items()})
    for own, optimizer in ((first, one), (second, two)):
        pull(own, 3)
        optimizer.step()
    for mine, other in zip(first, second, strict=True):
        assert torch.equal(mine, other)


def test_a_training_loads_no_compiler():
    code = (
        "import sys, numpy as np; from napari_blindspot import api; "
        "api.denoise(np.random.default_rng(0).poisson(9.0, (32, 32)), method='n2v', "
        "budget='1steps', width=4, patch=16, device='cpu'); "
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
