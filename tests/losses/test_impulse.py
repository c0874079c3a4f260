from __future__ import annotations

import torch
from torch.distributions import Normal

from napari_blindspot.losses.impulse import ImpulseLikelihood
from napari_blindspot.pairs import TrainingPair


def test_likelihood_is_a_mixture_of_the_clean_value_and_an_even_one():
    torch.manual_seed(0)
    target, mean, log_variance = torch.randn(3, 2, 1, 8, 8).unbind()
    log_odds = torch.full_like(target, -1.5)
    output = torch.cat([mean, log_variance, log_odds], 1)
    pair = TrainingPair(target, target, torch.ones_like(target))
    loss = ImpulseLikelihood()(lambda *_: output, pair)

    share = torch.sigmoid(torch.tensor(-1.5))
    clean = Normal(mean, (log_variance / 2).exp()).log_prob(target).exp()
    even = 1 / (target.max() - target.min())
    expected = -(share * even + (1 - share) * clean).log().mean()
    torch.testing.assert_close(loss, expected)
