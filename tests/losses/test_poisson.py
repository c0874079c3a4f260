from __future__ import annotations

import torch
from torch.distributions import NegativeBinomial

from napari_blindspot.losses.poisson import PoissonLikelihood
from napari_blindspot.pairs import TrainingPair
from napari_blindspot.photons import PhotonScale

SCALE = PhotonScale((0.5,), (-2.0,))


def loss_of(mean, total, photons):
    """Loss for a mean and total variance in photons."""
    output = torch.cat([SCALE.intensity(mean), (total * 0.25).log()], 1)
    target = SCALE.intensity(photons)
    pair = TrainingPair(target, target, torch.ones_like(target))
    return PoissonLikelihood(SCALE)(lambda *_: output, pair)


def test_likelihood_is_negative_binomial():
    torch.manual_seed(0)
    mean, excess = 0.1 + 20 * torch.rand(1, 1, 6, 7), 0.1 + torch.rand(1, 1, 6, 7)
    photons = torch.poisson(mean)
    r = mean / excess
    reference = NegativeBinomial(r, probs=excess / (1 + excess)).log_prob(photons)
    expected = -(reference + torch.lgamma(photons + 1)).mean()
    torch.testing.assert_close(loss_of(mean, mean * (1 + excess), photons), expected)


def test_truth_is_the_minimum():
    generator = torch.Generator().manual_seed(0)
    # A gamma prior of mean 4 and variance 8 gives counts of variance 12.
    signal = torch._standard_gamma(torch.full((1, 1, 300, 300), 2.0), generator=generator) * 2
    photons = torch.poisson(signal, generator=generator)

    def at(mean, total):
        shape = torch.ones_like(photons)
        return float(loss_of(mean * shape, total * shape, photons))

    best = at(4.0, 12.0)
    assert best < min(at(3.6, 12.0), at(4.4, 12.0), at(4.0, 9.0), at(4.0, 16.0), at(4.0, 4.0))


def test_bright_pixels_keep_their_precision():
    """Differences of large log-gamma values cancel; the loss must still see the mean."""
    photons = torch.full((1, 1, 4, 4), 60_000.0)
    near, far = (loss_of(photons + d, 1.1 * photons, photons) for d in (0.0, 300.0))
    assert float(far - near) > 0.1
