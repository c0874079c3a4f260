"""Convolutions that are told the mask, against what their papers say, pixel by pixel."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the usual name

from napari_blindspot.networks.inpainting import (
    CONVOLUTIONS,
    Gated,
    LearnableAttention,
    MaskGuidedResidual,
    Partial,
    Plain,
    updated,
)

SLOPE = 0.1


def shown(channels, mask_channels, seed=0):
    """Features and a mask of which a corner is hidden altogether."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(1, channels, 8, 9, generator=generator)
    m = (torch.rand(1, mask_channels, 8, 9, generator=generator) > 0.4).float()
    m[..., :4, :4] = 0
    return x, m


def bent(value):
    return value if value > 0 else SLOPE * value


@torch.no_grad()
@pytest.mark.parametrize("mask_channels", [1, 2])
def test_partial_convolution_is_the_formula_of_its_paper(mask_channels):
    torch.manual_seed(0)
    layer = Partial(2, 2, 3, mask_channels, SLOPE)
    torch.nn.init.normal_(layer.bias)
    x, m = shown(2, mask_channels)
    found, mask = layer(x, m)
    weights = layer.features.weight
    for channel in range(3):
        for row in range(8):
            for column in range(9):
                total, seen = 0.0, 0.0
                for i in range(max(row - 1, 0), min(row + 2, 8)):
                    for j in range(max(column - 1, 0), min(column + 2, 9)):
                        tap = weights[channel, :, i - row + 1, j - column + 1]
                        total += float((tap * x[0, :, i, j] * m[0, :, i, j]).sum())
                        seen += float(m[0, :, i, j].sum())
                expected = 0.0
                if seen:
                    scale = 9 * mask_channels / seen
                    expected = bent(total * scale + float(layer.bias[0, channel]))
                assert float(found[0, channel, row, column]) == pytest.approx(expected, abs=1e-4)
                assert float(mask[0, 0, row, column]) == (seen > 0)
    assert (mask == 0).any()


@pytest.mark.parametrize("ndim", [2, 3])
def test_partial_convolution_of_a_constant_is_a_constant_whatever_is_hidden(ndim):
    layer = Partial(ndim, 1, 4, 1, SLOPE)
    space = (5, 12, 12)[-ndim:]
    m = (torch.rand(1, 1, *space, generator=torch.Generator().manual_seed(1)) > 0.3).float()
    weights = torch.ones_like(layer.features.weight)
    layer.features.weight.data.copy_(weights)
    features, mask = layer(3 * m, m)
    assert (mask == 1).all()
    torch.testing.assert_close(features, torch.full_like(features, 3.0 * 3**ndim))


@torch.no_grad()
def test_mask_guided_residual_is_the_equations_of_its_paper_and_an_activation():
    torch.manual_seed(1)
    layer = MaskGuidedResidual(2, 2, 4, 3, SLOPE)
    x, m = shown(2, 3)
    found, mask = layer(x, m)
    image = F.conv2d(x, layer.features.weight, layer.features.bias, padding=1)
    convolved = F.conv2d(m, layer.mask.weight, padding=1)
    for place in [(0, c, i, j) for c in range(4) for i in range(8) for j in range(9)]:
        a, b = float(image[place]), float(convolved[place])
        expected = bent(a + bent(a) / (1 + math.exp(-b)))
        assert float(found[place]) == pytest.approx(expected, abs=1e-5)
        assert float(mask[place]) == pytest.approx(max(b, 0) ** 0.8, abs=1e-4)


@torch.no_grad()
def test_learnable_attention_is_the_lopsided_bell_of_its_paper():
    torch.manual_seed(2)
    layer = LearnableAttention(2, 2, 4, 1, SLOPE)
    for value in (layer.a, layer.mu, layer.left, layer.right):
        value.add_(0.3 * torch.randn(()))
    a, mu, left, right = (float(v) for v in (layer.a, layer.mu, layer.left, layer.right))
    for convolved in (-2.0, 0.0, mu - 0.1, mu + 0.1, 5.0):
        if convolved < mu:
            expected = a * math.exp(-left * (convolved - mu) ** 2)
        else:
            expected = 1 + (a - 1) * math.exp(-right * (convolved - mu) ** 2)
        found = float(layer.attention(torch.tensor([[[[convolved]]]])))
        assert found == pytest.approx(expected, rel=1e-5)
    x, m = shown(2, 1)
    weights = layer.attention(layer.mask(m))
    expected = F.leaky_relu(layer.features(x) * weights, SLOPE)
    torch.testing.assert_close(layer(x, m)[0], expected)
    torch.testing.assert_close(layer(x, m)[1], updated(layer.mask(m)))


def test_gated_and_plain_convolution():
    torch.manual_seed(3)
    x, m = shown(2, 1)
    gated, plain = Gated(2, 2, 4, 1, SLOPE), Plain(2, 2, 4, 1, SLOPE)
    features = F.conv2d(x, gated.both.weight[:4], gated.both.bias[:4], padding=1)
    gate = F.conv2d(x, gated.both.weight[4:], gated.both.bias[4:], padding=1)
    expected = F.leaky_relu(features, SLOPE) * torch.sigmoid(gate)
    torch.testing.assert_close(gated(x, m)[0], expected)
    torch.testing.assert_close(plain(x, m)[0], F.leaky_relu(plain.features(x), SLOPE))
    assert gated(x, m)[1] is m
    assert plain(x, m)[1] is m


@pytest.mark.parametrize("kind", CONVOLUTIONS)
@pytest.mark.parametrize("ndim", [2, 3])
def test_layers_follow_each_other_and_learn(kind, ndim):
    torch.manual_seed(4)
    first = CONVOLUTIONS[kind](ndim, 2, 6, 1, SLOPE)
    second = CONVOLUTIONS[kind](ndim, 6, 5, first.mask_channels, SLOPE)
    x, m = torch.randn(2, 2, *(8,) * ndim), torch.zeros(2, 1, *(8,) * ndim)
    m[..., 3:] = 1
    features, mask = second(*first(x, m))
    assert features.shape == (2, 5, *(8,) * ndim)
    assert mask.shape == (2, second.mask_channels, *(8,) * ndim)
    (features**2).mean().backward()
    for layer in (first, second):
        assert all(torch.isfinite(p.grad).all() for p in layer.parameters())
        assert all((p.grad != 0).any() for p in layer.parameters() if p.ndim > 1)


def test_slope_of_the_mask_update_is_finite_where_nothing_was_seen():
    convolved = torch.tensor([-1.0, 0.0, 1e-9, 0.5], requires_grad=True)
    updated(convolved).sum().backward()
    assert torch.isfinite(convolved.grad).all()
    assert convolved.grad[3] > 0
