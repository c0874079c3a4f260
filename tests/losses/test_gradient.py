"""The loss of Blind2Grad."""

from __future__ import annotations

import pytest
import torch

from napari_blindspot.details import DualMask
from napari_blindspot.losses.gradient import GradientRegularised, slope
from napari_blindspot.masking import Bernoulli
from napari_blindspot.pairs import TrainingPair


def test_slopes_are_differences_to_the_pixel_before():
    x = torch.tensor([[1.0, 4.0, 2.0], [0.0, 0.0, 5.0]])[None, None]
    assert slope(x, -1)[0, 0].tolist() == [[0, 3, -2], [0, 0, 5]]
    assert slope(x, -2)[0, 0].tolist() == [[0, 0, 0], [-1, -4, 3]]


@pytest.mark.parametrize(("omega", "gamma"), [(0.0, 0.5), (0.8, 0.5), (0.8, 0.0)])
def test_it_is_the_formula_of_the_paper(omega, gamma):
    """By hand, with a network that doubles what it is shown."""
    noisy = torch.rand(2, 1, 5, 6)
    hidden = (torch.rand(2, 1, 5, 6) < 0.5).float()
    pair = TrainingPair(noisy * (1 - hidden), noisy, hidden)
    loss = GradientRegularised(omega, gamma)(lambda x, mask=None: 2 * x, pair)

    total = count = 0.0
    for b, y, x in hidden[:, 0].nonzero().tolist():
        masked, whole = 2 * pair.input[b, 0], 2 * noisy[b, 0]
        content = float(masked[y, x] - noisy[b, 0, y, x])
        total += gamma * content**2
        for dy, dx in ((1, 0), (0, 1)):
            inside = y >= dy and x >= dx
            before = (y - dy, x - dx) if inside else (y, x)
            along = (whole[y, x] - whole[before]) - (masked[y, x] - masked[before])
            total += (content + omega * float(along)) ** 2 / 2
        count += 1
    assert float(loss) == pytest.approx(total / count, rel=1e-5)


def test_details_are_hidden_less_often_and_hidden_pixels_are_not_shown():
    generator = torch.Generator().manual_seed(0)
    noisy = torch.zeros(1, 1, 200, 200)
    noisy[..., :100] = 5.0
    pair = Bernoulli(0.5).sample(noisy, generator)
    seen = []

    def network(x, mask=None):
        seen.append((x, mask))
        return 0 * x

    dual = DualMask(rate=0.25, thresholds=(1.0,), share=0.5, most=0.5)
    GradientRegularised(0.8, 0.5, dual, 0.5)(network, pair)
    (whole, none), (shown, hidden) = seen
    assert none is None
    assert torch.equal(whole, noisy)
    assert torch.equal(shown, noisy * (1 - hidden))
    assert float(hidden[..., :100].mean()) == pytest.approx(0.125, abs=0.01)
    assert float(hidden[..., 100:].mean()) == pytest.approx(0.375, abs=0.01)


@pytest.mark.parametrize("share", [1.0, 0.5, 0.25])
def test_how_often_details_are_hidden_does_not_change_what_they_count(share):
    noisy = torch.zeros(1, 1, 300, 300)
    noisy[..., :150] = 2.0
    pair = Bernoulli(0.5).sample(noisy, torch.Generator().manual_seed(0))
    dual = DualMask(rate=0.25, thresholds=(1.0,), share=share, most=0.5)
    loss = GradientRegularised(0.8, 0.5, dual, 0.5)(lambda x, mask=None: 0 * x, pair)
    assert float(loss) == pytest.approx(1.5 * 2.0**2 / 2, rel=0.04)


def test_details_that_are_never_hidden_count_for_nothing():
    noisy = torch.zeros(1, 1, 100, 100)
    noisy[..., :50] = 2.0
    pair = Bernoulli(0.5).sample(noisy, torch.Generator().manual_seed(0))
    dual = DualMask(rate=0.25, thresholds=(1.0,), share=0.0, most=0.5)
    assert float(GradientRegularised(0.8, 0.5, dual, 0.5)(lambda x, mask=None: 0 * x, pair)) == 0
