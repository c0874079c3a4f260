from __future__ import annotations

import pytest
import torch

from napari_blindspot.patches import PatchSampler, patch_shape


def ramp(*shape):
    return torch.arange(float(torch.tensor(shape).prod())).reshape(shape)


def test_same_generator_state_gives_same_batch():
    sampler = PatchSampler((ramp(3, 2, 20, 24),), (8, 8), 5)
    batches = [sampler.draw(torch.Generator().manual_seed(3)).noisy for _ in range(2)]
    assert batches[0].shape == (5, 2, 8, 8)
    assert torch.equal(*batches)


def test_patches_are_windows_of_the_series_up_to_turns():
    series = ramp(1, 1, 9, 11)
    sampler = PatchSampler((series,), (4, 4), 40)
    for patch in sampler.draw(torch.Generator().manual_seed(0)).noisy:
        values = patch.flatten().sort().values
        top = int(values[0])
        y, x = divmod(top, 11)
        assert torch.equal(values, series[0, 0, y : y + 4, x : x + 4].flatten().sort().values)


def test_every_turn_occurs_and_every_border_is_reached():
    series = ramp(1, 1, 4, 5)
    sampler = PatchSampler((series,), (4, 4), 300)
    patches = {tuple(p.flatten().tolist()) for p in sampler.draw(torch.Generator()).noisy}
    assert len(patches) == 8 * 2


def test_upright_patches_are_mirrored_only():
    series = ramp(1, 1, 4, 5)
    sampler = PatchSampler((series,), (4, 4), 300, upright=True)
    patches = sampler.draw(torch.Generator()).noisy
    assert len({tuple(p.flatten().tolist()) for p in patches}) == 4 * 2
    assert {int((p[0, 0, 1] - p[0, 0, 0]).abs()) for p in patches} == {1}


def test_inputs_are_drawn_in_proportion_to_their_size():
    sampler = PatchSampler((torch.zeros(1, 1, 8, 8), torch.ones(3, 1, 8, 8)), (8, 8), 400)
    share = float(sampler.draw(torch.Generator().manual_seed(0)).noisy.mean())
    assert share == pytest.approx(0.75, abs=0.07)


@pytest.mark.parametrize(
    ("space", "wanted", "divisor", "batch", "expected"),
    [
        ((512, 512), 64, (8, 8), 64, (64, 64)),
        ((40, 512), 64, (8, 8), 1, (40, 64)),
        ((512, 512), 70, (8, 8), 1, (64, 64)),
        ((5, 128, 128), 64, (1, 4, 4), 8, (5, 32, 32)),
        ((64, 128, 128), 64, (1, 4, 4), 2, (8, 64, 64)),
        ((64, 128, 128), 64, (1, 4, 4), 3, (8, 32, 32)),
        ((64, 512, 512), 128, (1, 4, 4), 1, (16, 64, 64)),
        ((64, 128, 128), 40, (1, 4, 4), 8, (8, 32, 32)),
        ((64, 128, 128), 24, (1, 4, 4), 16, (8, 24, 24)),
        ((8, 8), 4, (8, 8), 1, (8, 8)),
        ((45, 50), 64, (8, 8), 1, (40, 48)),
    ],
)
def test_patch_shape(space, wanted, divisor, batch, expected):
    assert patch_shape(space, wanted, divisor, batch) == expected
