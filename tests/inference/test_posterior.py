from __future__ import annotations

import pytest
import torch

from napari_blindspot.chance import Chance
from napari_blindspot.inference.covariance import CovariancePosterior
from napari_blindspot.inference.gamma import GammaPosterior
from napari_blindspot.inference.impulse import ImpulsePosterior
from napari_blindspot.inference.joint import JointPosterior
from napari_blindspot.inference.posterior import PosteriorMean
from napari_blindspot.noise import BlindSample, NoiseLaw
from napari_blindspot.photons import PhotonScale
from napari_blindspot.triangular import factor, factor_size

CHANCE = Chance(0, (0, 0))


def predicted(predictor, output, noisy):
    """Prediction of a network that gives the same numbers for every pixel."""
    numbers = torch.as_tensor(output).reshape(1, -1, 1, 1)
    return predictor.predict(lambda x: numbers.expand(1, -1, *x.shape[2:]).to(x), noisy, CHANCE)


def covered(result, clean, width=1.645):
    return float(((result.mean - clean).abs() < width * result.std).float().mean())


def test_gaussian_posterior_of_a_gaussian_prior():
    """Prior N(1, 2), noise 0.5: the known formulas, and the truth in 90 % of the intervals."""
    torch.manual_seed(0)
    clean = 1 + 2**0.5 * torch.randn(1, 1, 128, 128)
    noisy = clean + 0.5**0.5 * torch.randn(clean.shape)
    mean = torch.ones(1, clean.numel())
    sample = BlindSample(noisy.flatten()[None], mean, 2.5 * mean)
    predictor = PosteriorMean(turns=2).calibrated(sample, (NoiseLaw(0.0, 0.5, 0.5),))
    result = predicted(predictor, [1.0, torch.tensor(2.5).log()], noisy)
    torch.testing.assert_close(result.mean, 1 + 0.8 * (noisy - 1), atol=0.03, rtol=0.02)
    torch.testing.assert_close(result.std, torch.full_like(noisy, 0.4**0.5), atol=0.01, rtol=0.02)
    assert covered(result, clean) == pytest.approx(0.9, abs=0.015)


@pytest.mark.parametrize(("spread", "share"), [(3.0, 0.1), (0.5**0.5, 0.05), (0.0, 0.001)])
def test_smooth_places_keep_as_much_of_the_measurement_as_there_is_signal(spread, share):
    """Noise of variance 1 on a signal that the prediction explains."""
    generator = torch.Generator().manual_seed(0)
    mean = spread * torch.randn(1, 100_000, generator=generator)
    noisy = mean + torch.randn(mean.shape, generator=generator)
    sample = BlindSample(noisy, mean, torch.ones_like(mean))
    predictor = PosteriorMean(turns=1).calibrated(sample, (NoiseLaw(0.0, 1.0, 1.0),))
    predictor = PosteriorMean(turns=1).restored(predictor.state())
    assert predictor.least[0] == pytest.approx(share, rel=0.05)
    result = predicted(predictor, [0.0, -0.5], torch.full((1, 1, 2, 2), 10.0))
    expected = torch.full((1, 1, 2, 2), 10 * share / (1 + share))
    torch.testing.assert_close(result.mean, expected, rtol=0.06, atol=1e-3)


def test_constant_noise_is_fitted_where_the_likelihood_has_no_gain():
    generator = torch.Generator().manual_seed(0)
    mean = 10 * torch.rand(1, 50_000, generator=generator)
    noisy = mean + 0.3 * torch.randn(mean.shape, generator=generator)
    sample = BlindSample(noisy, mean, torch.full_like(mean, 0.09))
    wrong = (NoiseLaw(5.0, 5.0),)
    predictor = PosteriorMean(signal_dependent=False).calibrated(sample, wrong)
    assert predictor.laws[0].gain == 0
    assert predictor.laws[0].offset == pytest.approx(0.09, rel=0.1)
    known = (NoiseLaw(0.0, 0.2),)
    assert PosteriorMean(known).calibrated(sample, wrong).laws == known


def test_gamma_posterior_of_a_gamma_prior():
    """Prior of mean 4 and variance 8 photons: (2 + k) / (0.5 + 1), truth in 90 %."""
    generator = torch.Generator().manual_seed(0)
    scale = PhotonScale((0.5,), (-2.0,))
    clean = torch._standard_gamma(torch.full((1, 1, 200, 200), 2.0), generator=generator) * 2
    counts = torch.poisson(clean, generator=generator)
    noisy = scale.intensity(counts)
    flat = torch.zeros(1, counts.numel())
    sample = BlindSample(noisy.flatten()[None], flat, flat + 12 * 0.25)
    predictor = GammaPosterior(scale, known=True, turns=1).calibrated(sample, (NoiseLaw(1.0, 1.0),))
    result = predicted(predictor, [0.0, torch.tensor(12 * 0.25).log()], noisy)
    torch.testing.assert_close(scale.photons(result.mean), (2 + counts) / 1.5, rtol=0.05, atol=0.05)
    expected = 0.5 * ((2 + counts) / 1.5**2).sqrt()
    torch.testing.assert_close(result.std, expected, rtol=0.05, atol=0.05)
    assert covered(result, scale.intensity(clean)) == pytest.approx(0.9, abs=0.02)
    restored = GammaPosterior(PhotonScale((1.0,), (0.0,)), known=True).restored(predictor.state())
    assert (restored.scale, restored.curves) == (predictor.scale, predictor.curves)


def test_gamma_posterior_takes_the_fitted_gain_unless_one_is_known():
    flat = torch.ones(1, 100)
    sample = BlindSample(flat, flat, flat)
    laws = (NoiseLaw(0.25, 0.5),)
    scale = PhotonScale((1.0,), (0.0,))
    assert GammaPosterior(scale, known=False).calibrated(sample, laws).scale.gain == (0.25,)
    assert GammaPosterior(scale, known=True).calibrated(sample, laws).scale.gain == (1.0,)


def test_joint_channels_lend_one_another_their_signal():
    """Two channels with a common signal: eq. 3 with matrices."""
    torch.manual_seed(0)
    signal = torch.tensor([[2.0, 1.5], [1.5, 2.0]])
    noise = torch.diag(torch.tensor([0.5, 1.0]))
    upper = torch.linalg.cholesky(torch.linalg.inv(signal + noise)).T
    raw = [*upper.diagonal().log().tolist(), float(upper[0, 1])]
    torch.testing.assert_close(factor(torch.tensor(raw).reshape(1, 3, 1, 1), 2)[0, 0, 0], upper)

    noisy = torch.randn(1, 2, 4, 4)
    laws = (NoiseLaw(0.0, 0.5, 0.5), NoiseLaw(0.0, 1.0, 1.0))
    flat = torch.zeros(2, 40_000)
    drawn = torch.linalg.cholesky(signal + noise) @ torch.randn(2, 40_000)
    sample = BlindSample(drawn, flat, (signal + noise).diagonal()[:, None].expand(2, 40_000))
    predictor = CovariancePosterior(2, PosteriorMean(turns=1)).calibrated(sample, laws)
    result = predicted(predictor, [0.0, 0.0, *raw], noisy)

    share = signal @ torch.linalg.inv(signal + noise)
    expected = (share @ noisy.movedim(1, -1)[..., None])[..., 0].movedim(-1, 1)
    torch.testing.assert_close(result.mean, expected, rtol=0.05, atol=0.03)
    variance = (signal - share @ signal).diagonal()
    torch.testing.assert_close(result.std[0, :, 0, 0], variance.sqrt(), rtol=0.03, atol=0.01)
    assert factor_size(2) == 3
    restored = CovariancePosterior(2, PosteriorMean()).restored(predictor.state())
    assert restored.noise.laws == laws


def test_impulse_posterior_replaces_what_cannot_be_true():
    """Clean values N(0, 0.01) and one pixel in five anywhere in -10 ... 10."""
    torch.manual_seed(0)
    clean = 0.1 * torch.randn(1, 1, 100, 100)
    hit = torch.rand(clean.shape) < 0.2
    noisy = torch.where(hit, 20 * torch.rand(clean.shape) - 10, clean)
    sample = BlindSample(noisy.flatten()[None], torch.zeros(1, 10_000), None)
    predictor = ImpulsePosterior(turns=1).calibrated(sample, ())
    assert predictor.ranges[0] == pytest.approx(20, rel=0.01)
    odds = torch.tensor(0.2 / 0.8).log()
    result = predicted(predictor, [0.0, torch.tensor(0.01).log(), odds], noisy)
    assert float((result.mean - clean)[hit].abs().mean()) < 0.12
    assert float((result.mean - clean)[~hit].abs().mean()) < 0.01
    assert ImpulsePosterior().restored(predictor.state()).ranges == predictor.ranges


def test_joint_posterior_uses_the_learned_noise():
    logs = torch.tensor([2.0, 0.2, 0.1]).log().tolist()
    noisy = torch.full((1, 1, 3, 3), 5.0)
    predictor = JointPosterior((-1.0,), turns=1)
    output = torch.tensor([3.0, *logs]).reshape(1, 4, 1, 1)
    (law,) = predictor.laws(output)
    assert float(law.variance(torch.tensor(3.0))) == pytest.approx(0.1 + 0.2 * 4)
    result = predicted(predictor, [3.0, *logs], noisy)
    assert 4.2 < float(result.mean[0, 0, 0, 0]) < 4.5
    assert JointPosterior((0.0,), signal_dependent=False).laws(output)[0].gain == 0
    assert predictor.calibrated(None, ()).restored(predictor.state()) == predictor
