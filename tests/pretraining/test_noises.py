from __future__ import annotations

import numpy as np
import torch
from noises import exposed


def shown(seed=0, count=24, **how):
    pictures = torch.linspace(0, 1, 64).expand(count, 1, 64, 64).contiguous()
    return exposed(pictures, np.random.default_rng(seed), **how)


def test_an_exposure_belongs_to_its_seed():
    first, again, other = shown(), shown(), shown(1)
    assert torch.equal(first.noisy, again.noisy)
    assert not torch.equal(first.noisy, other.noisy)


def test_the_noise_has_the_variance_that_is_known():
    made = shown(plain=True)
    scaled = (made.noisy - made.clean) / made.variance.sqrt()
    assert abs(float(scaled.mean())) < 0.01
    assert abs(float(scaled.var()) - 1) < 0.02
    assert float((scaled.var((1, 2, 3)) - 1).abs().max()) < 0.15
    assert not made.correlation.any()


def test_filtered_noise_has_the_variance_and_the_correlation_that_are_known():
    made = shown(count=120)
    scaled = ((made.noisy - made.clean) / made.variance.sqrt())[:, 0, 8:-8, 8:-8]
    assert abs(float((scaled**2).mean()) - 1) < 0.05
    own = (scaled**2).mean((1, 2))
    pairs = [(scaled[:, lag:] * scaled[:, :-lag]).mean((1, 2)) / own for lag in (1, 2)] + [
        (scaled[..., lag:] * scaled[..., :-lag]).mean((1, 2)) / own for lag in (1, 2)
    ]
    wrong = torch.stack(pairs, 1) - made.correlation[..., 0, 0]
    assert float(wrong.abs().mean()) < 0.06
    assert float(made.correlation[:, 0].max()) > 0.5
    white = (made.correlation.abs().amax(1) < 0.15).float().mean()
    assert 0.35 < float(white) < 0.75


def test_some_exposures_are_empty():
    made = shown(count=400)
    flat = (made.clean.amax((1, 2, 3)) - made.clean.amin((1, 2, 3))) < 1e-4
    assert 0.01 < float(flat.float().mean()) < 0.09
    plain = shown(count=400, plain=True).clean
    assert bool(((plain.amax((1, 2, 3)) - plain.amin((1, 2, 3))) > 0.5).all())


def test_the_law_that_is_told_is_a_little_wrong():
    made = shown(count=200, plain=True)
    told = (made.gain * made.clean + made.offset).maximum(made.floor)
    wrong = (told / made.variance).flatten(1)
    assert float(wrong.min()) > 0.84
    assert float(wrong.max()) < 1.19
    assert 0.05 < float(wrong.mean(1).std()) < 0.2


def test_there_is_light_of_all_strengths_and_a_quarter_of_even_noise():
    made = shown(count=400, plain=True)
    peaks = made.clean.amax((1, 2, 3))
    assert float(peaks.min()) < 3
    assert float(peaks.max()) > 300
    assert 0.17 < float((made.gain == 0).float().mean()) < 0.33
