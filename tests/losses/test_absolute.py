from __future__ import annotations

import torch

from napari_blindspot.losses import AbsoluteError
from napari_blindspot.pairs import TrainingPair


def pair_with_mask():
    torch.manual_seed(0)
    target, mask = torch.rand(2, 2, 6, 6), (torch.rand(2, 2, 6, 6) > 0.5).float()
    return TrainingPair(torch.rand(2, 2, 6, 6), target, mask)


def test_absolute_error_counts_masked_pixels_only():
    pair = pair_with_mask()
    chosen = pair.mask == 1
    expected = torch.nn.functional.l1_loss(pair.input[chosen], pair.target[chosen])
    torch.testing.assert_close(AbsoluteError()(lambda x, mask: x, pair), expected)


def test_its_minimum_is_the_median():
    """Of 0, 0 and 3, while that of the squared error is the mean."""
    target = torch.tensor([0.0, 0.0, 3.0]).view(1, 1, 1, 3)
    pair = TrainingPair(torch.zeros_like(target), target, torch.ones_like(target))
    losses = [float(AbsoluteError()(lambda x, mask, v=v: x + v, pair)) for v in (0.0, 0.5, 1.0)]
    assert losses == sorted(losses)
    assert losses[0] < losses[1]


def test_a_score_is_added_with_its_weight():
    pair = pair_with_mask()
    plain = AbsoluteError()(lambda x, mask: x, pair)
    scored = AbsoluteError(lambda picture: picture.mean(), 0.5)(lambda x, mask: x, pair)
    torch.testing.assert_close(scored, plain + 0.5 * pair.input.mean())
