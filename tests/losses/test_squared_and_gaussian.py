from __future__ import annotations

import torch

from napari_blindspot.losses import GaussianLikelihood, SquaredError
from napari_blindspot.masking import Stratified
from napari_blindspot.networks import UNet
from napari_blindspot.pairs import TrainingPair


def pair_with_mask():
    torch.manual_seed(0)
    target, mask = torch.rand(2, 2, 6, 6), (torch.rand(2, 2, 6, 6) > 0.5).float()
    return TrainingPair(torch.rand(2, 2, 6, 6), target, mask)


def test_squared_error_counts_masked_pixels_only():
    pair = pair_with_mask()
    loss = SquaredError()(lambda x, mask: x, pair)
    chosen = pair.mask == 1
    expected = torch.nn.functional.mse_loss(pair.input[chosen], pair.target[chosen])
    torch.testing.assert_close(loss, expected)


def test_gaussian_likelihood_equals_torch():
    pair = pair_with_mask()
    log_variance = torch.randn(2, 2, 6, 6)
    loss = GaussianLikelihood()(lambda x, mask: torch.cat([x, log_variance], 1), pair)
    chosen = pair.mask == 1
    expected = torch.nn.functional.gaussian_nll_loss(
        pair.input[chosen], pair.target[chosen], log_variance.exp()[chosen]
    )
    torch.testing.assert_close(loss, expected)


def test_empty_mask_gives_zero():
    pair = pair_with_mask()
    empty = TrainingPair(pair.input, pair.target, torch.zeros_like(pair.mask))
    assert float(SquaredError()(lambda x, mask: x, empty)) == 0


def test_a_network_that_saves_the_rest_gives_the_same_loss():
    torch.manual_seed(0)
    network, noisy = UNet(2, 1, 1, width=4, depth=1), torch.randn(2, 1, 16, 16)
    pair = Stratified(0.02, 5).sample(noisy, torch.Generator().manual_seed(0))
    whole = SquaredError()(lambda x, _: network(x), pair)
    torch.testing.assert_close(SquaredError()(network, pair), whole)
