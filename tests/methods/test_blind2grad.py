"""Blind2Grad and the switches of its ablations."""

from __future__ import annotations

import pytest
import torch

import scenes
from napari_blindspot import api, methods
from napari_blindspot.inference import Instances
from napari_blindspot.inference.dual import DualInstances
from napari_blindspot.methods import Spec
from napari_blindspot.model import load
from napari_blindspot.networks.detail import Standout
from napari_blindspot.networks.dropout import MaskDropout
from napari_blindspot.params import InputError

pytestmark = [pytest.mark.usefixtures("few_pixels"), pytest.mark.no_cover]
SPEC = Spec(2, 2, (0.0, 0.0), (1.0, 1.0), contrast=(2.55, 5.1))
PLAIN = {"mask": "bernoulli", "dropout": "none"}
SMALL = {"width": 8, "depth": 2, "patch": 48, "copies": 8}


def built(**values):
    return methods.create("blind2grad", values).build(SPEC)


def test_thresholds_are_parts_of_the_contrast():
    parts = built()
    assert parts.loss.dual.thresholds == pytest.approx((0.4, 0.8))
    standouts = [m for m in parts.network.modules() if isinstance(m, Standout)]
    assert [m.threshold for m in standouts] == pytest.approx([0.25, 0.25])
    assert parts.network.halo == tuple(2 * n for n in built(mask="bernoulli").network.halo)


@pytest.mark.parametrize(
    ("mask", "predictor", "rate"),
    [("dual", DualInstances, 0.5), ("bernoulli", Instances, 0.25), ("uniform", Instances, 0.25)],
)
def test_the_mask_decides_masking_loss_and_predictor(mask, predictor, rate):
    parts = built(mask=mask)
    assert isinstance(parts.predictor, predictor)
    assert (parts.loss.dual is not None) == (mask == "dual")
    pair = parts.masking.sample(torch.randn(1, 2, 128, 128), torch.Generator().manual_seed(0))
    assert float(pair.mask.mean()) == pytest.approx(rate, abs=0.02)


@pytest.mark.parametrize(
    ("dropout", "rate", "standouts"), [("standout", 0.3, 2), ("dropout", 0.3, 0), ("none", 0.0, 0)]
)
def test_the_kind_of_dropout(dropout, rate, standouts):
    modules = list(built(dropout=dropout).network.modules())
    assert sum(isinstance(m, Standout) for m in modules) == standouts
    assert {m.rate for m in modules if isinstance(m, MaskDropout)} == {rate}


def test_the_part_of_details_is_measured_and_saved(tmp_path):
    noisy, _ = scenes.noisy_and_clean((64, 64))
    result = api.denoise(noisy, method="blind2grad", budget="3steps", **SMALL)
    (network,) = result.model.networks
    assert 0 < network.parts.predictor.fraction < 1
    result.model.save(tmp_path / "model.safetensors")
    again = load(str(tmp_path / "model.safetensors"))
    assert again.networks[0].parts.predictor == network.parts.predictor


def test_more_pixels_than_can_be_replaced_are_refused():
    with pytest.raises(InputError, match=r"use 0\.25 or less"):
        built(mask="uniform", mask_rate=0.4)


@pytest.mark.slow
def test_an_ablation_denoises():
    noisy, clean = scenes.noisy_and_clean((96, 96))
    result = api.denoise(noisy, method="blind2grad", budget="100steps", **SMALL, **PLAIN)
    before = scenes.peak_signal_to_noise(noisy, clean)
    assert scenes.peak_signal_to_noise(result.image, clean) > before + 2
