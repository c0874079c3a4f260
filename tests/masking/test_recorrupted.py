from __future__ import annotations

import pytest
import torch

from napari_blindspot.masking import Recorrupted


def pairs(alpha, assumed, true, count=400_000):
    """Recorrupted pairs of a constant signal 10 with noise of variance `true`."""
    generator = torch.Generator().manual_seed(0)
    noisy = 10 + true**0.5 * torch.randn(1, 1, count // 500, 500, generator=generator)
    scheme = Recorrupted((0.0,), (assumed,), (1e-6,), alpha)
    return noisy, scheme.sample(noisy, generator)


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0])
def test_noise_of_input_and_target_is_uncorrelated(alpha):
    _, pair = pairs(alpha, 4.0, 4.0)
    seen, wanted = (x.flatten() - 10 for x in (pair.input, pair.target))
    assert float(seen.var()) == pytest.approx(4 * (1 + alpha**2), rel=0.02)
    assert float(wanted.var()) == pytest.approx(4 * (1 + alpha**-2), rel=0.02)
    assert abs(float((seen * wanted).mean())) < 0.005 * float(seen.std() * wanted.std())


def test_an_understated_noise_leaks():
    """So the check above can fail: the covariance is what the law leaves out."""
    _, pair = pairs(1.0, 2.0, 4.0)
    covariance = ((pair.input - 10) * (pair.target - 10)).mean()
    assert float(covariance) == pytest.approx(2.0, rel=0.05)


def test_variance_follows_the_signal_per_channel():
    noisy = torch.stack([torch.full((500, 500), 5.0), torch.full((500, 500), -3.0)])[None]
    scheme = Recorrupted((2.0, 2.0), (1.0, 1.0), (0.1, 0.25), 1.0)
    pair = scheme.sample(noisy, torch.Generator().manual_seed(0))
    added = (pair.input - noisy)[0].flatten(1).var(1)
    torch.testing.assert_close(added, torch.tensor([11.0, 0.25]), rtol=0.02, atol=0)
    torch.testing.assert_close((pair.input + pair.target) / 2, noisy)
    assert (pair.mask == 1).all()


def test_same_generator_state_gives_the_same_pair():
    noisy = torch.rand(1, 1, 8, 8)
    kept = noisy.clone()
    scheme = Recorrupted((1.0,), (1.0,), (0.1,), 1.2)
    first, second = (scheme.sample(noisy, torch.Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(first.input, second.input)
    assert torch.equal(noisy, kept)
