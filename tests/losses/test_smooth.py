from __future__ import annotations

import math

import pytest
import torch

from napari_blindspot.losses import SmoothError
from napari_blindspot.losses.smooth import others, total_variation
from napari_blindspot.pairs import TrainingPair


def pair(side=12, rate=0.5):
    generator = torch.Generator().manual_seed(0)
    noisy = torch.rand(2, 2, side, side, generator=generator) + 1
    mask = (torch.rand(2, 1, side, side, generator=generator) < rate).float().expand_as(noisy)
    return TrainingPair(noisy * (1 - mask), noisy, mask)


def test_variation_by_hand():
    """The root of the squared differences to the pixels below and to the right, eq. 9."""
    image = torch.tensor([[0.0, 3.0, 3.0], [4.0, 4.0, 5.0], [9.0, 9.0, 9.0]])[None, None]
    lengths = [math.hypot(4, 3), math.hypot(1, 0), math.hypot(5, 0), math.hypot(5, 1)]
    assert float(total_variation(image)) == pytest.approx(sum(lengths) / 4, rel=1e-4)


@pytest.mark.parametrize("power", [1, 2])
def test_error_by_hand(power):
    given = pair()
    loss = SmoothError(0.0, 2, power)(lambda x, mask: torch.full_like(x, 1.5), given)
    error = (given.target - 1.5).abs() ** power
    assert float(loss) == pytest.approx(float(error[given.mask == 1].mean()), rel=1e-5)


def test_smoothness_is_that_of_the_image_put_together_from_both_passes():
    given = pair()

    def network(x, mask):
        assert not (x * mask).any()
        return 2 * given.target * mask

    plain, smooth = (SmoothError(weight)(network, given) for weight in (0.0, 0.3))
    expected = float(plain) + 0.3 * float(total_variation(2 * given.target))
    assert float(smooth) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("branches", [2, 3, 5])
def test_the_other_passes_hide_what_was_visible_once(branches):
    mask = pair(40, 1 / branches).mask
    hidden = list(others(mask, branches))
    assert len(hidden) == branches - 1
    assert torch.equal(sum(h.float() for h in hidden), 1 - mask)
    for each in hidden:
        assert float(each.float().mean()) == pytest.approx(1 / branches, abs=0.04)


def test_a_constant_has_a_slope_to_learn_from():
    image = torch.ones(1, 1, 4, 4, requires_grad=True)
    total_variation(image).backward()
    assert torch.isfinite(image.grad).all()
