"""One denoised image from all frames."""

from __future__ import annotations

import pytest
import torch

from napari_blindspot.chance import Chance
from napari_blindspot.inference.repeats import RepeatsPass


def squared(x):
    """A stand-in for a network, which is not linear."""
    return x**2 + x.mean(1, keepdim=True)


def predicted(noisy, **options):
    return RepeatsPass(2, **options).predict(squared, noisy, Chance(0, (0, 0))).mean


@pytest.mark.parametrize("space", [(5, 6), (3, 5, 6)])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_every_frame_is_the_mean_of_what_the_network_makes_of_each(space, count):
    frames = torch.randn(2, count, 2, *space)
    expected = squared(frames.flatten(0, 1)).reshape(frames.shape).mean(1, keepdim=True)
    result = predicted(frames.flatten(1, 2)).reshape(frames.shape)
    torch.testing.assert_close(result, expected.expand_as(frames))


def test_halves_are_the_odd_and_the_even_frames():
    frames = torch.randn(1, 5, 2, 6, 6)
    means = [frames[:, 0::2].mean(1), frames[:, 1::2].mean(1)]
    expected = (squared(means[0]) + squared(means[1])) / 2
    result = predicted(frames.flatten(1, 2), halves=True).reshape(frames.shape)
    torch.testing.assert_close(result, expected[:, None].expand_as(frames))
    alone = frames[:, 0]
    torch.testing.assert_close(predicted(alone, halves=True), squared(alone))


def test_a_draft_leaves_out_the_turned_copies():
    assert RepeatsPass(1, halves=True, turns=8).draft() == RepeatsPass(1, halves=True)
