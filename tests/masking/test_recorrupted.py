from __future__ import annotations

import pytest
import torch

from napari_blindspot.masking import Recorrupted
from napari_blindspot.noise import NoiseLaw


def pairs(alpha, assumed, true, count=400_000):
    """Recorrupted pairs of a constant signal 10 with noise of variance `true`."""
    generator = torch.Generator().manual_seed(0)
    noisy = 10 + true**0.5 * torch.randn(1, 1, count // 500, 500, generator=generator)
    scheme = Recorrupted((NoiseLaw(0.0, assumed, assumed),), alpha)
    return noisy, scheme.sample(noisy, generator)


def correlation(a, b):
    return float(torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1])


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0])
def test_noise_of_input_and_target_is_uncorrelated(alpha):
    _, pair = pairs(alpha, 4.0, 4.0)
    assert float(pair.input.var()) == pytest.approx(4 * (1 + alpha**2), rel=0.02)
    assert float(pair.target.var()) == pytest.approx(4 * (1 + alpha**-2), rel=0.02)
    assert abs(correlation(pair.input, pair.target)) < 0.005


def test_an_understated_noise_leaks():
    """So the check above can fail: the covariance is what the law leaves out."""
    _, pair = pairs(1.0, 2.0, 4.0)
    covariance = ((pair.input - 10) * (pair.target - 10)).mean()
    assert float(covariance) == pytest.approx(2.0, rel=0.05)


@pytest.mark.parametrize("signal", [0.2, 2.0, 40.0, 1000.0])
@pytest.mark.parametrize("gain", [1.0, 0.25])
def test_photon_counts_are_dealt_out_to_independent_images(signal, gain):
    """Not only uncorrelated: whatever the input, the target is the same on average."""
    generator = torch.Generator().manual_seed(0)
    counts = torch.poisson(torch.full((1, 1, 600, 600), signal), generator=generator)
    # A grey value of 3 without light.
    scheme = Recorrupted((NoiseLaw(gain, -3.0 * gain, 0.01),), 0.8, (True,))
    pair = scheme.sample(gain * counts + 3.0, generator)
    seen, wanted = ((x - 3.0) / gain for x in (pair.input, pair.target))
    assert float(seen.var()) == pytest.approx(signal * (1 + 0.8**2), rel=0.03)
    assert float(wanted.mean()) == pytest.approx(signal, rel=0.03)
    # Equal values must not be told apart by their rounding errors.
    order = seen.flatten().round(decimals=3).argsort()
    for part in wanted.flatten()[order].chunk(4):
        assert float(part.mean()) == pytest.approx(signal, rel=0.05)


@pytest.mark.parametrize("signal", [0.3, 30.0])
def test_camera_noise_in_the_dark_and_in_the_light(signal):
    """Read noise of variance 4 and photon noise of gain 2: the variance is right on average."""
    generator = torch.Generator().manual_seed(0)
    shape = (1, 1, 600, 600)
    photons = torch.poisson(torch.full(shape, signal), generator=generator)
    noisy = 2 * photons + 100 + 2 * torch.randn(shape, generator=generator)
    scheme = Recorrupted((NoiseLaw(2.0, 4.0 - 200.0, 4.0),), 1.0)
    pair = scheme.sample(noisy, generator)
    assert abs(correlation(pair.input, pair.target)) < 0.05
    assert float((pair.input - noisy).var()) == pytest.approx(4 * signal + 4, rel=0.15)


def test_channels_have_noise_of_their_own():
    noisy = torch.stack([torch.full((500, 500), 5.0), torch.full((500, 500), -3.0)])[None]
    scheme = Recorrupted((NoiseLaw(2.0, 1.0, 1.0), NoiseLaw(0.0, 0.25, 0.25)), 1.0)
    pair = scheme.sample(noisy, torch.Generator().manual_seed(0))
    added = (pair.input - noisy)[0].flatten(1).var(1)
    torch.testing.assert_close(added, torch.tensor([11.0, 0.25]), rtol=0.02, atol=0)
    torch.testing.assert_close((pair.input + pair.target) / 2, noisy)
    assert (pair.mask == 1).all()


def test_same_generator_state_gives_the_same_pair():
    noisy = torch.rand(1, 1, 8, 8)
    kept = noisy.clone()
    scheme = Recorrupted((NoiseLaw(1.0, 1.0, 0.1),), 1.2)
    first, second = (scheme.sample(noisy, torch.Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(first.input, second.input)
    assert torch.equal(noisy, kept)
