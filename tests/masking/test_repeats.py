"""Pairs of frames that show the same thing."""

from __future__ import annotations

import pytest
import torch

from napari_blindspot.masking.repeats import Repeats
from napari_blindspot.patches import Draw


def frames_of(batch, count, channels, space=(6, 5)):
    """Patches whose values tell patch, frame and channel: hundreds, tens, units."""
    shape = (batch, count, channels, *(1 for _ in space))
    patch, frame, channel = torch.meshgrid(*map(torch.arange, shape[:3]), indexing="ij")
    values = (100.0 * patch + 10 * frame + channel).reshape(shape).expand(*shape[:3], *space)
    return values.reshape(batch, count * channels, *space).clone()


@pytest.mark.parametrize("space", [(6, 5), (3, 6, 5)])
def test_two_frames_of_a_patch_are_input_and_target_of_one_another(space):
    noisy = frames_of(50, 4, 2, space)
    pair = Repeats(2).sample(noisy, torch.Generator().manual_seed(0))
    assert pair.input.shape == pair.target.shape == (100, 2, *space)
    assert (pair.mask == 1).all()
    shown, target = (x.flatten(2)[..., 0] for x in (pair.input, pair.target))
    assert torch.equal(shown[:50], target[50:])
    assert torch.equal(shown[50:], target[:50])
    # Patch and channel are the same, the frame is another one; all frames have their turn.
    apart = (shown - target)[:50]
    assert torch.equal(apart[:, 0], apart[:, 1])
    assert set(apart[:, 0].abs().tolist()) == {10.0, 20.0, 30.0}
    assert torch.equal(shown[:50, 0] // 100, torch.arange(50.0))
    assert torch.equal(shown[:, 1] - shown[:, 0], torch.ones(100))


@pytest.mark.parametrize(("count", "left_out"), [(2, 0), (4, 0), (5, 1)])
def test_halves_are_means_over_frames_that_they_do_not_share(count, left_out):
    noisy = torch.zeros(30, count, 1, 4, 4)
    for frame in range(count):
        noisy[:, frame] = 2.0**frame
    pair = Repeats(1, halves=True).sample(noisy.flatten(1, 2), torch.Generator().manual_seed(0))
    size = count // 2
    sums = (size * torch.stack([pair.input, pair.target]))[..., 0, 0].round().int()
    ones = [[bin(int(value)).count("1") for value in row] for row in sums.flatten(1)]
    assert ones == [[size] * 60] * 2
    assert not (sums[0] & sums[1]).any()
    left = 2**count - 1 - (sums[0] | sums[1])
    assert all(bin(int(value)).count("1") == left_out for value in left.flatten())


def test_patches_are_not_changed_and_chance_comes_from_the_generator():
    noisy = torch.randn(8, 6, 7, 7)
    kept = noisy.clone()
    first, same, other = (
        Repeats(2).sample(noisy, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(noisy, kept)
    assert torch.equal(first.input, same.input)
    assert not torch.equal(first.input, other.input)


def test_pixels_held_out_count_in_neither_direction():
    drawn = Draw(torch.randn(3, 4, 8, 8), (torch.rand(3, 1, 8, 8) > 0.5).float())
    pair = Repeats(2).sample(drawn.noisy, torch.Generator().manual_seed(0))
    counting = pair.counting(drawn.counted)
    assert torch.equal(counting.mask, torch.cat([drawn.counted, drawn.counted]).expand(6, 2, 8, 8))
