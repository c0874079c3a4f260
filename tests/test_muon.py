from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from napari_blindspot.optimizer import OPTIMIZERS, AdamW, Muon
from napari_blindspot.optimizer.muon import orthogonal


@pytest.mark.parametrize("shape", [(3, 8, 40), (2, 40, 8), (1, 16, 16)])
def test_only_the_singular_values_change(shape):
    generator = torch.Generator().manual_seed(0)
    matrices = torch.randn(shape, generator=generator, dtype=torch.float64)
    u, _, vh = torch.linalg.svd(matrices, full_matrices=False)
    turned = u.mT @ orthogonal(matrices) @ vh.mT
    values = torch.diagonal(turned, dim1=1, dim2=2)
    assert values.min() > 0.65
    assert values.max() < 1.3
    assert torch.allclose(turned, torch.diag_embed(values), atol=1e-9)


def test_nothing_to_learn_from_moves_nothing():
    assert torch.equal(orthogonal(torch.zeros(2, 8, 9)), torch.zeros(2, 8, 9))


@pytest.mark.parametrize("width", [8, 32])
def test_steps_are_as_large_as_those_of_adam(width):
    weight = torch.zeros(width, width, 3, 3, requires_grad=True)
    optimizer = Muon([weight], 0.0)
    optimizer.rate = 0.01
    weight.grad = torch.randn(weight.shape, generator=torch.Generator().manual_seed(0))
    optimizer.step()
    assert weight.detach().std() == pytest.approx(0.2 * 0.01, rel=0.2)


def test_biases_and_single_features_move_as_with_adam():
    def pulled(optimizer, own):
        optimizer.rate = 0.01
        for step in range(4):
            for parameter in own:
                parameter.grad = torch.cos(parameter.detach() + step)
            optimizer.step()
        return [parameter.detach() for parameter in own]

    def parameters():
        shapes = [(16,), (1, 16, 1, 1), (16, 32), (4, 1, 3, 3)]
        return [torch.ones(shape, requires_grad=True) for shape in shapes]

    mine, theirs = parameters(), parameters()
    found, expected = pulled(Muon(mine, 0.5), mine), pulled(AdamW(theirs, 0.5), theirs)
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


def test_weights_decay():
    weights = [torch.ones(8, 8, 3, 3, requires_grad=True) for _ in range(2)]
    for weight, decay in zip(weights, (0.0, 2.0), strict=True):
        optimizer = Muon([weight], decay)
        optimizer.rate = 0.1
        weight.grad = torch.ones_like(weight)
        optimizer.step()
    assert torch.allclose(weights[0] - weights[1], torch.tensor(0.2))


def test_weak_directions_are_learned_with_the_strong_ones():
    """A convolution between features of very different strength, after few steps."""

    def error(kind):
        generator = torch.Generator().manual_seed(0)
        strength = torch.logspace(0, -2, 8)[None, :, None]
        mixed = torch.linalg.qr(torch.randn(8, 8, generator=generator))[0]
        sought = torch.randn(8, 8, 1, generator=generator)
        weight = torch.zeros(8, 8, 1, requires_grad=True)
        optimizer = OPTIMIZERS[kind]([weight], 0.0)
        for step in range(100):
            optimizer.rate = 0.5 * (1 - step / 100)
            x = torch.randn(1, 8, 256, generator=generator) * strength
            x = torch.einsum("oi,nix->nox", mixed, x)
            optimizer.zero_grad()
            wanted = functional.conv1d(x, sought)
            functional.mse_loss(functional.conv1d(x, weight), wanted).backward()
            optimizer.step()
        return float((weight - sought).detach().square().mean())

    assert error("muon") < 0.5 * error("adam")
