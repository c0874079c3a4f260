from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import MultivariateNormal

from napari_blindspot.losses.covariance import CovarianceLikelihood
from napari_blindspot.pairs import TrainingPair
from napari_blindspot.triangular import factor, factor_size


@pytest.mark.parametrize("channels", [1, 3])
def test_likelihood_is_that_of_a_multivariate_normal(channels):
    torch.manual_seed(0)
    target = torch.randn(2, channels, 4, 5)
    output = torch.randn(2, channels + factor_size(channels), 4, 5)
    mask = torch.zeros_like(target)
    mask[:, :, ::2] = 1
    pair = TrainingPair(torch.zeros_like(target), target, mask)
    loss = CovarianceLikelihood()(lambda *_: output, pair)

    matrix = factor(output[:, channels:], channels)
    normal = MultivariateNormal(
        output[:, :channels].movedim(1, -1), precision_matrix=matrix.mT @ matrix
    )
    expected = -normal.log_prob(target.movedim(1, -1)) / channels - math.log(2 * math.pi) / 2
    torch.testing.assert_close(loss, expected[:, ::2].mean(), rtol=1e-4, atol=1e-4)
