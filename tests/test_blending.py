from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

import scenes
from napari_blindspot import api, fitting
from napari_blindspot.blending import blend
from napari_blindspot.exam import Exam
from napari_blindspot.inference import PlainPass
from napari_blindspot.networks import Network
from napari_blindspot.noise import NoiseLaw
from napari_blindspot.pairs import TrainingPair

LAWS = (NoiseLaw(0.0, 1.0, 1.0),)
pytestmark = [pytest.mark.usefixtures("few_pixels"), pytest.mark.no_cover]
SMALL = {"threads": 1, "patch": 32, "batch": 2, "similar": False, "turns": 1}


class Level(Network):
    """The same value everywhere."""

    def __init__(self, level):
        super().__init__(divisor=(1, 1), halo=(0, 0), is_blind=False)
        self.level = nn.Parameter(torch.tensor(level))

    def forward(self, x, mask=None):
        return torch.zeros_like(x) + self.level


def parts_of(level):
    """A network that came to a level, and a target that is the input."""
    masking = SimpleNamespace(sample=lambda x, _: TrainingPair(x, x, torch.ones_like(x)))
    return SimpleNamespace(network=Level(level), masking=masking, predictor=PlainPass())


def blended(truth, *, side=64, learned=1.0, held=1.0):
    """Share and level for noisy pixels around a true level, after a start at 0."""
    generator = torch.Generator().manual_seed(0)
    noisy = truth + torch.randn((8, 1, side, side), generator=generator)
    noisy[:, :, : side // 2] += 5.0 * (held < 1)  # what is not held out must not be asked
    mask = torch.ones_like(noisy)
    mask[:, :, : side // 2] = float(held == 1)
    parts = parts_of(learned)
    share = blend(parts, [torch.tensor(0.0)], Exam(noisy, mask), LAWS)
    return share, parts.network.level.item()


@pytest.mark.parametrize("truth", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("held", [1.0, 0.5])
def test_many_pixels_decide(truth, held):
    share, level = blended(truth, held=held)
    assert level == pytest.approx(share) == pytest.approx(truth, abs=0.03)


@pytest.mark.parametrize(("truth", "share"), [(-3.0, 0.0), (4.0, 1.0)])
def test_it_stays_between_both_ends(truth, share):
    assert blended(truth) == (share, share)


def test_few_pixels_leave_most_of_what_was_learned():
    share, _ = blended(0.0, side=2, learned=0.1)
    assert 0.9 < share <= 1.0


def test_without_held_out_pixels_half_is_taken():
    parts = parts_of(0.8)
    assert blend(parts, [torch.tensor(0.2)], None, LAWS) == 0.5
    assert parts.network.level.item() == pytest.approx(0.5)


def test_express_blends_what_it_learned_and_nothing_else_does(monkeypatch):
    noisy, _ = scenes.noisy_and_clean((128, 128))
    asked = []

    def seen(parts, start, exam, laws):
        asked.append(exam)
        return blend(parts, start, exam, laws)

    monkeypatch.setattr(fitting, "blend", seen)
    for options in ({}, {"prior": False, "width": 8, "depth": 1}, {"budget": "instant"}):
        api.denoise(noisy, **{"budget": "2steps", **SMALL, **options})
    assert [exam is not None for exam in asked] == [True]
    api.denoise(noisy[:64, :64], budget="2steps", **SMALL)
    assert asked[1:] == [None]


def test_channels_that_begin_with_random_weights_together_are_not_blended(monkeypatch):
    monkeypatch.setattr(fitting, "blend", lambda *_: pytest.fail("blended with random weights"))
    noisy = np.stack([scenes.noisy_and_clean((64, 64), seed=k)[0] for k in range(2)])
    options = {**SMALL, "width": 8, "depth": 1}
    model = api.denoise(noisy, axes="CYX", joint=True, budget="2steps", **options).model
    assert len(model.networks[0].losses) == 2


@pytest.mark.pretrained
def test_a_network_that_learned_nonsense_goes_back_to_its_start():
    noisy, _ = scenes.noisy_and_clean((128, 128))
    untrained, wild = (
        api.denoise(noisy, budget=budget, **SMALL, learning_rate=rate).image
        for budget, rate in (("instant", None), ("20steps", 0.02))
    )
    spread = float(np.std(noisy - untrained))
    assert float(np.abs(wild - untrained).mean()) < 0.3 * spread
