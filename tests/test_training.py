from __future__ import annotations

import dataclasses

import pytest
import torch

from napari_blindspot.budget import Budget
from napari_blindspot.events import Stop, never
from napari_blindspot.inference import PlainPass
from napari_blindspot.losses import SquaredError
from napari_blindspot.masking import Everything, Stratified
from napari_blindspot.methods import Parts, Recipe
from napari_blindspot.networks import UNet
from napari_blindspot.patches import PatchSampler
from napari_blindspot.training import schedule, train


def parts_for(averaging=0.9, **recipe):
    torch.manual_seed(0)
    return Parts(
        masking=Stratified(0.05, 5),
        network=UNet(2, 1, 1, width=4, depth=1),
        loss=SquaredError(),
        predictor=PlainPass(),
        recipe=Recipe(0.01, 16, 2, averaging=averaging, **recipe),
    )


def sampler():
    ramp = torch.linspace(-1, 1, 32).expand(1, 1, 32, 32).contiguous()
    return PatchSampler((ramp,), (16, 16), 2)


def steps_of(parts, budget, *, stop=never, renoised=lambda parts: parts):
    generator = torch.Generator().manual_seed(1)
    work = train(parts, sampler(), budget, generator=generator, stop=stop, renoised=renoised)
    return list(work)


def test_a_smooth_image_is_learnt():
    steps = steps_of(parts_for(), Budget(steps=150))
    assert [s.step for s in steps] == list(range(1, 151))
    assert sum(s.loss for s in steps[-10:]) < 0.2 * sum(s.loss for s in steps[:10])
    assert steps[-1].fraction == 1


def test_seconds_end_the_training():
    steps = steps_of(parts_for(), Budget(seconds=0.3))
    assert steps[-1].elapsed_s >= 0.3
    assert steps[-2].elapsed_s < 0.3


def test_the_network_ends_with_averaged_weights():
    last, mean = parts_for(averaging=0.0), parts_for(averaging=0.9)
    for parts in (last, mean):
        steps_of(parts, Budget(steps=20))
        assert not parts.network.training
    weights = [next(iter(p.network.parameters())) for p in (last, mean)]
    assert not torch.equal(*weights)


def test_stop_ends_the_training():
    answers = iter([Stop.NO, Stop.NO, Stop.APPLY])
    assert len(steps_of(parts_for(), Budget(steps=50), stop=lambda: next(answers))) == 2


def test_noise_updates_happen_when_due_and_change_the_parts():
    seen = []

    def renoised(parts):
        seen.append(next(iter(parts.network.parameters())).detach().clone())
        return dataclasses.replace(parts, masking=Everything())

    steps = steps_of(parts_for(noise_updates=(0.3, 0.6)), Budget(steps=10), renoised=renoised)
    assert len(steps) == 10
    assert len(seen) == 2


def test_the_schedule_rises_once_and_falls_to_zero():
    rates = [schedule(k / 1000) for k in range(1001)]
    assert 0 < rates[0] < 0.2
    assert max(rates) == pytest.approx(1, abs=0.01)
    assert rates[1000] == pytest.approx(0, abs=1e-6)
    top = rates.index(max(rates))
    assert sorted(rates[:top]) == rates[:top]
    assert sorted(rates[top:], reverse=True) == rates[top:]
