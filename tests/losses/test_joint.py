from __future__ import annotations

import pytest
import torch

from napari_blindspot.losses.joint import JointLikelihood
from napari_blindspot.pairs import TrainingPair


@pytest.mark.parametrize("dependent", [True, False])
def test_total_variance_is_that_of_signal_and_noise(dependent):
    """In units where no light is -2: mean 1, signal 0.5, gain 0.2, dark 0.3."""
    columns = [1.0, *torch.tensor([0.5, 0.2, 0.3]).log().tolist()]
    output = torch.tensor(columns).reshape(1, 4, 1, 1).expand(1, 4, 3, 3)
    target = torch.full((1, 1, 3, 3), 2.0)
    pair = TrainingPair(target, target, torch.ones_like(target))
    loss = JointLikelihood((-2.0,), dependent)(lambda *_: output, pair)
    noise = torch.tensor(0.3 + 0.2 * 3.0 * dependent)
    total = 0.5 + noise
    expected = (1 / total + total.log()) / 2 - 0.1 * noise.sqrt()
    torch.testing.assert_close(loss, expected)
