from __future__ import annotations

import dataclasses
import itertools

import pytest
import torch

from napari_blindspot.budget import Budget
from napari_blindspot.checkpoint import Checkpoint
from napari_blindspot.halting import Stop
from napari_blindspot.inference import PlainPass
from napari_blindspot.losses import SquaredError
from napari_blindspot.masking import Everything, Stratified
from napari_blindspot.methods import Parts, Recipe
from napari_blindspot.networks import UNet
from napari_blindspot.noise import NoiseLaw
from napari_blindspot.pace import Clock, Pace
from napari_blindspot.params import InputError
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


class NoNews:
    """Noise update that finds one law and changes nothing."""

    def fit(self, parts):
        return (NoiseLaw(1.0, 2.0),)

    def apply(self, parts, laws):
        return parts


def steps_of(
    parts, budget, *, most=None, answer=Stop.APPLY, noise=None, checkpoint=None, clock=None
):
    """Steps of a training that is told to end after `most` of them."""
    generator = torch.Generator().manual_seed(1)
    steps = []
    work = train(
        parts,
        sampler(),
        clock or Clock(budget),
        generator=generator,
        stop=lambda: answer if len(steps) == most else Stop.NO,
        noise=noise or NoNews(),
        checkpoint=checkpoint,
    )
    for step in work:
        steps.append(step)  # noqa: PERF402 - the stop flag looks at the list as it grows
    return steps


def test_a_smooth_image_is_learnt():
    steps = steps_of(parts_for(), Budget(steps=150))
    assert [s.step for s in steps] == list(range(1, 151))
    assert sum(s.loss for s in steps[-10:]) < 0.2 * sum(s.loss for s in steps[:10])
    assert steps[-1].fraction == 1


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on by a second whenever the training looks at it."""
    ticks = itertools.count()
    monkeypatch.setattr("napari_blindspot.training.time.perf_counter", lambda: float(next(ticks)))


@pytest.mark.usefixtures("clock")
def test_seconds_end_the_training():
    steps = steps_of(parts_for(), Budget(seconds=7))
    assert [s.elapsed_s for s in steps] == [1, 2, 3, 4, 5, 6, 7]


def test_the_network_ends_with_averaged_weights():
    last, mean = parts_for(averaging=0.0), parts_for(averaging=0.9)
    for parts in (last, mean):
        steps_of(parts, Budget(steps=20))
        assert not parts.network.training
    weights = [next(iter(p.network.parameters())) for p in (last, mean)]
    assert not torch.equal(*weights)


def test_stop_ends_the_training():
    assert len(steps_of(parts_for(), Budget(steps=50), most=2)) == 2


def test_noise_updates_happen_when_due_and_change_the_parts():
    seen = []

    class Unmasked(NoNews):
        def apply(self, parts, laws):
            seen.append(laws)
            return dataclasses.replace(parts, masking=Everything())

    steps = steps_of(parts_for(noise_updates=(0.3, 0.6)), Budget(steps=10), noise=Unmasked())
    assert len(steps) == 10
    assert seen == [(NoiseLaw(1.0, 2.0),)] * 2


def kept(file, *, resume=False):
    """Checkpoint after every step."""
    return Checkpoint(file, "mine", resume=resume, interval_s=0)


class NoiseByNetwork(NoNews):
    """Noise update that depends on the network, and a masking that depends on the update."""

    def fit(self, parts):
        return (
            NoiseLaw(0.0, float(next(iter(parts.network.parameters())).detach().square().mean())),
        )

    def apply(self, parts, laws):
        fraction = 0.05 + min(laws[0].offset, 0.1)
        return dataclasses.replace(parts, masking=Stratified(fraction, 5))


@pytest.mark.parametrize("interrupted_at", [1, 3, 4, 7, 9])
def test_an_interrupted_training_goes_on_as_if_nothing_had_happened(tmp_path, interrupted_at):
    recipe = {"noise_updates": (0.3, 0.6), "weight_decay": 0.1}
    whole, first, second = (parts_for(**recipe) for _ in range(3))
    expected = steps_of(whole, Budget(steps=10), noise=NoiseByNetwork())

    file = tmp_path / "state"
    before = steps_of(
        first,
        Budget(steps=10),
        most=interrupted_at,
        answer=Stop.HALT,
        noise=NoiseByNetwork(),
        checkpoint=kept(file),
    )
    after = steps_of(
        second,
        Budget(steps=10),
        noise=NoiseByNetwork(),
        checkpoint=kept(file, resume=True),
    )
    assert [(s.step, s.loss) for s in before + after] == [(s.step, s.loss) for s in expected]
    for ours, theirs in zip(second.network.parameters(), whole.network.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_seconds_that_were_used_are_not_used_again(tmp_path):
    file = tmp_path / "state"
    first = steps_of(parts_for(), Budget(seconds=0.2), checkpoint=kept(file))
    assert steps_of(parts_for(), Budget(seconds=0.2), checkpoint=kept(file, resume=True)) == []
    assert first[-2].elapsed_s < 1.1 * 0.2


def test_without_resume_a_training_begins_anew(tmp_path):
    checkpoint = kept(tmp_path / "state")
    for _ in range(2):
        assert steps_of(parts_for(), Budget(steps=3), checkpoint=checkpoint)[0].step == 1


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: b"", "cannot be read"),
        (lambda data: data[: len(data) // 2], "cannot be read"),
        (lambda data: data.replace(b'\\"step\\"', b'\\"stop\\"'), "is damaged"),
        (lambda data: data.replace(b'\\"format\\": 6', b'\\"format\\": 9'), "no checkpoint of"),
        (lambda data: data.replace(b'\\"mine\\"', b'\\"your\\"'), "other inputs or parameters"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path, damage, message):
    file = tmp_path / "state"
    steps_of(parts_for(), Budget(steps=3), checkpoint=kept(file))
    damaged = damage(file.read_bytes())
    assert damaged != file.read_bytes()
    file.write_bytes(damaged)
    checkpoint = kept(file, resume=True)
    with pytest.raises(InputError, match=f"{message}.*delete it, or start without --resume"):
        steps_of(parts_for(), Budget(steps=5), checkpoint=checkpoint)


def test_the_schedule_rises_once_and_falls_to_zero():
    rates = [schedule(k / 1000) for k in range(1001)]
    assert 0 < rates[0] < 0.2
    assert max(rates) == pytest.approx(1, abs=0.01)
    assert rates[1000] == pytest.approx(0, abs=1e-6)
    top = rates.index(max(rates))
    assert sorted(rates[:top]) == rates[:top]
    assert sorted(rates[top:], reverse=True) == rates[top:]


@pytest.mark.parametrize("stopped_at", [None, 2, 9])
def test_a_budget_in_seconds_can_be_repeated_step_by_step(stopped_at):
    budget = Budget(seconds=0.5)
    clock = Clock(budget)
    parts = parts_for(noise_updates=(0.3,))
    first = steps_of(parts, budget, most=stopped_at, clock=clock)
    again = Clock(budget, Pace.parse(str(clock.pace)))
    second = steps_of(parts_for(noise_updates=(0.3,)), budget, clock=again)
    assert [s.loss for s in first] == [s.loss for s in second]
    assert [s.fraction for s in first[:-1]] == [s.fraction for s in second[:-1]]
    # On a busy machine the budget is over after fewer steps.
    assert len(first) <= (stopped_at or len(first))
