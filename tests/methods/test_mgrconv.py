from __future__ import annotations

import pytest
import torch

from napari_blindspot import methods
from napari_blindspot.inference import Instances, PlainPass
from napari_blindspot.masking import Bernoulli, Stratified
from napari_blindspot.methods import Spec
from napari_blindspot.networks.inpainting import CONVOLUTIONS

SMALL = {"width": 8, "depth": 2, "patch": 32, "batch": 2, "copies": 3}


def built(**changes):
    torch.manual_seed(0)
    spec = Spec(2, 1, (0.0,), (1.0,))
    return methods.create("mgrconv", {**SMALL, **changes}).build(spec)


@pytest.mark.parametrize("convolution", CONVOLUTIONS)
def test_the_encoder_is_of_the_chosen_convolutions(convolution):
    network = built(convolution=convolution).network
    assert all(type(layer) is CONVOLUTIONS[convolution] for layer in network.down)


def test_every_convolution_is_a_choice():
    (declared,) = (p for p in methods.get("mgrconv").declared() if p.name == "convolution")
    assert set(declared.choices) == set(CONVOLUTIONS)
    assert declared.default == "mgr"


def test_masking_and_prediction_go_together():
    many, few = built(), built(masking="noise2void", mask_fraction=0.01)
    apart = True
    assert (many.masking, many.predictor) == (Bernoulli(0.3, apart), Instances(0.3, 3, apart, 8))
    assert isinstance(few.masking, Stratified)
    assert few.masking.fraction == 0.01
    assert few.predictor == PlainPass(turns=8)


@pytest.mark.parametrize(("masking", "drops"), [("self2self", True), ("noise2void", False)])
def test_features_are_dropped_with_self2self_only(masking, drops):
    network = built(masking=masking).network
    assert [d.rate > 0 for block in (*network.up, network.last) for d in block.drops] == [drops] * 4


@torch.no_grad()
@pytest.mark.parametrize("convolution", ["mgr", "partial", "learnable-attention", "gated"])
def test_the_mask_decides_what_is_made_of_the_same_pixels(convolution):
    network = built(convolution=convolution, dropout=0.0).network
    noisy, mask = torch.randn(1, 1, 32, 32), torch.zeros(1, 1, 32, 32)
    mask[..., 16, 16] = 1
    noisy[..., 16, 16] = 0
    assert not torch.allclose(network(noisy, mask), network(noisy))
