from __future__ import annotations

import pytest
import torch

from napari_blindspot import methods
from napari_blindspot.chance import Chance
from napari_blindspot.methods import Spec
from napari_blindspot.networks.inpainting import Partial

SMALL = {"width": 8, "depth": 1, "patch": 32, "batch": 2, "copies": 3}


def built(**changes):
    torch.manual_seed(0)
    spec = Spec(2, 1, (0.0,), (1.0,))
    return methods.create("self2self", {**SMALL, **changes}).build(spec)


def test_encoder_is_of_partial_convolutions():
    layers = built(depth=3).network.down
    assert len(layers) == 5
    assert all(isinstance(layer, Partial) for layer in layers)


def test_loss_is_the_squared_error_of_hidden_pixels():
    parts = built()
    noisy = torch.randn(2, 1, 32, 32)
    pair = parts.masking.sample(noisy, torch.Generator().manual_seed(0))
    assert torch.equal(pair.input == 0, pair.mask == 1)
    assert float(pair.mask.mean()) == pytest.approx(0.3, abs=0.05)
    with torch.no_grad():
        output = parts.network(pair.input, pair.mask)
        expected = ((output - noisy) ** 2)[pair.mask == 1].mean()
        torch.testing.assert_close(parts.loss(parts.network, pair), expected)


@torch.no_grad()
def test_prediction_is_the_mean_over_masked_copies_with_dropout():
    parts = built(copies=5)
    noisy, chance = torch.randn(1, 1, 32, 32), Chance(0, (0, 0))
    found = parts.predictor.predict(parts.network, noisy, chance).mean
    hidden = (chance.shared_out((32, 32), range(5), 5, noisy.device) < 0.3).float()
    copies = [parts.network(noisy * (1 - m), m) for m in hidden.split(1)]
    torch.testing.assert_close(found, torch.stack(copies).mean(0))
    assert float(torch.stack(copies).std(0).mean()) > 0.01
