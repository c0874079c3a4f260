from __future__ import annotations

import torch

from napari_blindspot.losses import WeightedSquaredError
from napari_blindspot.noise import NoiseLaw
from napari_blindspot.pairs import TrainingPair


def pair_at(level):
    seen = torch.full((1, 2, 9, 9), level)
    return TrainingPair(seen, seen + 1, torch.ones_like(seen))


def test_power_zero_is_the_squared_error_in_units_of_the_noise():
    laws = (NoiseLaw(1.0, 2.0), NoiseLaw(1.0, 4.0))
    loss = WeightedSquaredError(laws, 0.0)(lambda x, mask: x, pair_at(6.0))
    torch.testing.assert_close(loss, torch.tensor((1 / 2 + 1 / 4) / 2))


def test_power_one_divides_by_the_variance():
    laws = (NoiseLaw(1.0, 2.0),) * 2
    loss = WeightedSquaredError(laws, 1.0)(lambda x, mask: x, pair_at(6.0))
    torch.testing.assert_close(loss, torch.tensor(1 / 8))


def test_weights_carry_no_gradient_to_the_input_level():
    laws = (NoiseLaw(1.0, 2.0),) * 2
    scale = torch.ones((), requires_grad=True)
    WeightedSquaredError(laws, 0.5)(lambda x, mask: x * scale, pair_at(6.0)).backward()
    torch.testing.assert_close(scale.grad, torch.tensor(2 * 6 * -1 / 2 * (8 / 2) ** -0.5))
